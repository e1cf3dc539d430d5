//! What can be counted. Each shard counts for itself and publishes once per tick, so counting costs nothing that is shared.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::close::CloseReason;
use crate::shard::ShardInbox;

/// Buckets of the fan-out histogram: up to 1 µs, 2 µs, 4 µs, … about 4 s, and the rest.
pub const FAN_OUT_BUCKETS: usize = 24;

/// What the engine has done and holds, at one moment. Totals count from its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Connections that are WebSockets.
    pub websockets: u64,
    /// Connections that are long-polling sessions.
    pub polling_sessions: u64,
    /// Sockets: connections times the namespaces they are in.
    pub sockets: u64,
    /// Connections opened, in total.
    pub opened: u64,
    /// Connections closed, in total, by reason: `closes[CloseReason::Lagging as usize]`.
    pub closes: [u64; CloseReason::ALL.len()],
    /// Long-polling sessions that became WebSockets, in total.
    pub upgrades: u64,
    /// Pings sent, in total.
    pub pings: u64,
    /// Packets received from clients, in total.
    pub packets_received: u64,
    /// Events for which no handler was registered, in total.
    pub events_unhandled: u64,
    /// Frames handed to groups, in total.
    pub frames_published: u64,
    /// Frames put into the queue of a connection, in total.
    pub frames_queued: u64,
    /// Frames that left for a client, in total.
    pub frames_sent: u64,
    /// Frames that were waiting for a connection when it ended, in total. Its application was told that it ended.
    pub frames_discarded: u64,
    /// Frames that wait in a queue now.
    pub frames_waiting: u64,
    /// Bytes that wait in a queue now.
    pub queued_bytes: u64,
    /// Bytes that wait for a shard now.
    pub inbox_bytes: u64,
    /// Time from [`Group::send`](crate::Group::send) until a shard had written the frame to all its members or found them
    /// blocked, as a histogram: bucket `n` counts those up to `2^n` µs, the last one the rest.
    pub fan_out: [u64; FAN_OUT_BUCKETS],
}

/// All counters of an engine.
#[derive(Debug)]
pub(crate) struct Metrics {
    shards: Box<[Mutex<Counts>]>,
    published: AtomicU64,
}

/// What one shard counts.
pub(crate) type Counts = Snapshot;

impl Snapshot {
    /// Frames that vanished while their connection lived. Nothing can make this anything but 0; it is computed from the
    /// other counters, so that a mistake would show.
    pub fn frames_dropped(&self) -> i128 {
        i128::from(self.frames_queued)
            - i128::from(self.frames_sent)
            - i128::from(self.frames_discarded)
            - i128::from(self.frames_waiting)
    }

    /// Connections of all kinds.
    pub fn connections(&self) -> u64 {
        self.websockets + self.polling_sessions
    }

    pub(crate) fn fanned_out(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket =
            micros.checked_next_power_of_two().map_or(u32::MAX, u64::trailing_zeros) as usize;
        self.fan_out[bucket.min(FAN_OUT_BUCKETS - 1)] += 1;
    }

    fn add(&mut self, shard: &Self) {
        let Self {
            websockets,
            polling_sessions,
            sockets,
            opened,
            closes,
            upgrades,
            pings,
            packets_received,
            events_unhandled,
            frames_published,
            frames_queued,
            frames_sent,
            frames_discarded,
            frames_waiting,
            queued_bytes,
            inbox_bytes,
            fan_out,
        } = shard;
        self.websockets += websockets;
        self.polling_sessions += polling_sessions;
        self.sockets += sockets;
        self.opened += opened;
        self.upgrades += upgrades;
        self.pings += pings;
        self.packets_received += packets_received;
        self.events_unhandled += events_unhandled;
        self.frames_published += frames_published;
        self.frames_queued += frames_queued;
        self.frames_sent += frames_sent;
        self.frames_discarded += frames_discarded;
        self.frames_waiting += frames_waiting;
        self.queued_bytes += queued_bytes;
        self.inbox_bytes += inbox_bytes;
        self.closes.iter_mut().zip(closes).for_each(|(sum, count)| *sum += count);
        self.fan_out.iter_mut().zip(fan_out).for_each(|(sum, count)| *sum += count);
    }
}

impl Metrics {
    pub(crate) fn new(shards: usize) -> Self {
        let shards = (0..shards).map(|_| Mutex::default()).collect();
        Self { shards, published: AtomicU64::new(0) }
    }

    /// Makes what a shard has counted known.
    pub(crate) fn publish(&self, shard: usize, counts: &Counts) {
        self.shards[shard].lock().expect("no reader panics").clone_from(counts);
    }

    /// A frame was handed to a group.
    pub(crate) fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, inboxes: &[ShardInbox]) -> Snapshot {
        let mut sum = Snapshot {
            frames_published: self.published.load(Ordering::Relaxed),
            inbox_bytes: inboxes.iter().map(|inbox| inbox.bytes() as u64).sum(),
            ..Snapshot::default()
        };
        for shard in &self.shards {
            sum.add(&shard.lock().expect("no writer panics"));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_out_is_counted_in_the_bucket_of_its_time() {
        let mut counts = Counts::default();
        for micros in [0, 1, 2, 3, 4, 1000, u64::MAX] {
            counts.fanned_out(Duration::from_micros(micros));
        }
        assert_eq!(counts.fan_out[..3], [2, 1, 2]);
        assert_eq!(counts.fan_out[10], 1);
        assert_eq!(counts.fan_out[FAN_OUT_BUCKETS - 1], 1);
    }

    #[test]
    fn a_frame_that_is_neither_sent_nor_waiting_nor_discarded_is_missed() {
        let counts =
            Counts { frames_queued: 5, frames_sent: 2, frames_waiting: 2, ..Counts::default() };
        assert_eq!(counts.frames_dropped(), 1);
    }
}
