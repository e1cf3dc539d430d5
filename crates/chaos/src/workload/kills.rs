//! T1: the program is killed (`kill -9`) at random moments under load, started again on the same data, and everybody comes
//! back with their cursors.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::client::Habits;
use crate::world::World;

/// Between a start and the next kill, in milliseconds: from a program that has hardly begun to one that is busy.
const LIFE: std::ops::Range<u64> = 5..1_500;
/// No longer than this after its start must the program have acked something.
const RECOVERY: Duration = Duration::from_secs(10);

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.gather(&Habits::default()).await?;
    // How it is when nothing is broken.
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length;
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
    Ok(())
}
