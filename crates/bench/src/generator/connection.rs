//! One client's socket. It owns memory only while a frame is in pieces.
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail};
use socket2::{Domain, Socket, Type};

use crate::wire;

/// Clients that share a source address: far fewer than it has ports, since those of the previous
/// crowd are still in `TIME_WAIT`.
const CLIENTS_PER_ADDRESS: usize = 1000;

pub(super) struct Connection {
    stream: TcpStream,
    /// The beginning of a frame whose rest has not arrived.
    partial: Vec<u8>,
}

impl Connection {
    /// Connects the `number`-th client, from 127.0.0.2 or one of the addresses after it.
    pub(super) fn open(server: SocketAddr, number: usize) -> Result<Self> {
        let host = 2 + (number / CLIENTS_PER_ADDRESS) as u8;
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&source.into())?;
        // Blocking: on loopback the kernel answers for the server at once.
        socket.connect(&server.into()).context("the server takes no connection")?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        Ok(Self { stream: socket.into(), partial: Vec::new() })
    }

    /// Puts what was kept and what is new at the start of `buffer`, and says how much that is.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let kept = self.partial.len();
        buffer[..kept].copy_from_slice(&self.partial);
        self.partial.clear();
        match self.stream.read(&mut buffer[kept..]) {
            Ok(0) => bail!("the server hung up"),
            Ok(length) => Ok(kept + length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(kept),
            Err(error) => Err(error).context("the server broke the connection"),
        }
    }

    /// Keeps the beginning of a frame until its rest arrives.
    #[inline]
    pub(super) fn keep(&mut self, partial: &[u8]) {
        if !partial.is_empty() {
            self.partial.extend(partial);
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match self.stream.write(bytes) {
            Ok(length) if length == bytes.len() => Ok(()),
            Ok(_) => bail!("the server stopped reading"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bail!("the server stopped reading")
            }
            Err(error) => Err(error).context("the server broke the connection"),
        }
    }

    pub(super) fn send_text(&mut self, payload: &[u8]) -> Result<()> {
        self.send_frame(wire::TEXT, payload)
    }

    fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 8);
        wire::put_client_frame(&mut frame, opcode, payload);
        self.send(&frame)
    }

    /// Answers a heartbeat, of Engine.IO or of WebSocket. Nothing else is expected unasked.
    #[cold]
    pub(super) fn answer(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        match opcode {
            wire::TEXT if payload == b"2" => self.send_text(b"3"),
            wire::PING => self.send_frame(wire::PONG, payload),
            _ => bail!(
                "unexpected frame {opcode:#x}: {}",
                String::from_utf8_lossy(&payload[..payload.len().min(200)])
            ),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
