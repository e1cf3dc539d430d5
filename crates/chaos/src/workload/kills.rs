//! T1: the program is killed (`kill -9`) at random moments under load, started again on the same data, and everybody comes
//! back with their cursors.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::client::Habits;
use crate::history::Verdict;
use crate::world::{Plan, Size, World};

const SIZE: Size = Size { people: 6, rooms: 4, clients: 3, rooms_each: 2 };
/// Between a start and the next kill, in milliseconds: from a program that has hardly begun to one that is busy.
const LIFE: std::ops::Range<u64> = 5..1_500;
/// No longer than this after its start must the program have acked something.
const RECOVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(plan: Plan<'_>) -> Result<Verdict> {
    let mut world = World::new(&plan, &SIZE).await?;
    world.gather(&SIZE, &Habits::default()).await?;
    // How it is when nothing is broken.
    world.pass(plan.length / 5).await;
    let end = Instant::now() + plan.length;
    while Instant::now() < end {
        world.kill()?;
        let started = Instant::now();
        world.start().await?;
        if world.next_ack(RECOVERY).await {
            world.history.figures(|figures| figures.recovery.record(started.elapsed()));
        } else {
            world.history.surprise(format!("nothing is acked within {RECOVERY:?} of a start"));
        }
        world.pass_some(LIFE).await;
    }
    world.judge().await
}
