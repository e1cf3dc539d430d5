//! A Socket.IO client for tests: WebSocket only, and nothing it hears is ever thrown away unseen.

use std::collections::{HashMap, VecDeque};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// How long a test waits for what must come. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that is connected, as one person.
pub(crate) struct Client {
    stream: WebSocket<TcpStream>,
    next_ack: u64,
    acks: HashMap<u64, Value>,
    events: VecDeque<(String, Value)>,
    ended: bool,
}

impl Client {
    /// Connects to the server at `address` with a token in the CONNECT packet; the refusal if it is refused.
    pub(crate) fn try_connect(address: &str, token: &str) -> Result<Self, Value> {
        let mut client = Self::open(address);
        client.send(&format!("40{}", json!({ "token": token })));
        loop {
            let text = client.read().expect("an answer to CONNECT");
            if text.starts_with("40") {
                return Ok(client);
            }
            if let Some(refusal) = text.strip_prefix("44") {
                return Err(serde_json::from_str(refusal).unwrap());
            }
        }
    }

    /// Connects, or fails the test.
    pub(crate) fn connect(address: &str, token: &str) -> Self {
        Self::try_connect(address, token).expect("to be let in")
    }

    fn open(address: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let (stream, _) = tungstenite::client(url.into_client_request().unwrap(), tcp).unwrap();
        Self { stream, next_ack: 0, acks: HashMap::new(), events: VecDeque::new(), ended: false }
    }

    /// Sends an event; its answer is fetched with [`answer`](Self::answer).
    pub(crate) fn emit(&mut self, event: &str, payload: &Value) -> u64 {
        let id = self.next_ack;
        self.next_ack += 1;
        self.send(&format!("42{id}{}", json!([event, payload])));
        id
    }

    /// The answer to an event.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(answer) = self.acks.remove(&id) {
                return answer;
            }
            assert!(self.hear(), "the connection ended before event {id} was answered");
        }
    }

    /// Sends an event and waits until it has been done.
    pub(crate) fn ask(&mut self, event: &str, payload: &Value) -> Value {
        let id = self.emit(event, payload);
        let answer = self.answer(id);
        assert!(answer["error"].is_null(), "{event}: {answer}");
        answer["ok"].clone()
    }

    /// Sends an event and waits until it has been refused; the error's code.
    pub(crate) fn ask_in_vain(&mut self, event: &str, payload: &Value) -> String {
        let id = self.emit(event, payload);
        let answer = self.answer(id);
        answer["error"]["code"].as_str().unwrap_or_else(|| panic!("{event}: {answer}")).to_owned()
    }

    /// The next event of this name; others stay where they are.
    pub(crate) fn next(&mut self, event: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|(name, _)| name == event) {
                return self.events.remove(at).expect("it was just found").1;
            }
            assert!(self.hear(), "the connection ended before {event}");
        }
    }

    /// The next event of this name that is as wanted; those before it are dropped.
    pub(crate) fn next_where(&mut self, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let payload = self.next(event);
            if wanted(&payload) {
                return payload;
            }
        }
    }

    /// Everything heard so far and not fetched. Asks something first, so that what was sent before has arrived.
    pub(crate) fn heard(&mut self) -> Vec<(String, Value)> {
        let id = self.emit("unwatch_rooms", &json!({}));
        self.answer(id);
        self.events.drain(..).collect()
    }

    /// The messages that had come before the answer that was fetched last.
    pub(crate) fn messages_before_the_answer(&mut self) -> Vec<Value> {
        let messages = self.events.drain(..).filter(|(name, _)| name == "message");
        messages.map(|(_, payload)| payload).collect()
    }

    /// The messages among everything heard so far and not fetched.
    pub(crate) fn heard_messages(&mut self) -> Vec<Value> {
        let messages = self.heard().into_iter().filter(|(name, _)| name == "message");
        messages.map(|(_, payload)| payload).collect()
    }

    /// Waits until the server has ended the connection or the namespace.
    pub(crate) fn wait_for_the_end(&mut self) {
        while self.hear() {}
    }

    /// Waits for the end; how many of the events not answered before were done by then.
    pub(crate) fn done_at_the_end(mut self) -> usize {
        self.wait_for_the_end();
        self.acks.values().filter(|answer| answer["ok"].is_object()).count()
    }

    /// Closes the connection as the protocol has it, and waits until the server has, too.
    pub(crate) fn leave(&mut self) {
        self.send("41");
        self.send("1");
        self.wait_for_the_end();
    }

    /// Sends a packet as it stands.
    pub(crate) fn send_raw(&mut self, packet: &str) {
        self.send(packet);
    }

    /// Goes without a word, as a killed process does.
    pub(crate) fn vanish(self) {
        drop(self);
    }

    /// Reads one message and sorts it; `false` when there will be no more.
    fn hear(&mut self) -> bool {
        let Some(text) = self.read() else { return false };
        if let Some(packet) = text.strip_prefix("42") {
            let (event, payload) = serde_json::from_str(packet).unwrap();
            self.events.push_back((event, payload));
        } else if let Some(packet) = text.strip_prefix("43") {
            let at = packet.find('[').expect("an ack has arguments");
            let (answer,) = serde_json::from_str(&packet[at..]).unwrap();
            self.acks.insert(packet[..at].parse().unwrap(), answer);
        } else if text.starts_with("41") || text.starts_with('1') {
            self.ended = true;
            return false;
        }
        true
    }

    fn read(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        loop {
            match self.stream.read() {
                Ok(Message::Text(text)) if text == "2" => self.send("3"),
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(tungstenite::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock =>
                {
                    panic!("nothing came for {PATIENCE:?}; before it: {:?}", self.events)
                }
                Err(_) => return None,
            }
        }
    }

    fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).unwrap();
    }
}
