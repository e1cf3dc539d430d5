//! Engine.IO without Socket.IO: messages as they come, for those who bring a protocol of their own.
//!
//! ```no_run
//! # async fn echo() -> std::io::Result<()> {
//! let volley = volley::Volley::builder()
//!     .raw(|connection, message| {
//!         connection.send(&message).ok();
//!     })
//!     .build()?;
//! let app = axum::Router::<()>::new().route_service("/engine.io/", volley.service());
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

use crate::engine::Core;
use crate::frame::Frame;
use crate::limits::FRAME_OVERHEAD;
use crate::shard::{Command, Key, Order};
use crate::socket::SendError;
use crate::websocket::Opcode;

/// Called with every message of every connection, on the shard's own thread, so it must not block.
pub(crate) type OnMessage = Box<dyn Fn(&Connection<'_>, Message<'_>) + Send + Sync>;

/// A message of Engine.IO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(Cow<'a, [u8]>),
}

/// The connection from which a message came.
pub struct Connection<'a> {
    pub(crate) engine: &'a Core,
    pub(crate) shard: usize,
    pub(crate) key: Key,
}

impl Connection<'_> {
    /// Sends a message back.
    pub fn send(&self, message: &Message<'_>) -> Result<(), SendError> {
        self.engine.refuse_when_overloaded()?;
        let frame = match message {
            Message::Text(text) => Frame::engine(Opcode::Text, format!("4{text}").as_bytes()),
            Message::Binary(bytes) => Frame::engine(Opcode::Binary, bytes),
        };
        let bytes = frame.len() + FRAME_OVERHEAD;
        self.order(Order::Send(frame), bytes);
        Ok(())
    }

    /// Ends the connection, after what was sent before.
    pub fn close(&self) {
        self.order(Order::Close, 0);
    }

    fn order(&self, order: Order, bytes: usize) {
        self.engine.shards[self.shard].push(Command::Session { key: self.key, order }, bytes);
    }
}

impl std::fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("key", &self.key).finish_non_exhaustive()
    }
}
