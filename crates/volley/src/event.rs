//! What a client sent: an event with its arguments, or its answer to one of ours.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use crate::socket::{SendError, SocketCore};
use crate::socket_io::{self, PacketType};

/// An event from a client. Its JSON has been validated and bounded; it becomes typed in [`args`](Self::args).
pub struct Event {
    pub(crate) content: Content,
    pub(crate) id: Option<u64>,
    pub(crate) socket: Arc<SocketCore>,
    pub(crate) answered: AtomicBool,
}

/// A client's answer to an event that was sent with [`Socket::emit_with_ack`](crate::Socket::emit_with_ack).
pub struct Answer(pub(crate) Content);

/// The JSON array of a packet and its attachments.
pub(crate) struct Content {
    text: Box<str>,
    data_at: usize,
    attachments: Vec<Bytes>,
}

/// Where in the arguments a binary attachment belongs.
///
/// Binary values travel outside the JSON; inside it this object stands for the `num`-th of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    _placeholder: bool,
    num: usize,
}

impl Event {
    /// The event's name.
    pub fn name(&self) -> Cow<'_, str> {
        socket_io::event_name(self.content.data()).unwrap_or_default()
    }

    /// The arguments as a tuple (or another sequence): `event.args::<(String, u32)>()`.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        socket_io::event_args(self.content.data())
    }

    /// The binary attachments, in the order of their [`Placeholder`]s.
    pub fn attachments(&self) -> &[Bytes] {
        &self.content.attachments
    }

    /// Whether the client waits for an answer.
    pub fn wants_ack(&self) -> bool {
        self.id.is_some()
    }

    /// Answers the event with a tuple of values. Without effect when the client did not ask; an error the second time.
    pub fn ack<T: Serialize + ?Sized>(&self, args: &T) -> Result<(), SendError> {
        self.ack_binary(args, &[])
    }

    /// Answers the event with values and attachments, see [`Frame::binary_event`].
    pub fn ack_binary<T: Serialize + ?Sized>(
        &self,
        args: &T,
        attachments: &[Bytes],
    ) -> Result<(), SendError> {
        if self.answered.swap(true, Ordering::Relaxed) {
            return Err(SendError::AlreadyAnswered);
        }
        // What could not be sent is no answer: it may be tried again.
        self.send_ack(args, attachments)
            .inspect_err(|_| self.answered.store(false, Ordering::Relaxed))
    }

    fn send_ack<T: Serialize + ?Sized>(
        &self,
        args: &T,
        attachments: &[Bytes],
    ) -> Result<(), SendError> {
        let Some(id) = self.id else { return Ok(()) };
        let namespace = self.socket.namespace_name();
        let frame = Frame::packet(PacketType::Ack, namespace, Some(id), None, args, attachments)?;
        self.socket.send(frame)
    }
}

impl Answer {
    /// The values as a tuple (or another sequence).
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.data())
    }

    /// The binary attachments, in the order of their [`Placeholder`]s.
    pub fn attachments(&self) -> &[Bytes] {
        &self.0.attachments
    }
}

impl Content {
    /// `data` is the JSON part of `text`, found there by its length: it is always the end of the packet.
    pub(crate) fn new(text: &str, data: &str, attachments: Vec<Bytes>) -> Self {
        Self { text: text.into(), data_at: text.len() - data.len(), attachments }
    }

    /// Bytes of the packet and its attachments.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    fn data(&self) -> &str {
        &self.text[self.data_at..]
    }
}

impl Placeholder {
    /// Stands for the attachment with this index, counted from 0.
    pub const fn new(num: usize) -> Self {
        Self { _placeholder: true, num }
    }

    /// The index of the attachment.
    pub const fn index(self) -> usize {
        self.num
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name())
            .field("bytes", &self.content.data().len())
            .field("attachments", &self.attachments().len())
            .field("wants_ack", &self.wants_ack())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes)", self.0.data().len())
    }
}
