//! What the promises leave to be stated: times and tolerances.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is still good enough. What a history on disk does not state is as it is by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// I9: how long after revocation something may still arrive; promised is 1 s.
    pub revocation: Duration,
    /// I9: how much longer the test's own network may hold back what was delivered in time. Not zero only behind a proxy
    /// that delays.
    pub held_back: Duration,
    /// I10: how long after the last fault everyone has what there was to hear.
    pub convergence: Duration,
    /// I11: resident memory that may stay, beyond the baseline.
    pub memory_bytes: u64,
    /// I11: descriptors that may stay open.
    pub descriptors: u64,
    /// I11: tasks that may stay.
    pub tasks: u64,
    /// I12: the 99th percentile of the time from the first sending to the first ack, while nothing is broken.
    pub ack: Duration,
    /// I12: the same for messages that met a fault; they may be sent many times until it is over.
    pub ack_in_faults: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            revocation: Duration::from_secs(1),
            held_back: Duration::ZERO,
            convergence: Duration::from_secs(30),
            memory_bytes: 32 << 20,
            descriptors: 16,
            tasks: 4,
            ack: Duration::from_secs(1),
            ack_in_faults: Duration::from_mins(1),
        }
    }
}
