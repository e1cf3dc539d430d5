//! T10: a reconnect storm. All connections end at once, because they are cut or because the server is killed, and all come
//! back with their cursors.

use std::time::Duration;

use anyhow::Result;
use rand::RngExt;
use tokio::time::Instant;

use super::Scale;
use crate::client::Habits;
use crate::socket::Transport;
use crate::web::figure;
use crate::world::{Size, World};

/// Of 20 connections that one person may have.
const CLIENTS: usize = 16;
const ROOMS: usize = 40;
/// Within this time 99 % are back in their rooms, from the moment of the end. Stock clients wait for a second, more or
/// less, before they try.
const BACK: Duration = Duration::from_secs(5);
/// Questions to the database that a storm may cost for each room, whoever many come back to it: one to open it, one for
/// those who are in it, and some for what else goes on.
const READS_PER_ROOM: u64 = 4;
/// Between storms, in milliseconds: joins cost credit, which takes its time to grow.
const LIFE: std::ops::Range<u64> = 5_000..20_000;
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is the server that ends.
const KILLED: f64 = 0.5;

/// So many connections.
pub(super) fn size(scale: Scale) -> Size {
    Size { people: scale.sockets / CLIENTS, rooms: ROOMS, clients: CLIENTS, rooms_each: 1 }
}

pub(super) async fn strike(world: &mut World) -> Result<()> {
    // A word a second in each room, so that there is something to resume.
    let pace = Duration::from_secs((world.scale.sockets / ROOMS) as u64);
    let habits = Habits {
        transports: vec![Transport::WebSocket],
        pace: Some(pace),
        reads: false,
        beat: Duration::from_secs(30),
        returns: (Duration::from_secs(1), Duration::from_secs(5)),
        patience: Duration::from_secs(30),
        ..Habits::default()
    };
    world.gather(&habits).await?;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        world.pass_some(LIFE).await;
        storm(world).await?;
    }
    Ok(())
}

async fn storm(world: &mut World) -> Result<()> {
    let metrics = world.doors.metrics;
    let reads = || figure(metrics, "parlor_store_reads_total");
    // It is over when all are back: until then a message waits behind those who come.
    world.history.fault("a storm");
    let begun = Instant::now();
    let before = if world.draws.random_bool(KILLED) {
        world.kill()?;
        world.wait_until_all_are_away().await?;
        world.start().await?;
        // It counts anew.
        0
    } else {
        let before = reads().await?;
        world.cut_all().await?;
        before
    };
    for percent in [50, 99, 100] {
        world.crowd.wait(|muster| muster.here, percent, PATIENCE).await?;
        let took = begun.elapsed();
        world.history.figures(|figures| figures.storm(percent).record(took));
        if percent == 99 && took > BACK {
            world.history.surprise(format!("99 % are back after {took:.1?}"));
        }
    }
    world.history.healed();
    let reads = reads().await? - before;
    world.history.figures(|figures| figures.storm_reads = figures.storm_reads.max(reads));
    if reads > READS_PER_ROOM * ROOMS as u64 {
        let clients = world.crowd.size();
        let what = format!("{clients} clients came back to {ROOMS} rooms for {reads} questions");
        world.history.surprise(what);
    }
    Ok(())
}
