//! A server of its own for each test, whose time stands still until it is moved, and people who come to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use server::{Clock, Config, Parlor, Random};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Good enough for everybody here.
pub(crate) const PASSWORD: &str = "a horse, a staple";

/// A running server.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) clock: Clock,
    folder: TempDir,
    options: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A request about to be made.
pub(crate) struct Knock {
    client: Client,
    address: SocketAddr,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A server with these options.
    pub(crate) async fn with(options: &[&str]) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), options).await
    }

    /// A server on data that are there already.
    pub(crate) async fn in_folder(folder: TempDir, options: &[&str]) -> Self {
        let clock = Clock::standing_at(chat::Timestamp(1_800_000_000_000));
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::start(folder, options, clock).await
    }

    async fn start(folder: TempDir, options: Vec<String>, clock: Clock) -> Self {
        let data = folder.path().to_str().unwrap().to_owned();
        let fixed = ["parlor", "--listen", "127.0.0.1:0", "--data", &data].map(str::to_owned);
        let config = Config::parse_from(fixed.iter().chain(&options));
        let parlor = Parlor::open(&config, clock.clone(), next_random()).await.unwrap();
        let address = parlor.address().unwrap();
        let metrics = parlor.metrics_address().map(Result::unwrap);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(parlor.serve(async {
            let _ = stopped.await;
        }));
        Self { address, metrics, clock, folder, options, stop: Some(stop), running }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the server to end, and does not wait until it has.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops the server, gracefully; what is on the disk stays.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.ask_to_stop();
        self.running.await.unwrap();
        self.folder
    }

    /// Stops the server and starts another one on the same data, `later`.
    pub(crate) async fn restart(self, later: Duration) -> Self {
        let (clock, options) = (self.clock.clone(), self.options.clone());
        clock.advance(later);
        Self::start(self.stop().await, options, clock).await
    }

    pub(crate) fn knock(&self, method: &str, path: &str) -> Knock {
        Knock {
            client: Client::builder().build().unwrap(),
            address: self.address,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Knock {
        self.knock("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Knock {
        self.knock("POST", path).json(body)
    }

    /// Registers somebody, as a program does; their token.
    pub(crate) async fn register(&self, name: &str) -> String {
        let asked = json!({ "name": name, "password": PASSWORD, "kind": "token" });
        let answer = self.post("/api/register", &asked).send().await.expect(201);
        answer.body["token"].as_str().unwrap().to_owned()
    }

    /// Logs somebody in, as a program does; their token.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let asked = json!({ "name": name, "password": PASSWORD, "kind": "token" });
        let answer = self.post("/api/login", &asked).send().await.expect(200);
        answer.body["token"].as_str().unwrap().to_owned()
    }
}

impl Knock {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a token, as a program comes.
    pub(crate) fn by(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// With a cookie, from the server's own page.
    pub(crate) fn by_page(self, cookie: &str) -> Self {
        let origin = format!("http://{}", self.address);
        self.with("cookie", cookie).with("origin", &origin)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.with("content-type", "application/json").body(&body.to_string())
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let url = format!("http://{}{}", self.address, self.path);
        let mut request = self.client.request(self.method, url);
        for (name, value) in self.headers {
            request = request.header(name.parse::<HeaderName>().unwrap(), value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer { status, headers, text, body }
    }
}

impl Answer {
    /// Has this status, or fails the test.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The code of the error that it must be, after its status.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, &str) {
        let code = self.body["error"]["code"].as_str();
        (self.status.as_u16(), code.unwrap_or_else(|| panic!("not an error: {self:?}")))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().unwrap()
    }

    /// The cookie that a browser would send from now on, `name=value`.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

/// Repeatable draws, and other ones for each server: one that comes back on its data must not deal out tokens again.
fn next_random() -> Random {
    static SEED: AtomicU64 = AtomicU64::new(1);
    Random::seeded(SEED.fetch_add(1, Ordering::Relaxed))
}
