//! T12: the program is asked to end (SIGTERM) under load, again and again. Everybody is told when to come back before their
//! connection ends, nothing acked is lost, nobody needs a resync, and it ends in time.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::client::Habits;
use crate::history::Verdict;
use crate::world::{Plan, Size, World};

const SIZE: Size = Size { people: 6, rooms: 4, clients: 3, rooms_each: 2 };
/// Between everybody being back and the next SIGTERM, in milliseconds.
const LIFE: std::ops::Range<u64> = 5..1_000;

pub(super) async fn run(plan: Plan<'_>) -> Result<Verdict> {
    let mut world = World::new(&plan, &SIZE).await?;
    world.gather(&SIZE, &Habits::default()).await?;
    world.pass(plan.length / 5).await;
    let end = Instant::now() + plan.length;
    while Instant::now() < end {
        let told = world.history.figures(|figures| figures.drained);
        world.end().await?;
        world.wait_until_all_are_away().await?;
        let told = world.history.figures(|figures| figures.drained) - told;
        let clients = world.crowd.size() as u64;
        if told < clients {
            world.history.surprise(format!("{told} of {clients} clients were told of the end"));
        }
        world.start().await?;
        world.wait_until_all_are_here().await?;
        world.pass_some(LIFE).await;
    }
    let verdict = world.judge().await?;
    Ok(verdict.without_resyncs())
}
