//! What a proxy has done.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a proxy has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were made.
    pub connections: u64,
    /// Connections that were turned away at the door.
    pub refused: u64,
    /// Connections that were given up because the server could not be reached.
    pub unreachable: u64,
    /// Connections that were reset on purpose, by the schedule or by [`crate::Proxy::cut_all`].
    pub resets: u64,
    /// Directions that stalled.
    pub stalls: u64,
    /// Directions in which bytes vanished from some time on.
    pub vanished: u64,
    /// Directions that were closed to the receiver and not by the sender.
    pub ended: u64,
    /// Directions that were delayed, by latency or jitter.
    pub delays: u64,
    /// Directions that were slowed down to some bytes per second.
    pub trickles: u64,
    /// Pieces that were written because what had been sent at once was split.
    pub pieces: u64,
    /// Bytes that arrived.
    pub bytes: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// The same, while they are being counted.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }

        impl std::ops::AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters!(
    connections,
    refused,
    unreachable,
    resets,
    stalls,
    vanished,
    ended,
    delays,
    trickles,
    pieces,
    bytes
);

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn add_if(&self, happened: bool) {
        self.add(u64::from(happened));
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, refused, unreachable, resets, stalls, vanished, ended, .. } = self;
        let Self { delays, trickles, pieces, bytes, .. } = self;
        write!(
            out,
            "{connections} connections ({refused} refused, {unreachable} without a server), {resets} reset, \
             {vanished} half-open and {ended} half-closed directions, {stalls} stalls, {delays} delays, \
             {trickles} trickles, {pieces} pieces, {bytes} bytes"
        )
    }
}
