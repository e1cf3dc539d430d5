//! Whether what a handler waits for has come. Any thread may say so, and its shard listens.

use crate::sync::{AtomicBool, Ordering};

/// Not rung at first: the handler waits.
#[derive(Debug, Default)]
pub(crate) struct Rung(AtomicBool);

impl Rung {
    /// Says that something has come. `true` for whoever is the first to since the shard last listened: they have to tell
    /// the shard.
    pub(crate) fn ring(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// The handler is about to look at what has come, and sees everything for which this was rung before; what rings from
    /// now on is told anew. `true` if it was rung. Not merely a store, which need not see what it overwrites.
    pub(crate) fn listen(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}
