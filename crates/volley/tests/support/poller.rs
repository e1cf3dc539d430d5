//! A client that stays with long-polling.

use std::collections::VecDeque;

use serde_json::Value;

use crate::request::{Answer, Pending, Request};
use crate::server::Server;

pub(crate) const OPEN: &str = "EIO=4&transport=polling";

pub(crate) struct Poller<'a> {
    server: &'a Server,
    pub(crate) sid: String,
    headers: Vec<(&'static str, String)>,
    heard: VecDeque<String>,
}

impl<'a> Poller<'a> {
    /// Opens a session.
    pub(crate) async fn open(server: &'a Server) -> Self {
        Self::open_with(server, &[]).await
    }

    /// Opens a session with these headers, which go along with all that follows.
    pub(crate) async fn open_with(server: &'a Server, headers: &[(&'static str, String)]) -> Self {
        let answer = Request::get(OPEN).headers(headers).send(server).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let open = parse_open(&answer.body);
        let sid = open["sid"].as_str().expect("an open packet has a sid").to_owned();
        Self { server, sid, headers: headers.to_vec(), heard: VecDeque::new() }
    }

    /// Opens a session and enters the namespace `/`.
    pub(crate) async fn enter(server: &'a Server) -> Self {
        let mut poller = Self::open(server).await;
        poller.say("40").await;
        assert!(poller.hear().await.starts_with(r#"40{"sid":""#));
        poller
    }

    pub(crate) fn query(&self) -> String {
        format!("{OPEN}&sid={}", self.sid)
    }

    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        Request::post(self.query(), body).headers(&self.headers).send(self.server).await
    }

    pub(crate) async fn poll(&self) -> Answer {
        self.start_poll().await.answer().await
    }

    /// Begins to poll while the test does something else.
    pub(crate) async fn start_poll(&self) -> Pending {
        Request::get(self.query()).headers(&self.headers).start(self.server).await
    }

    /// Sends packets, which the server must take.
    pub(crate) async fn say(&self, payload: &str) {
        let answer = self.post(payload).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "for {payload:?}");
    }

    /// The next packet, polled for as often as needed.
    pub(crate) async fn hear(&mut self) -> String {
        while self.heard.is_empty() {
            let answer = self.poll().await;
            self.take(&answer);
        }
        self.heard.pop_front().expect("something was heard")
    }

    /// Keeps the packets of an answer for [`hear`](Self::hear).
    pub(crate) fn take(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{answer:?}");
        self.heard.extend(answer.body.split('\x1e').map(str::to_owned));
    }

    /// A packet that came along with others and has not been looked at.
    pub(crate) fn heard_before(&mut self) -> Option<String> {
        self.heard.pop_front()
    }

    pub(crate) async fn expect(&mut self, packet: &str) {
        assert_eq!(self.hear().await, packet);
    }

    /// The session must not exist any more.
    pub(crate) async fn expect_gone(&self) {
        let answer = self.poll().await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.refusal(), (1, "Session ID unknown".to_owned()));
    }
}

/// The JSON of an `open` packet.
pub(crate) fn parse_open(packet: &str) -> Value {
    let json = packet.strip_prefix('0').expect("an open packet");
    serde_json::from_str(json).expect("the content of an open packet is JSON")
}
