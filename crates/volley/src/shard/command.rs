//! Everything that another thread can ask of a shard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Extensions;
use tokio::sync::oneshot;

use super::Key;
use super::stream::Stream;
use super::work::Entry;
use crate::close::CloseReason;
use crate::engine::Seat;
use crate::engine_io::{RequestError, Sid};
use crate::event::Answer;
use crate::frame::Frame;
use crate::group::{GroupId, Membership};
use crate::socket::SocketCore;

/// How a shard answers a request that came over HTTP.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, RequestError>>;

/// An order to a shard, carried out in the sequence in which they were left.
pub(crate) enum Command {
    /// A frame for every member of a group.
    Publish { group: GroupId, frame: Frame, sent_at: Instant },
    /// A frame for everyone in a namespace.
    Broadcast { namespace: usize, frame: Frame },
    /// Something for one session; nothing, when it has ended.
    Session { key: Key, order: Order },
    /// A request that names a long-polling session and brings what that is bound to.
    Request { sid: Sid, binding: Box<[u8]>, request: Request },
    /// Opens a long-polling session; the answer is its `open` packet.
    Open { newcomer: Newcomer, binding: Box<[u8]>, reply: Reply<Vec<u8>> },
    /// A WebSocket after its handshake, with bytes that came behind it.
    Adopt { stream: Stream, received: Bytes, arrival: Arrival },
    /// Ends everything, at the deadline the hard way.
    Stop { deadline: Duration, done: Option<oneshot::Sender<()>> },
}

/// An order to a session.
pub(crate) enum Order {
    /// For whoever is at the other end.
    Send(Frame),
    /// For one socket; nothing, when it has ended.
    SendTo {
        entry: Entry,
        frame: Frame,
    },
    /// Sends an event and waits for the client's answer to it.
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
    /// Sends the backlog, then joins.
    Join {
        socket: Arc<SocketCore>,
        membership: Membership,
        backlog: Vec<Frame>,
    },
    Leave {
        socket: Arc<SocketCore>,
        group: GroupId,
    },
    WhenFlushed {
        entry: Entry,
        done: oneshot::Sender<()>,
    },
    /// Ends one socket.
    Disconnect {
        socket: Arc<SocketCore>,
        reason: CloseReason,
    },
    /// Ends the connection.
    Close,
    /// Ends the connection with nothing of what waits.
    Expel,
    /// What a handler waits for has come.
    Resume,
}

/// A request of a long-polling session.
pub(crate) enum Request {
    /// A GET that waits for packets.
    Poll(Reply<Vec<u8>>),
    /// A POST has begun; the answer is how many bytes it may have.
    BeginPost(Reply<usize>),
    /// The body of the POST that has begun.
    Post { body: Bytes, reply: Reply<()> },
    /// A WebSocket asks to take over.
    BeginUpgrade(Reply<()>),
    /// A request was given up or broke the rules.
    Failed(RequestFailure),
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

impl Request {
    /// Tells whoever waits for it, if anybody does, that it will not be done.
    pub(crate) fn refuse(self, error: RequestError) {
        // Whoever waited may have gone; then their request says so itself.
        let _ = match self {
            Self::Poll(reply) => reply.send(Err(error)).is_ok(),
            Self::BeginPost(reply) => reply.send(Err(error)).is_ok(),
            Self::Post { reply, .. } | Self::BeginUpgrade(reply) => reply.send(Err(error)).is_ok(),
            Self::Failed(_) => false,
        };
    }
}
