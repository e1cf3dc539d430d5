//! Everything that another thread can ask of a shard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Extensions;
use tokio::sync::oneshot;

use super::Key;
use super::stream::Stream;
use super::work::Outcome;
use crate::engine::Seat;
use crate::engine_io::{RequestError, Sid};
use crate::event::Answer;
use crate::frame::Frame;
use crate::group::{GroupCore, GroupId};
use crate::socket::SocketCore;

/// How a shard answers a request that came over HTTP.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, RequestError>>;

/// An order to a shard, carried out in the order in which it was left.
pub(crate) enum Command {
    // From the HTTP door.
    /// Opens a long-polling session.
    Open {
        newcomer: Newcomer,
        binding: Box<[u8]>,
        reply: Reply<Vec<u8>>,
    },
    /// A GET that waits for packets.
    Poll {
        sid: Sid,
        binding: Box<[u8]>,
        reply: Reply<Vec<u8>>,
    },
    /// A POST has begun; answered with how many bytes it may have.
    BeginPost {
        sid: Sid,
        binding: Box<[u8]>,
        reply: Reply<usize>,
    },
    /// The body of the POST that has begun.
    Post {
        sid: Sid,
        binding: Box<[u8]>,
        body: Bytes,
        reply: Reply<()>,
    },
    /// A request of the session was given up or broke the rules.
    RequestFailed {
        sid: Sid,
        binding: Box<[u8]>,
        failure: RequestFailure,
    },
    /// A WebSocket asks to take over from long-polling.
    BeginUpgrade {
        sid: Sid,
        binding: Box<[u8]>,
        reply: Reply<()>,
    },
    /// A WebSocket after its handshake, with bytes that came behind it.
    Adopt {
        stream: Stream,
        received: Bytes,
        arrival: Arrival,
    },

    // From the application.
    /// A frame for every member of a group.
    Publish {
        group: GroupId,
        frame: Frame,
        sent_at: Instant,
    },
    Broadcast {
        namespace: usize,
        frame: Frame,
    },
    Send {
        key: Key,
        frame: Frame,
    },
    Ask {
        socket: Arc<SocketCore>,
        id: u64,
        frame: Frame,
        reply: oneshot::Sender<Answer>,
    },
    ForgetAnswer {
        socket: Arc<SocketCore>,
        id: u64,
    },
    Join {
        socket: Arc<SocketCore>,
        group: Arc<GroupCore>,
        backlog: Vec<Frame>,
    },
    Leave {
        socket: Arc<SocketCore>,
        group: GroupId,
    },
    WhenFlushed {
        key: Key,
        done: oneshot::Sender<()>,
    },
    Disconnect {
        socket: Arc<SocketCore>,
    },
    Close {
        key: Key,
    },

    // From the engine itself.
    /// A handler that had to wait is done.
    Finished {
        key: Key,
        outcome: Outcome,
    },
    Stop {
        deadline: Duration,
        done: Option<oneshot::Sender<()>>,
    },
}

/// A connection that is about to be.
pub(crate) struct Newcomer {
    pub(crate) sid: Sid,
    pub(crate) seat: Seat,
    pub(crate) extensions: Extensions,
}

/// What a WebSocket comes for.
pub(crate) enum Arrival {
    New(Newcomer),
    Upgrade { sid: Sid },
}

/// How a request of a long-polling session can fail after it was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestFailure {
    /// The client went away before it had its answer.
    Abandoned,
    /// The body is larger than it may be.
    TooLarge,
    /// The body is not what the protocol has there.
    Malformed,
}
