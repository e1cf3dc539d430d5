//! A Parlor with people and rooms in it, made over HTTP as anybody would, and its data folders: every
//! measurement that writes gets a copy of its own, on the disk that the build is on.
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dialect::{ClientIds, Dialect, People};
use crate::generator::connect::connect;
use crate::generator::{Audience, load};
use crate::servers::{Built, Places, Running};

/// Limits that are about people and not about machines, out of the way.
const OPTIONS: [&str; 8] = [
    "--registrations-per-hour",
    "1000000",
    "--logins-per-minute",
    "1000000",
    "--messages-per-second",
    "1000000",
    "--log-level",
    "warn",
];
/// Requests under way at a time while people register: what a password's hash costs is not measured here.
const CLERKS: usize = 4;
/// How exactly the time of a start is known.
const PROBE_EVERY: Duration = Duration::from_micros(500);
/// People who fill the large room together.
const WRITERS: usize = 64;

/// How much there is of everything.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) people: usize,
    pub(crate) rooms: usize,
    /// What was said in the large room.
    pub(crate) messages: u64,
}

/// A prepared Parlor, and the means to start it.
pub(crate) struct House {
    built: Built,
    data: TempDir,
    tokens: Vec<String>,
    rooms: Vec<String>,
    /// The address of the room in which much has been said.
    large: String,
}

/// A server that runs, and its folder, which is removed with it.
pub(crate) struct Open {
    pub(crate) server: Running,
    /// From before the process was there to its first 200 from `/readyz`.
    pub(crate) start: Duration,
    _folder: Option<TempDir>,
}

impl House {
    /// Registers people, creates rooms, and fills one of them.
    pub(crate) fn prepare(built: Built, size: Size) -> Result<Self> {
        let target = Places::find()?.target;
        let data = tempfile::Builder::new().prefix("bench-parlor-").tempdir_in(target)?;
        let mut house = Self { built, data, tokens: vec![], rooms: vec![], large: String::new() };
        let server = start(&house.built, &house.furnished())?.0;
        let web = Web::new(server.address);
        house.tokens = web.register(size.people)?;
        for room in 0..=size.rooms {
            // In turn, since a person may not open many rooms in a day.
            let token = &house.tokens[room % house.tokens.len()];
            let room =
                web.post("rooms", Some(token), &json!({ "name": format!("Room {room}") }))?;
            house.rooms.push(text(&room, "id")?);
        }
        house.large = house.rooms.pop().context("there is one room more")?;
        server.end()?;
        fs::create_dir(house.inhabited())?;
        fs::copy(house.furnished().join(DATABASE), house.inhabited().join(DATABASE))?;
        let server = start(&house.built, &house.inhabited())?.0;
        let audience = Audience::Rooms { rooms: 1, members_per_room: WRITERS };
        let (mut crowd, _) = connect(server.address, audience, &house.large_room())?;
        load::fill(&mut crowd, size.messages)?;
        drop(crowd);
        server.end()?;
        Ok(house)
    }

    pub(crate) fn built(&self) -> &Built {
        &self.built
    }

    pub(crate) fn into_built(self) -> Built {
        self.built
    }

    /// Starts it with people and empty rooms.
    pub(crate) fn open(&self) -> Result<Open> {
        let folder = self.new_folder()?;
        fs::copy(self.furnished().join(DATABASE), folder.path().join(DATABASE))?;
        let (server, start) = start(&self.built, folder.path())?;
        Ok(Open { server, start, _folder: Some(folder) })
    }

    /// Starts it with nothing at all.
    pub(crate) fn open_empty(&self) -> Result<Open> {
        let folder = self.new_folder()?;
        let (server, start) = start(&self.built, folder.path())?;
        Ok(Open { server, start, _folder: Some(folder) })
    }

    /// Starts it with the large room. What is changed in it stays.
    pub(crate) fn open_large(&self) -> Result<Open> {
        let (server, start) = start(&self.built, &self.inhabited())?;
        Ok(Open { server, start, _folder: None })
    }

    /// What people say in the rooms.
    pub(crate) fn dialect(&self, ids: ClientIds) -> Dialect {
        let (tokens, rooms) = (self.tokens.clone(), self.rooms.clone());
        Dialect::Parlor(People { tokens, rooms, ids })
    }

