//! What carries a session's packets: a WebSocket, or requests that come and go.

use std::io::Write;
use std::time::Instant;

use super::command::Reply;
use super::stream::Stream;
use crate::close::CloseReason;
use crate::engine_io::RequestError;
use crate::websocket::{CloseCode, Decoder, Opcode, close_frame, write_frame};

/// The transport of a session.
pub(crate) enum Transport {
    WebSocket(WebSocket),
    Polling(Box<Polling>),
    /// The session has ended; only its handlers are still at work.
    Gone,
}

/// A WebSocket in the hands of the shard.
pub(crate) struct WebSocket {
    pub(crate) stream: Stream,
    pub(crate) decoder: Decoder,
    /// By when the message that is partly received must be whole.
    pub(crate) message_by: Option<Instant>,
    /// There is something to read, but the handlers have to catch up first.
    pub(crate) held: bool,
    /// The kernel has said that the client writes no more.
    pub(crate) read_closed: bool,
    /// We write no more.
    pub(crate) finished: bool,
}

/// A session between requests.
pub(crate) struct Polling {
    /// What every request of the session must bring, see [`Pass::bound_to`](crate::Pass::bound_to).
    pub(crate) binding: Box<[u8]>,
    /// The GET that waits.
    pub(crate) poll: Option<Reply<Vec<u8>>>,
    /// A POST is under way.
    pub(crate) posting: bool,
    /// The POST whose answer is held back until the handlers have caught up.
    pub(crate) posted: Option<Reply<()>>,
    pub(crate) upgrade: Option<Upgrade>,
    /// The client has closed the session in a POST whose answer is held back, see [`LAST_POLL`](crate::limits::LAST_POLL).
    pub(crate) leaving: bool,
}

/// A WebSocket that is about to take over.
pub(crate) struct Upgrade {
    pub(crate) by: Instant,
    /// `None` until its handshake is done.
    pub(crate) socket: Option<WebSocket>,
    /// The client has asked whether it works, and knows that it does.
    pub(crate) probed: bool,
}

impl WebSocket {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            message_by: None,
            held: false,
            read_closed: false,
            finished: false,
        }
    }

    /// Says goodbye if the kernel takes it at once; the stream is dropped next.
    pub(crate) fn part(mut self, code: CloseCode) {
        if !self.finished {
            let _ = self.stream.write(&close_frame(code, ""));
        }
    }
}

impl Polling {
    pub(crate) fn new(binding: Box<[u8]>) -> Self {
        Self { binding, poll: None, posting: false, posted: None, upgrade: None, leaving: false }
    }

    /// Answers what is under way when the session ends.
    pub(crate) fn part(mut self, reason: CloseReason) {
        let (poll, post) = match reason {
            // The client's own `close`: its POST is fine, and its GET is let go.
            CloseReason::ClientDisconnect => (b"6", Ok(())),
            _ => (b"1", Err(RequestError::BadRequest)),
        };
        if let Some(waiting) = self.poll.take() {
            let _ = waiting.send(Ok(poll.to_vec()));
        }
        if let Some(waiting) = self.posted.take() {
            let _ = waiting.send(post);
        }
        if let Some(socket) = self.upgrade.take().and_then(|upgrade| upgrade.socket) {
            socket.part(CloseCode::GOING_AWAY);
        }
    }

    /// The WebSocket of the upgrade under way.
    pub(crate) fn upgrading(&mut self) -> Option<&mut WebSocket> {
        self.upgrade.as_mut()?.socket.as_mut()
    }
}

impl Upgrade {
    /// Tells the client that the new transport works; `false` when it does not.
    pub(crate) fn answer_probe(&mut self) -> bool {
        self.say(Opcode::Text, b"3probe")
    }

    /// Answers a ping of WebSocket's own, which is no business of the session; `false` when that does not work.
    pub(crate) fn answer_ping(&mut self, payload: &[u8]) -> bool {
        self.say(Opcode::Pong, payload)
    }

    fn say(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let mut frame = Vec::new();
        write_frame(&mut frame, opcode, payload);
        let written = self.socket.as_mut().map(|socket| socket.stream.write(&frame));
        matches!(written, Some(Ok(bytes)) if bytes == frame.len())
    }
}

impl Transport {
    /// Takes back what the kernel has not delivered, when the transport is dropped next.
    pub(crate) fn cut(&mut self) {
        if let Self::WebSocket(socket) = self {
            socket.stream.cut();
        }
    }

    /// The WebSocket that is read from, be it the session's own or one that is about to take over.
    pub(crate) fn socket(&mut self) -> Option<&mut WebSocket> {
        match self {
            Self::WebSocket(socket) => Some(socket),
            Self::Polling(polling) => polling.upgrading(),
            Self::Gone => None,
        }
    }
}
