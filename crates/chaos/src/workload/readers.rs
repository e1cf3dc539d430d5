//! T8: many readers in a busy room stop reading, or read a byte in a second. Each costs a bounded amount of memory for a
//! bounded time and is closed; the others do not notice. Where little is said, it is a ping without an answer that ends
//! them, before anything of theirs has become too much or too old.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::RngExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use super::Scale;
use crate::client::Habits;
use crate::figures::Times;
use crate::process::Usage;
use crate::socket::{Reader, Transport};
use crate::web::figure;
use crate::world::{Size, World};

/// Of 20 connections that one person may have.
const EACH: usize = 16;
/// Those who go on talking.
const TALKERS: usize = 8;
/// What one of them may cost.
const MOST_BYTES: u64 = 1 << 20;
/// And for how long, from when the kernel takes no more for it.
const LONGEST: Duration = Duration::from_secs(30);
/// What the kernel takes for somebody who does not read.
const KERNEL: u64 = 512 * 1024;
/// With so much said, every queue is full.
const ENOUGH: u64 = KERNEL + MOST_BYTES;
/// Between two messages of one who talks.
const PACE: Duration = Duration::from_millis(150);
/// Bytes of one message to all who read. More of them would keep this process busier than the server.
const MOST_TOLD: usize = 1_000_000;
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Two processors are shared by everybody here; less than this is not told apart.
const NOISE: Duration = Duration::from_millis(5);
/// Those who connect at a time.
const AT_ONCE: usize = 32;
/// If so little is said that nothing ever comes to a bound, something else is wrong.
const PATIENCE: Duration = Duration::from_mins(3);
/// By what those are found who do not read: what waits for them, or a ping that they do not answer.
const FOUND: [&str; 2] = [
    "parlor_connections_closed_total{reason=\"lagging\"}",
    "parlor_connections_closed_total{reason=\"ping_timeout\"}",
];

/// Everybody who stops is somebody.
pub(super) fn size(scale: Scale) -> Size {
    let people = scale.readers.div_ceil(EACH).max(TALKERS);
    Size { people, rooms: 1, clients: 1, rooms_each: 1 }
}

pub(super) async fn strike(world: &mut World) -> Result<()> {
    // From so much that the bytes reach their bound first, to so little that it is the age, if there is time for that.
    let fills = world.scale.length.mul_f64(world.draws.random_range(0.2..1.5));
    let messages = fills.as_millis() / PACE.as_millis() * TALKERS as u128;
    let length = u128::from(ENOUGH).checked_div(messages).unwrap_or_default();
    let longest = (MOST_TOLD / world.scale.readers.max(1)).clamp(200, 8_000);
    let length = usize::try_from(length)?.clamp(200, longest);
    let habits = Habits {
        transports: vec![Transport::WebSocket],
        pace: Some(PACE),
        length: length..length + 1,
        reads: false,
        ..Habits::default()
    };
    world.gather_some(TALKERS, &habits).await?;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        let base = Usage::of(world.running()?.id())?.memory_bytes;
        let readers = gather_readers(world).await?;
        let readers = read(world, readers).await?;
        stop_reading(world, readers, base, length as u64).await?;
    }
    let p99 = |times: &Times| times.within(99.0);
    let (reading, stopped) = world
        .history
        .figures(|figures| (p99(&figures.ack_beside_readers), p99(&figures.ack_beside_stopped)));
    // A program that is not built for speed is not measured.
    if !cfg!(debug_assertions) && stopped > reading * 2 + NOISE {
        let what = format!(
            "99 of 100 acks take {stopped:.1?} beside stopped readers, and {reading:.1?} while they read"
        );
        world.history.surprise(what);
    }
    Ok(())
}

