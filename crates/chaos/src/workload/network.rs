//! T6: a network that fails on purpose stands between everybody and the server: latency, small pieces, stalls, resets,
//! bytes that vanish, ends in one direction; for all transports and for the move between them.

use std::time::Duration;

use anyhow::Result;
use faults::{Proxy, Schedule};
use rand::RngExt;
use tokio::time::Instant;

use crate::client::Habits;
use crate::history::Verdict;
use crate::world::{Plan, Size, World};

const SIZE: Size = Size { people: 6, rooms: 4, clients: 3, rooms_each: 2 };
/// How long the network is bad, and then good, in milliseconds.
const BAD: std::ops::Range<u64> = 2_000..8_000;
const GOOD: std::ops::Range<u64> = 200..2_000;
/// How often all connections are reset together in the middle of it.
const CUT: f64 = 0.3;

pub(super) async fn run(plan: Plan<'_>) -> Result<Verdict> {
    let mut world = World::new(&plan, &SIZE).await?;
    let proxy = Proxy::start(world.doors.people)?;
    world.crowd.order(|orders| orders.at = proxy.address());
    // Somebody who waits for long would miss most of the faults.
    let habits = Habits { patience: Duration::from_secs(2), ..Habits::default() };
    world.gather(&SIZE, &habits).await?;
    world.pass(plan.length / 5).await;
    let end = Instant::now() + plan.length;
    while Instant::now() < end {
        spell(&mut world, &proxy).await;
        world.pass_some(GOOD).await;
    }
    // Not before nobody needs it any more.
    let verdict = world.judge().await?;
    drop(proxy);
    Ok(verdict.without_resyncs())
}

/// A time of bad weather.
pub(super) async fn spell(world: &mut World, proxy: &Proxy) {
    let seed = world.draws.random();
    world.history.fault(&format!("the network follows the schedule of {seed}"));
    let before = proxy.counts();
    proxy.follow(Schedule::new(seed));
    world.pass_some(BAD).await;
    if world.draws.random_bool(CUT) {
        proxy.cut_all();
    }
    proxy.calm();
    world.history.healed();
    let after = proxy.counts();
    let broken = |counts: faults::Counts| counts.resets + counts.vanished + counts.ended;
    let cuts = broken(after) - broken(before);
    world.history.figures(|figures| figures.cuts += cuts);
}
