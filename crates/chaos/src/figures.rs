//! How much there was of everything, and how long it took.

use std::time::Duration;

use checker::{Event, Path};
use hdrhistogram::Histogram;

/// Counts and times of one history, or of many together.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Different messages that somebody wanted to say.
    pub said: u64,
    /// Sendings of them, repetitions included.
    pub sendings: u64,
    /// Messages that were acked.
    pub acked: u64,
    /// Messages that arrived live.
    pub live: u64,
    /// Messages that arrived between a join and its answer.
    pub resumed: u64,
    /// Messages that were read over HTTP, those of the final reading not counted.
    pub read: u64,
    /// Joins with a cursor that were answered.
    pub resumes: u64,
    /// Cursors that could not be served.
    pub resyncs: u64,
    /// Databases put back to an earlier state.
    pub restores: u64,
    /// Connections made.
    pub connections: u64,
    /// Connections lost.
    pub lost: u64,
    /// Clients that were told that the server ends.
    pub drained: u64,
    /// Faults, of whatever kind.
    pub faults: u64,
    /// `kill -9`.
    pub kills: u64,
    /// SIGTERM.
    pub ends: u64,
    /// Sessions that were ended.
    pub log_outs: u64,
    /// Connections cut on purpose, by a client or on the way.
    pub cuts: u64,
    /// First sending to first ack, when nothing was broken meanwhile.
    pub ack: Times,
    /// The same when something was.
    pub ack_in_faults: Times,
    /// The same in a room with many readers, while all of them read.
    pub ack_beside_readers: Times,
    /// And when they have stopped.
    pub ack_beside_stopped: Times,
    /// Loss of a connection to the answers to all joins.
    pub back: Times,
    /// Start of the program, after it was killed, to the first ack of anybody.
    pub recovery: Times,
    /// The cut of all connections at once to so many being back: half, 99 % and all.
    pub storms: [Times; 3],
    /// Most questions to the database that such a return cost.
    pub storm_reads: u64,
    /// Most memory that one of many stopped readers cost.
    pub reader_bytes: u64,
    /// From vanishing to being found, for all half-open connections.
    pub half_open: Times,
    /// SIGTERM to the end of the process.
    pub end: Times,
    /// End of all faults to everybody having everything.
    pub convergence: Times,
    /// Messages in the logs in the end.
    pub rows: u64,
    /// Resident memory of the program in the end.
    pub memory_bytes: u64,
    /// How long all of it took.
    pub took: Duration,
}

impl Figures {
    /// Something happened.
    pub(crate) fn count(&mut self, event: &Event) {
        match event {
            Event::Invoke { .. } => self.sendings += 1,
            Event::Heard { path: Path::Live, .. } => self.live += 1,
            Event::Heard { path: Path::Resume, .. } => self.resumed += 1,
            Event::Heard { path: Path::History, .. } => self.read += 1,
            Event::Connected => self.connections += 1,
            Event::Lost { .. } => self.lost += 1,
            Event::Resync { .. } => self.resyncs += 1,
            Event::Restored { .. } => self.restores += 1,
            Event::Fault { .. } => self.faults += 1,
            _ => {}
        }
    }

    /// How long it took so many percent to come back.
    pub(crate) fn storm(&mut self, percent: usize) -> &mut Times {
        let [half, most, all] = &mut self.storms;
        match percent {
            ..=50 => half,
            51..100 => most,
            100.. => all,
        }
    }

    /// Takes in what another history had.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.said, other.said),
            (&mut self.sendings, other.sendings),
            (&mut self.acked, other.acked),
            (&mut self.live, other.live),
            (&mut self.resumed, other.resumed),
            (&mut self.read, other.read),
            (&mut self.resumes, other.resumes),
            (&mut self.resyncs, other.resyncs),
            (&mut self.restores, other.restores),
            (&mut self.connections, other.connections),
            (&mut self.lost, other.lost),
            (&mut self.drained, other.drained),
            (&mut self.faults, other.faults),
            (&mut self.kills, other.kills),
            (&mut self.ends, other.ends),
            (&mut self.log_outs, other.log_outs),
            (&mut self.cuts, other.cuts),
            (&mut self.rows, other.rows),
        ] {
            *sum += more;
        }
        for (sum, more) in [
            (&mut self.ack, &other.ack),
            (&mut self.ack_in_faults, &other.ack_in_faults),
            (&mut self.ack_beside_readers, &other.ack_beside_readers),
            (&mut self.ack_beside_stopped, &other.ack_beside_stopped),
            (&mut self.back, &other.back),
            (&mut self.recovery, &other.recovery),
            (&mut self.half_open, &other.half_open),
            (&mut self.end, &other.end),
            (&mut self.convergence, &other.convergence),
        ] {
            sum.add(more);
        }
        self.storms.iter_mut().zip(&other.storms).for_each(|(sum, more)| sum.add(more));
        self.reader_bytes = self.reader_bytes.max(other.reader_bytes);
        self.storm_reads = self.storm_reads.max(other.storm_reads);
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.took += other.took;
    }
}

/// Nothing here takes longer than an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// Durations, of which percentiles are asked for; known to within one percent.
#[derive(Debug, Clone)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_max(LONGEST, 2).expect("the bounds are allowed"))
    }
}

impl Times {
    /// It took this long.
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_micros() as u64);
    }

    /// Within what time this share of all, in percent, was done.
    pub fn within(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Those that were not there earlier.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        later.0.subtract(&earlier.0).expect("what was there has stayed");
        later
    }

    /// Takes in others.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }
}