    /// What people say in the large room.
    pub(crate) fn large_room(&self) -> Dialect {
        let (tokens, rooms) = (self.tokens.clone(), vec![self.large.clone()]);
        Dialect::Parlor(People { tokens, rooms, ids: ClientIds::TimeFirst })
    }

    /// A page of what was said in the large room before `seq`, as asked for over HTTP by one person or another.
    pub(crate) fn page(&self, web: &Web, person: usize, seq: u64) -> Result<Duration> {
        let path = format!("rooms/{}/messages?before={seq}&limit=50", self.large);
        // In turn: what one person may read in a time is bounded.
        let reader = &self.tokens[person % self.tokens.len()];
        let asked = Instant::now();
        let page = web.get(&path, reader)?;
        let took = asked.elapsed();
        let page: Value = serde_json::from_str(&page)?;
        let messages = page["messages"].as_array().context("a page has messages")?;
        ensure!(messages.len() == 50, "{} messages instead of 50", messages.len());
        Ok(took)
    }

    fn new_folder(&self) -> Result<TempDir> {
        Ok(tempfile::tempdir_in(self.data.path())?)
    }

    fn furnished(&self) -> PathBuf {
        self.data.path().join("furnished")
    }

    fn inhabited(&self) -> PathBuf {
        self.data.path().join("inhabited")
    }
}

/// After a server has ended, this file is everything.
const DATABASE: &str = "parlor.db";

fn start(built: &Built, folder: &Path) -> Result<(Running, Duration)> {
    let begun = Instant::now();
    let options = OPTIONS.map(OsStr::new);
    let mut running =
        built.begin(&[&options[..], &["--data".as_ref(), folder.as_ref()]].concat())?;
    running.wait_until(PROBE_EVERY, |address| {
        let ready = ureq::get(format!("http://{address}/readyz")).call();
        ready.is_ok_and(|answer| answer.status() == 200)
    })?;
    Ok((running, begun.elapsed()))
}

/// The HTTP API, as far as it is needed.
pub(crate) struct Web {
    agent: ureq::Agent,
    base: String,
}

impl Web {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { agent: ureq::Agent::new_with_defaults(), base: format!("http://{address}") }
    }

    /// The tokens of new people.
    fn register(&self, people: usize) -> Result<Vec<String>> {
        let one = |number: usize| {
            let (name, password) = (format!("Guest {number}"), format!("password of {number}"));
            let person = json!({ "name": name, "password": password, "kind": "token" });
            text(&self.post("register", None, &person)?, "token")
        };
        thread::scope(|scope| {
            let clerk = |clerk| move || (clerk..people).step_by(CLERKS).map(one).collect();
            let clerks: Vec<_> = (0..CLERKS).map(|number| scope.spawn(clerk(number))).collect();
            let mut tokens = Vec::new();
            for clerk in clerks {
                let some: Result<Vec<_>> = clerk.join().expect("a clerk returns what goes wrong");
                tokens.extend(some?);
            }
            Ok(tokens)
        })
    }

    fn post(&self, path: &str, token: Option<&str>, what: &Value) -> Result<Value> {
        let mut request = self.agent.post(format!("{}/api/{path}", self.base));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        Ok(request.send_json(what)?.body_mut().read_json()?)
    }

    fn get(&self, path: &str, token: &str) -> Result<String> {
        let request = self.agent.get(format!("{}/api/{path}", self.base));
        let mut answer = request.header("Authorization", format!("Bearer {token}")).call()?;
        Ok(answer.body_mut().read_to_string()?)
    }

    /// Bytes of everything that a browser loads to show the page for the first time.
    pub(crate) fn first_load(&self) -> Result<usize> {
        let html = self.agent.get(&self.base).call()?.body_mut().read_to_string()?;
        let references = [r#"src=""#, r#"href=""#].into_iter().flat_map(|attribute| {
            html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next())
        });
        let mut bytes = self.compressed("/")?;
        for path in references.filter(|path| path.starts_with('/')) {
            bytes += self.compressed(path)?;
        }
        Ok(bytes)
    }

    fn compressed(&self, path: &str) -> Result<usize> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = request.header("Accept-Encoding", "br").call()?;
        Ok(answer.body_mut().read_to_vec()?.len())
    }
}

fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value[field].as_str().with_context(|| format!("no {field} in {value}"))?.to_owned())
}
