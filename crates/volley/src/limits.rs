//! Every bound the engine keeps, with its default and the reason for it. Nothing here is ever "unlimited".

use std::time::Duration;

/// How often a connection is asked whether it still lives.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How long a ping may stay unanswered; half-open connections are found within both together.
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection that is in no namespace is of no use to anybody.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the upgrade request to the `upgrade` packet; long-polling goes on when it passes.
pub const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// From the first byte of a message (or the header of a binary packet) to its last.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a closed connection may take to read its last frames before it is cut.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a client that is expelled may take to hear that it is.
pub const EXPEL_TIMEOUT: Duration = Duration::from_millis(500);
/// Largest message or polling body, in bytes, once a namespace is joined; announced as `maxPayload`.
pub const MAX_PAYLOAD: usize = 1_000_000;
/// Largest message or polling body, in bytes, from somebody who is in no namespace yet.
pub const MAX_PAYLOAD_BEFORE_CONNECT: usize = 16 * 1024;
/// Fragments of one WebSocket message; browsers send one or two.
pub const MAX_FRAGMENTS: u32 = 1024;
/// Packets in one polling body.
pub const MAX_PACKETS_PER_PAYLOAD: usize = 4096;
/// Binary attachments of one packet.
pub const MAX_ATTACHMENTS: usize = 10;
/// Nesting of the JSON in a packet.
pub const MAX_JSON_DEPTH: usize = 64;
/// Keys of one JSON object in a packet.
pub const MAX_JSON_KEYS: usize = 256;
/// Bytes waiting for one connection; past it the connection is closed as lagging.
pub const MAX_QUEUED_BYTES: usize = 1024 * 1024;
/// How long the oldest frame may wait for one connection; past it the connection is closed as lagging.
pub const MAX_QUEUED_AGE: Duration = Duration::from_secs(30);
/// Groups one socket may be a member of; leaving costs a look through them.
pub const MAX_GROUPS_PER_SOCKET: usize = 4096;
/// Acks one socket may owe at a time.
pub const MAX_PENDING_ACKS: usize = 1024;
/// Connections of all kinds; a new one past it is answered 503.
pub const MAX_CONNECTIONS: usize = 1_000_000;

/// Bytes that wait in a shard's inbox before sending answers [`Overloaded`](crate::SendError::Overloaded).
pub(crate) const MAX_INBOX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes in any shard's inbox at which no shard reads from its clients until it is lower.
pub(crate) const BUSY_INBOX_BYTES: usize = 8 * 1024 * 1024;
/// Events that wait for one connection's handlers before it is not read from any more.
pub(crate) const MAX_WAITING_EVENTS: usize = 64;
/// Bytes of them at which it is not read from any more either: a few of the largest events are as much as many small ones.
pub(crate) const MAX_WAITING_BYTES: usize = 1024 * 1024;
/// How long the answer to a POST that closes its session waits for a poll that may have been sent before it.
pub(crate) const LAST_POLL: Duration = Duration::from_millis(20);
/// Packets in the answer to one poll: python-engineio, at its defaults, refuses more.
pub(crate) const MAX_PACKETS_PER_POLL: usize = 16;
/// Bytes that the kernel may hold unsent for one connection, so that lag shows in our queue and not in its.
pub(crate) const NOT_SENT_LOW_WATER: u32 = 128 * 1024;
/// By how much of the interval a ping may be early, so that a storm of connects does not stay one of pings.
pub(crate) const PING_JITTER: f64 = 0.125;
/// What a frame costs in a queue besides its bytes.
pub(crate) const FRAME_OVERHEAD: usize = 32;

/// The bounds of one engine, as set by its [`Builder`](crate::Builder).
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) message_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) max_payload: usize,
    pub(crate) max_payload_before_connect: usize,
    pub(crate) max_fragments: u32,
    pub(crate) max_packets_per_payload: usize,
    pub(crate) max_queued_bytes: usize,
    pub(crate) max_queued_age: Duration,
    pub(crate) max_groups_per_socket: usize,
    pub(crate) max_pending_acks: usize,
    pub(crate) max_connections: usize,
    pub(crate) packet: crate::socket_io::Limits,
}

/// A time as good as never that can still be added to any other.
pub(crate) const NEVER: Duration = Duration::from_hours(100 * 365 * 24);

impl Limits {
    /// With times that can be added to a clock's: `Duration::MAX`, say, becomes [`NEVER`].
    pub(crate) fn within_reach(mut self) -> Self {
        for time in [
            &mut self.ping_interval,
            &mut self.ping_timeout,
            &mut self.connect_timeout,
            &mut self.upgrade_timeout,
            &mut self.message_timeout,
            &mut self.close_timeout,
            &mut self.max_queued_age,
        ] {
            *time = (*time).min(NEVER);
        }
        self
    }
}