/// They come to the room all at once, which is no ordinary moment for the others either.
async fn gather_readers(world: &mut World) -> Result<Vec<Reader>> {
    let count = world.scale.readers;
    world.history.fault(&format!("{count} readers come"));
    let (at, room) = (world.doors.people, world.rooms[0]);
    // With what was said before they need not be told so much that they never come to the present.
    let now = world.web.page(&world.people[0], room, 0).await?;
    let cursor = (now.head, now.epoch);
    let readers = (0..count).map(|number| {
        let token = world.people[number / EACH].token.clone();
        async move { Reader::join(at, &token, room, cursor).await }
    });
    let readers = stream::iter(readers).buffer_unordered(AT_ONCE).try_collect().await?;
    world.history.healed();
    Ok(readers)
}

/// For a while all of them read.
async fn read(world: &World, readers: Vec<Reader>) -> Result<Vec<Reader>> {
    let acks = |world: &World| world.history.figures(|figures| figures.ack.clone());
    let before = acks(world);
    let time = world.scale.length / 5;
    let reading: Vec<_> =
        readers.into_iter().map(|reader| tokio::spawn(reader.read(time))).collect();
    let readers = try_join_all(reading).await?.into_iter().collect::<Result<_>>()?;
    let beside = acks(world).since(&before);
    world.history.figures(|figures| figures.ack_beside_readers.add(&beside));
    Ok(readers)
}

async fn stop_reading(
    world: &mut World,
    readers: Vec<Reader>,
    base: u64,
    length: u64,
) -> Result<()> {
    let count = readers.len() as u64;
    let process = world.running()?.id();
    let acks = |world: &World| world.history.figures(|figures| figures.ack_in_faults.clone());
    let before = acks(world);
    let found_before = found(world).await?;
    world.history.fault(&format!("{count} readers stop"));
    let dripping = tokio::spawn(drip(readers.into_iter().map(Reader::stop).collect()));
    let mut peak = base;
    let mut closed = 0;
    let watched = async {
        let mut looks = interval(LOOK_EVERY);
        let mut due = Due::default();
        while closed < count && !due.is_over() {
            looks.tick().await;
            peak = peak.max(Usage::of(process)?.memory_bytes);
            due.heard(acks(world).since(&before).count() * length);
            closed = found(world).await? - found_before;
        }
        anyhow::Ok(())
    };
    let watched = timeout(PATIENCE, watched).await;
    dripping.abort();
    let beside = acks(world).since(&before);
    world.history.figures(|figures| figures.ack_beside_stopped.add(&beside));
    world.history.healed();
    watched.unwrap_or(Ok(())).context("while readers were watched")?;
    if closed < count {
        world.history.surprise(format!("{closed} of {count} stopped readers are closed"));
    }
    let each = (peak - base) / count;
    world.history.figures(|figures| figures.reader_bytes = figures.reader_bytes.max(each));
    if each > MOST_BYTES {
        world.history.surprise(format!("each stopped reader cost {each} bytes"));
    }
    Ok(())
}

/// When the last of those who do not read has to be closed.
#[derive(Default)]
struct Due {
    /// When the kernel took no more.
    full: Option<Instant>,
    /// When what waits had become too much.
    too_much: Option<Instant>,
}

impl Due {
    /// So many bytes have been said since they stopped.
    fn heard(&mut self, bytes: u64) {
        let now = Instant::now();
        if bytes >= KERNEL {
            self.full.get_or_insert(now);
        }
        if bytes >= ENOUGH {
            self.too_much.get_or_insert(now);
        }
    }

    fn is_over(&self) -> bool {
        let too_old = self.full.map(|full| full + LONGEST);
        let due = [self.too_much, too_old].into_iter().flatten().min();
        due.is_some_and(|due| due + SLACK < Instant::now())
    }
}

/// How many have been closed so far for not reading.
async fn found(world: &World) -> Result<u64> {
    let [lagging, silent] = FOUND.map(|reason| figure(world.doors.metrics, reason));
    Ok(lagging.await? + silent.await?)
}

/// Every other one reads a byte in a second, the others nothing.
async fn drip(readers: Vec<TcpStream>) {
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        for reader in readers.iter().step_by(2) {
            // Nothing there, or closed: as good as nothing.
            reader.try_read(&mut [0]).ok();
        }
    }
}
