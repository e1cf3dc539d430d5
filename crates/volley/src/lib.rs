//! A Socket.IO server made for fan-out.

pub mod engine_io;
pub mod socket_io;
pub mod websocket;
