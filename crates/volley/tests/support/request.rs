//! HTTP by hand: one request, one connection, one answer. So a test can stop halfway, or send what no library would.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

pub(crate) struct Request {
    method: &'static str,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A request that has been written and not been answered. Dropping it is a client that goes away.
pub(crate) struct Pending {
    stream: TcpStream,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn new(method: &'static str, query: impl Into<String>) -> Self {
        Self { method, query: query.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(query: impl Into<String>) -> Self {
        Self::new("GET", query)
    }

    pub(crate) fn post(query: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("POST", query) }
    }

    /// Asks to go over to WebSocket.
    pub(crate) fn upgrade(query: impl Into<String>) -> Self {
        Self::get(query)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds whatever headers a client always sends.
    pub(crate) fn headers(mut self, headers: &[(&'static str, String)]) -> Self {
        self.headers.extend_from_slice(headers);
        self
    }

    pub(crate) async fn send(self, server: &Server) -> Answer {
        self.start(server).await.answer().await
    }

    /// Writes the request, the whole body included.
    pub(crate) async fn start(self, server: &Server) -> Pending {
        let length = self.body.len();
        self.start_announcing(length, server).await
    }

    /// Writes the request and says that its body has `length` bytes, whatever it has.
    pub(crate) async fn start_announcing(self, length: usize, server: &Server) -> Pending {
        let has = |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let mut head = vec![format!("{} /socket.io/?{} HTTP/1.1", self.method, self.query)];
        if !has("host") {
            head.push(format!("Host: {}", server.addr));
        }
        if !has("connection") {
            head.push("Connection: close".to_owned());
        }
        if self.method != "GET" && !has("transfer-encoding") {
            head.push(format!("Content-Length: {length}"));
        }
        head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let stream = TcpStream::connect(server.addr).await.expect("a listening server");
        stream.set_nodelay(true).expect("a connected stream");
        let mut pending = Pending { stream };
        let head = head.join("\r\n");
        pending.write(&[head.as_bytes(), b"\r\n\r\n", &self.body].concat()).await;
        pending
    }
}

impl Pending {
    /// Writes more of the body. A server that has seen enough may have stopped reading, which is no failure here.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn answer(mut self) -> Answer {
        let head = timeout(PATIENCE, self.read_head()).await.expect("an answer in time");
        let mut answer = Answer::parse(&head);
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        timeout(PATIENCE, self.stream.read_exact(&mut body))
            .await
            .expect("a body in time")
            .expect("the whole body");
        answer.body = String::from_utf8(body).expect("every answer of the engine is text");
        answer
    }

    /// The answer to a request to go over to WebSocket, and the stream behind it.
    pub(crate) async fn switched(mut self) -> (Answer, TcpStream) {
        let head = timeout(PATIENCE, self.read_head()).await.expect("an answer in time");
        (Answer::parse(&head), self.stream)
    }

    /// Up to the empty line and not a byte more: what follows may be frames.
    async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("an answer before the end"));
        }
        String::from_utf8(head).expect("the head of an answer is text")
    }
}

impl Answer {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).expect("a status line");
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: String::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The `code` and the `message` of a refusal.
    pub(crate) fn refusal(&self) -> (u64, String) {
        let body: Value = serde_json::from_str(&self.body).expect("a refusal is JSON");
        let code = body["code"].as_u64().expect("a refusal has a code");
        (code, body["message"].as_str().expect("a refusal has a message").to_owned())
    }
}
