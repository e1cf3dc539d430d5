//! T13: everything that can happen to a server in a long life, drawn again and again, and in the end nothing has grown.

use std::time::Duration;

use anyhow::Result;
use checker::Moment;
use rand::RngExt;
use tokio::time::Instant;

use super::network;
use crate::client::Habits;
use crate::process::Usage;
use crate::world::{Size, World};

pub(super) const SIZE: Size = Size { people: 8, rooms: 5, clients: 3, rooms_each: 2 };
/// Between two faults, in milliseconds.
const LIFE: std::ops::Range<u64> = 100..2_000;
/// Threads that helped once end by themselves after ten seconds, and memory is given back before.
const QUIET: Duration = Duration::from_secs(12);

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.come_through_a_proxy()?;
    let habits = Habits { repeats: 1, patience: Duration::from_secs(2), ..Habits::default() };
    world.gather(&habits).await?;
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length / 2;
    while Instant::now() < end {
        match world.draws.random_range(0..6) {
            0 | 1 => {
                world.kill()?;
                world.start().await?;
            }
            2 => {
                world.end().await?;
                world.start().await?;
            }
            3 => network::spell(world).await?,
            4 => world.cut_all().await?,
            // Two at once: it is killed while the network is bad.
            _ => {
                world.kill()?;
                network::spell(world).await?;
                world.start().await?;
            }
        }
        world.pass_some(LIFE).await;
    }
    one_life(world).await
}

/// What one process lives through must leave nothing behind in it.
async fn one_life(world: &mut World) -> Result<()> {
    world.wait_until_all_are_here().await?;
    let process = world.running()?.id();
    world.pass(QUIET).await;
    world.history.note(Usage::of(process)?.seen(Moment::Baseline));
    let end = Instant::now() + world.scale.length / 2;
    while Instant::now() < end {
        if world.draws.random_bool(0.5) {
            network::spell(world).await?;
        } else {
            world.cut_all().await?;
        }
        world.pass_some(LIFE).await;
    }
    world.crowd.order(|orders| orders.talk = false);
    world.wait_until_all_are_here().await?;
    world.pass(QUIET).await;
    let usage = Usage::of(process)?;
    world.history.note(usage.seen(Moment::After));
    Ok(())
}
