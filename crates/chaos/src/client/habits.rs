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
    /// Messages sent and not answered at a time.
    pub(crate) in_flight: usize,
    /// How often a message is sent once more at most, without need.
    pub(crate) repeats: u32,
    /// Asks to be let in twice, on one connection.
    pub(crate) stutters: bool,
    /// Reads a page of history over HTTP now and then.
    pub(crate) reads: bool,
    /// How long it waits for an answer before it takes the connection for dead.
    pub(crate) patience: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            transports: Transport::ALL.to_vec(),
            pace: Some(Duration::from_millis(100)),
            in_flight: 4,
            repeats: 0,
            stutters: false,
            reads: true,
            patience: Duration::from_secs(5),
        }
    }
}
