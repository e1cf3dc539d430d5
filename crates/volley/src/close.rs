//! Why a connection ended, as the application is told.

use std::fmt;

/// Why a socket or its connection ended. Every socket gets exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client left the namespace, or closed the connection as the protocol has it.
    ClientDisconnect,
    /// The application called [`Socket::disconnect`](crate::Socket::disconnect) or [`Socket::close`](crate::Socket::close).
    ServerDisconnect,
    /// The transport ended without a word: a lost network, a killed client, a cancelled poll.
    TransportClosed,
    /// A ping was not answered in time.
    PingTimeout,
    /// No namespace was joined in time.
    ConnectTimeout,
    /// A message or a binary packet was begun and not completed in time.
    MessageTimeout,
    /// More waited for the client, or for longer, than is kept for one.
    Lagging,
    /// The client broke the protocol.
    ProtocolError,
    /// The client sent more than it may at once.
    TooLarge,
    /// A handler of the application panicked.
    HandlerPanicked,
    /// The server shuts down.
    ServerShutdown,
}

impl CloseReason {
    /// All of them, in the order in which [`Snapshot::closes`](crate::Snapshot::closes) counts them.
    pub const ALL: [Self; 11] = [
        Self::ClientDisconnect,
        Self::ServerDisconnect,
        Self::TransportClosed,
        Self::PingTimeout,
        Self::ConnectTimeout,
        Self::MessageTimeout,
        Self::Lagging,
        Self::ProtocolError,
        Self::TooLarge,
        Self::HandlerPanicked,
        Self::ServerShutdown,
    ];

    /// A name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientDisconnect => "client_disconnect",
            Self::ServerDisconnect => "server_disconnect",
            Self::TransportClosed => "transport_closed",
            Self::PingTimeout => "ping_timeout",
            Self::ConnectTimeout => "connect_timeout",
            Self::MessageTimeout => "message_timeout",
            Self::Lagging => "lagging",
            Self::ProtocolError => "protocol_error",
            Self::TooLarge => "too_large",
            Self::HandlerPanicked => "handler_panicked",
            Self::ServerShutdown => "server_shutdown",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
