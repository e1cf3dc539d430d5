//! A Socket.IO server made for fan-out.

pub mod websocket;
