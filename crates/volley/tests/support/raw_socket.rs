//! A client with a WebSocket, down to its frames.

use std::os::fd::AsFd;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::poller::parse_open;
use crate::request::Request;
use crate::server::{PATIENCE, Server};

pub(crate) const OPEN: &str = "EIO=4&transport=websocket";

const MASKED: u8 = 0x80;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub(crate) struct RawSocket {
    stream: BufReader<TcpStream>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    /// The code of a close frame, or nothing when the connection just ended.
    End(Option<u16>),
}

impl RawSocket {
    /// Opens a session.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::open(server, &[]).await.0
    }

    /// Opens a session with these headers, and shows the content of the `open` packet.
    pub(crate) async fn open(server: &Server, headers: &[(&'static str, String)]) -> (Self, Value) {
        let request = Request::upgrade(OPEN).headers(headers);
        let mut socket = Self::switch(server, request).await.expect("a WebSocket");
        let open = parse_open(&socket.text().await);
        (socket, open)
    }

    /// Opens a session and enters the namespace `/`.
    pub(crate) async fn enter(server: &Server) -> Self {
        let mut socket = Self::connect(server).await;
        socket.enter_namespace("40").await;
        socket
    }

    /// Opens a WebSocket that may take over from the polling session `sid`.
    pub(crate) async fn probe(server: &Server, sid: &str) -> Self {
        let request = Request::upgrade(format!("{OPEN}&sid={sid}"));
        Self::switch(server, request).await.expect("a WebSocket")
    }

    /// Sends the request; `Err` has the status of the refusal.
    pub(crate) async fn switch(server: &Server, request: Request) -> Result<Self, u16> {
        Self::switch_saying(server, request, &[]).await
    }

    /// Sends the request and, without waiting for its answer, the first messages.
    pub(crate) async fn switch_saying(
        server: &Server,
        request: Request,
        texts: &[&str],
    ) -> Result<Self, u16> {
        let mut pending = request.start(server).await;
        pending.write(&frames(texts)).await;
        let (answer, stream) = pending.switched().await;
        if answer.status == 101 {
            Ok(Self { stream: BufReader::new(stream) })
        } else {
            Err(answer.status)
        }
    }

    /// Sends a CONNECT packet, which must be granted.
    pub(crate) async fn enter_namespace(&mut self, connect: &str) {
        self.send(connect).await;
        let packet = connect.split('{').next().expect("a split has a first part");
        let answer = self.text().await;
        let granted = answer.strip_prefix(packet).is_some_and(|sid| sid.starts_with(r#"{"sid":""#));
        assert!(granted, "{connect} was answered with {answer}");
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.write(&frame(TEXT, text.as_bytes())).await;
    }

    /// Sends a ping of WebSocket's own.
    pub(crate) async fn ping(&mut self, payload: &[u8]) {
        self.write(&frame(PING, payload)).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.write(&frame(BINARY, bytes)).await;
    }

    /// Sends several messages in one write.
    pub(crate) async fn send_together(&mut self, texts: &[&str]) {
        self.write(&frames(texts)).await;
    }

    /// Writes bytes as they are. A server that has seen enough may be gone, which is no failure here.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Where it is connected from.
    pub(crate) fn port(&self) -> u16 {
        self.stream.get_ref().local_addr().expect("a connected stream").port()
    }

    /// The same connection, to look whether anything has arrived that was not read.
    pub(crate) fn peephole(&self) -> std::net::TcpStream {
        let stream = self.stream.get_ref().as_fd().try_clone_to_owned().expect("a descriptor");
        stream.into()
    }

    /// The next thing the server says.
    pub(crate) async fn hear(&mut self) -> Heard {
        timeout(PATIENCE, self.read_frame()).await.expect("the server says something in time")
    }

    /// The next message, which must be text.
    pub(crate) async fn text(&mut self) -> String {
        match self.hear().await {
            Heard::Text(text) => text,
            other => panic!("expected text, heard {other:?}"),
        }
    }

    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.hear().await, Heard::Text(text.to_owned()));
    }

    pub(crate) async fn expect_binary(&mut self, bytes: &[u8]) {
        assert_eq!(self.hear().await, Heard::Binary(bytes.to_vec()));
    }

    /// The server must close the connection before it says anything else.
    pub(crate) async fn expect_end(&mut self) {
        let heard = self.hear().await;
        assert!(matches!(heard, Heard::End(_)), "expected the end, heard {heard:?}");
    }

    /// The server must close the connection, whatever it says before.
    pub(crate) async fn until_end(&mut self) -> Option<u16> {
        loop {
            if let Heard::End(code) = self.hear().await {
                return code;
            }
        }
    }

    /// Nothing must have come: an echo of what is sent now is the next thing that does.
    pub(crate) async fn expect_nothing_before(&mut self, echoed: &str) {
        self.send(echoed).await;
        self.expect(echoed).await;
    }

    async fn read_frame(&mut self) -> Heard {
        self.try_read_frame().await.unwrap_or(Heard::End(None))
    }

    async fn try_read_frame(&mut self) -> std::io::Result<Heard> {
        let [first, second] = [self.stream.read_u8().await?, self.stream.read_u8().await?];
        assert_eq!(first & 0xf0, 0x80, "frames of the server are final and without extensions");
        let length = match second {
            126 => usize::from(self.stream.read_u16().await?),
            127 => usize::try_from(self.stream.read_u64().await?).expect("a length in memory"),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        Ok(match first & 0x0f {
            TEXT => Heard::Text(String::from_utf8(payload).expect("text is UTF-8")),
            BINARY => Heard::Binary(payload),
            PONG => Heard::Pong(payload),
            CLOSE => Heard::End(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            opcode => panic!("opcode {opcode} does not occur in Engine.IO"),
        })
    }
}

/// Several messages as they stand on the wire.
pub(crate) fn frames(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| frame(TEXT, text.as_bytes())).collect()
}

/// A masked frame, as clients send them.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0xa4, 0x5b, 0xf7];
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(MASKED | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(MASKED | 0x7e);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(MASKED | 0x7f);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
