//! T12: the program is asked to end (SIGTERM) under load, again and again. Everybody is told when to come back before their
//! connection ends, nothing acked is lost, nobody needs a resync, and it ends in time.

use anyhow::Result;
use rand::RngExt;
use tokio::time::Instant;

use crate::client::Habits;
use crate::world::World;

/// Between a start and the next SIGTERM, in milliseconds.
const LIFE: std::ops::Range<u64> = 5..2_500;
/// How often everybody is waited for before it; they are asked to come back over five seconds.
const WHOLE: f64 = 0.3;

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.gather(&Habits::default()).await?;
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        if world.draws.random_bool(WHOLE) {
            world.wait_until_all_are_here().await?;
            say_goodbye(world).await?;
        } else {
            world.end().await?;
        }
        world.start().await?;
        world.pass_some(LIFE).await;
    }
    Ok(())
}

/// Everybody is connected, and so everybody has to be told of the end.
async fn say_goodbye(world: &mut World) -> Result<()> {
    let told = world.history.figures(|figures| figures.drained);
    world.end().await?;
    world.wait_until_all_are_away().await?;
    let told = world.history.figures(|figures| figures.drained) - told;
    let clients = world.crowd.size() as u64;
    if told < clients {
        world.history.surprise(format!("{told} of {clients} clients were told of the end"));
    }
    Ok(())
}
