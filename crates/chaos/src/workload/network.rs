//! T6: a network that fails on purpose stands between everybody and the server: latency, small pieces, stalls, resets,
//! bytes that vanish, ends in one direction; for all transports and for the move between them.

use std::time::Duration;

use anyhow::Result;
use faults::Schedule;
use rand::RngExt;
use tokio::time::Instant;

use crate::client::Habits;
use crate::world::World;

/// How long the network is bad, and then good, in milliseconds.
const BAD: std::ops::Range<u64> = 2_000..8_000;
const GOOD: std::ops::Range<u64> = 200..2_000;
/// How often all connections are reset together in the middle of it.
const CUT: f64 = 0.3;

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.come_through_a_proxy()?;
    // Somebody who waits for long would miss most of the faults, but some do.
    let habits = Habits { patience: Duration::from_secs(2), naps: 0.2, ..Habits::default() };
    world.gather(&habits).await?;
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        spell(world).await?;
        world.pass_some(GOOD).await;
    }
    Ok(())
}

/// A time of bad weather.
pub(super) async fn spell(world: &mut World) -> Result<()> {
    let seed = world.draws.random();
    world.history.fault(&format!("the network follows the schedule of {seed}"));
    let before = world.proxy()?.counts();
    world.proxy()?.follow(Schedule::new(seed));
    world.pass_some(BAD).await;
    if world.draws.random_bool(CUT) {
        world.proxy()?.cut_all();
    }
    world.proxy()?.calm();
    world.history.healed();
    let after = world.proxy()?.counts();
    let broken = |counts: faults::Counts| counts.resets + counts.vanished + counts.ended;
    let cuts = broken(after) - broken(before);
    world.history.figures(|figures| figures.cuts += cuts);
    Ok(())
}
