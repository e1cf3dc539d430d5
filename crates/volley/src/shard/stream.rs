//! The byte stream under a WebSocket, as the shard's poll knows it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use tokio::sync::oneshot;

/// A non-blocking stream.
#[derive(Debug)]
pub(crate) struct Stream {
    ends_in: End,
    /// The kernel takes nothing until it says so: the client does not read.
    is_full: bool,
}

/// Where our bytes go.
#[derive(Debug)]
enum End {
    /// The client's TCP connection itself.
    Client(TcpStream),
    /// When something like TLS stands between, our end of a pair whose other end is pumped by the runtime, and how the pump
    /// is stopped at once. When both are dropped it has some time for what is left.
    Pair(UnixStream, Option<oneshot::Sender<()>>),
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self { ends_in: End::Client(stream), is_full: false }
    }
}

impl Stream {
    /// Our end of a pair, whose pump stops when it is told so.
    pub(crate) fn pumped(stream: UnixStream, stop: oneshot::Sender<()>) -> Self {
        Self { ends_in: End::Pair(stream, Some(stop)), is_full: false }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match &mut self.ends_in {
            End::Client(stream) => stream.register(registry, token, both),
            End::Pair(stream, _) => stream.register(registry, token, both),
        }
    }

    /// Whether there is no use in writing.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The kernel has said that it takes more.
    pub(crate) fn note_writable(&mut self) {
        self.is_full = false;
    }

    /// What was written and has not arrived will not: dropped next, the connection is reset.
    pub(crate) fn cut(&mut self) {
        match &mut self.ends_in {
            // It fails for a connection that is over, and then nothing is left to take back.
            End::Client(stream) => drop(SockRef::from(&*stream).set_linger(Some(Duration::ZERO))),
            End::Pair(_, stop) => drop(stop.take().map(|stop| stop.send(()))),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match &self.ends_in {
            End::Client(stream) => stream.shutdown(Shutdown::Write),
            End::Pair(stream, _) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.ends_in {
            End::Client(stream) => stream.read(buffer),
            End::Pair(stream, _) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.ends_in {
            End::Client(stream) => stream.write(bytes),
            End::Pair(stream, _) => stream.write(bytes),
        };
        self.is_full = matches!(&written, Err(error) if error.kind() == ErrorKind::WouldBlock);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
