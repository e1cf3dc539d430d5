//! Socket.IO v5, its packets and nothing else: text in, a checked packet out, and back.
//!
//! Namespaces, sockets and handlers live with the connections.

mod args;
mod assembly;
mod json;
mod packet;
mod surrogates;

pub use args::{ack_args, event_args, event_name};
pub use assembly::{Assembly, AssemblyError};
pub use packet::{Packet, PacketError, PacketType, encode_header};
pub use surrogates::well_formed;

/// What a packet of a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Binary attachments of one packet.
    pub max_attachments: usize,
    /// Arrays and objects inside each other, the outermost counted. Never more than 127, whatever
    /// stands here.
    pub max_depth: usize,
    /// Keys of one object.
    pub max_keys: usize,
    /// Bytes of a namespace, its query included.
    pub max_namespace_bytes: usize,
}

impl Default for Limits {
    /// Far above what people send, far below what hurts.
    fn default() -> Self {
        Self { max_attachments: 10, max_depth: 64, max_keys: 256, max_namespace_bytes: 256 }
    }
}
