//! What kind of client it is.

use std::time::Duration;

use crate::socket::Transport;

/// How a client behaves.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// How it may connect; drawn anew each time.
    pub(crate) transports: Vec<Transport>,
    /// Between two messages of its own, on average. `None` listens only.
    pub(crate) pace: Option<Duration>,
    /// How long a message is, in bytes, but for a rare one that is as long as may be.
    pub(crate) length: std::ops::Range<usize>,
    /// Messages sent and not answered at a time.
    pub(crate) in_flight: usize,
    /// How often a join or a message is sent once more at most, without need.
    pub(crate) repeats: u32,
    /// How often it asks to be let in twice on one connection. That breaks the protocol, and the server may end it.
    pub(crate) stutters: f64,
    /// Reads a page of history over HTTP now and then.
    pub(crate) reads: bool,
    /// How often it says that it looks at a room; an answer shows that the connection is one.
    pub(crate) beat: Duration,
    /// About how soon it comes back first, and about how long it waits at most for the next attempt.
    pub(crate) returns: (Duration, Duration),
    /// How often it stays away for some seconds when it has lost its connection, and so misses more than the server
    /// keeps in memory.
    pub(crate) naps: f64,
    /// Its session may end; then it is told so, and not let in again.
    pub(crate) may_be_logged_out: bool,
    /// How long it waits for an answer before it takes the connection for dead.
    pub(crate) patience: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            transports: Transport::ALL.to_vec(),
            pace: Some(Duration::from_millis(100)),
            length: 1..120,
            in_flight: 4,
            repeats: 0,
            stutters: 0.0,
            reads: true,
            beat: Duration::from_secs(2),
            // Somebody is in a hurry.
            returns: (Duration::from_millis(20), Duration::from_millis(500)),
            naps: 0.0,
            may_be_logged_out: false,
            patience: Duration::from_secs(5),
        }
    }
}
