//! Engine.IO v4, its text and nothing else: packets, polling payloads, the opening, its errors.
//!
//! Sessions, transports and heartbeats live with the connections.

mod error;
mod open;
mod packet;
mod payload;
mod sid;

pub use error::RequestError;
pub use open::Open;
pub use packet::{Packet, PacketError};
pub use payload::{append_payload, decode_payload};
pub use sid::Sid;
