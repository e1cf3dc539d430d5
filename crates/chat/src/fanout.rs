//! The seam towards those who listen.

use crate::message::Logged;

/// Tells committed events on to whoever has the room open. It is a hint and a fast path, never the log: an event it
/// loses is found again in the [`Store`](crate::Store).
pub trait Fanout: Send + Sync + 'static {
    /// These events have been committed. Called in the order of commits, so within a room by rising `seq`; must neither
    /// block nor fail.
    fn publish(&self, events: &[Logged]);
}
