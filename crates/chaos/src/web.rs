//! The HTTP API, as far as people here use it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::wire::{LoggedIn, Page, RoomId};

/// What one answer may take. Only a fault makes anybody wait this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many as one answer holds.
const PAGE: usize = 200;
/// How often a request is repeated that the server asks to repeat.
const ATTEMPTS: usize = 60;

/// Somebody with an account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Their number on the server.
    pub(crate) id: u64,
    /// What they are called.
    pub(crate) name: String,
    /// Opens their session.
    pub(crate) token: String,
}

/// Whether a server says that it does all it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    Unwell,
}

/// The HTTP API of a server.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    client: Client,
    base: String,
}

impl Web {
    /// The server at this address.
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { client, base: format!("http://{address}") })
    }

    /// A new account.
    pub(crate) async fn register(&self, name: &str) -> Result<Person> {
        self.enter("register", name).await
    }

    /// A new session of somebody who has an account.
    pub(crate) async fn log_in(&self, name: &str) -> Result<Person> {
        self.enter("login", name).await
    }

    /// Ends the session.
    pub(crate) async fn log_out(&self, person: &Person) -> Result<()> {
        let request = self.client.post(self.at("logout")).bearer_auth(&person.token);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// A new room.
    pub(crate) async fn open_room(&self, person: &Person, name: &str) -> Result<RoomId> {
        let request = self.client.post(self.at("rooms")).bearer_auth(&person.token);
        let room: Value = answer(request.json(&json!({ "name": name }))).await?;
        Ok(room["id"].as_str().context("a room has an address")?.parse::<Uuid>()?)
    }

    /// Who this is, if the session is one.
    pub(crate) async fn knows(&self, person: &Person) -> Result<bool> {
        let request = self.client.get(self.at("me")).bearer_auth(&person.token);
        Ok(request.send().await?.status() == StatusCode::OK)
    }

    /// A page of what was said after `seq`.
    pub(crate) async fn page(&self, person: &Person, room: RoomId, after: u64) -> Result<Page> {
        let path = self.at(&format!("rooms/{room}/messages?after={after}&limit={PAGE}"));
        answer(self.client.get(path).bearer_auth(&person.token)).await
    }

    /// All that was ever said in a room. `people` take turns in asking, since what one of them may read in a time is
    /// bounded.
    pub(crate) async fn log(&self, people: &[Person], room: RoomId) -> Result<Page> {
        let mut log = self.page(&people[0], room, 0).await?;
        while let Some(last) = log.messages.last().filter(|last| last.seq < log.head) {
            let reader = &people[log.messages.len() / PAGE % people.len()];
            let next = self.page(reader, room, last.seq).await?;
            if next.messages.is_empty() {
                break;
            }
            log.messages.extend(next.messages);
        }
        Ok(log)
    }

    /// What `/readyz` says.
    pub(crate) async fn health(&self) -> Health {
        let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
        let is_ready = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
        if is_ready { Health::Well } else { Health::Unwell }
    }

    async fn enter(&self, door: &str, name: &str) -> Result<Person> {
        let asked = json!({ "name": name, "password": password(name), "kind": "token" });
        let request = self.client.post(self.at(door)).json(&asked);
        let LoggedIn { user, token } = answer(request).await?;
        Ok(Person { id: user.id, name: user.name, token })
    }

    fn at(&self, path: &str) -> String {
        format!("{}/api/{path}", self.base)
    }
}

/// A figure from the metrics listener: the sum of all series with this name.
pub(crate) async fn figure(metrics: SocketAddr, name: &str) -> Result<u64> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let page = client.get(format!("http://{metrics}/metrics")).send().await?.text().await?;
    let series = page.lines().filter_map(|line| line.strip_prefix(name)).filter_map(|rest| {
        rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse::<u64>().ok())?
    });
    let all: Vec<u64> = series.collect();
    if all.is_empty() {
        bail!("there is no {name} among the figures");
    }
    Ok(all.iter().sum())
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    for _ in 0..ATTEMPTS {
        let attempt = request.try_clone().context("a request of text can be repeated")?;
        let response = attempt.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.json().await?);
        }
        let said: Value = response.json().await?;
        let Some(wait) = said["error"]["retry_after_ms"].as_u64() else {
            bail!("{status}: {said}");
        };
        sleep(Duration::from_millis(wait)).await;
    }
    bail!("it asks to come back for ever")
}

fn password(name: &str) -> String {
    format!("the password of {name}")
}
