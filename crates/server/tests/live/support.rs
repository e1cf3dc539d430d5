//! A server for tests that talk to it from ordinary threads.

use std::fmt::Write;
use std::ops::Deref;

use serde_json::{Value, json};
use server::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::world::{PASSWORD, World};

/// On a server with these options people may talk as fast as tests do.
pub(crate) const FAST: &[&str] = &["--messages-per-second", "100000"];

/// A running server and the threads it runs on. Dropped, it is cut off.
pub(crate) struct Server {
    world: Option<World>,
    address: String,
    runtime: Runtime,
}

impl Server {
    /// A server with nobody in it yet, on which people may talk as fast as tests do.
    pub(crate) fn start() -> Self {
        Self::start_with(FAST)
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options)
    }

    /// A server on data that are there already.
    pub(crate) fn start_in(folder: TempDir, options: &[&str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::in_folder(folder, options));
        Self { address: world.address.to_string(), world: Some(world), runtime }
    }

    /// Asks the server to end, and does not wait until it has.
    pub(crate) fn ask_to_stop(&mut self) {
        self.world.as_mut().expect("it is there until it is restarted or dropped").ask_to_stop();
    }

    /// Ends this server gracefully and starts another on the same data, at the same time.
    pub(crate) fn restart(mut self) -> Self {
        let world = self.world.take().expect("it is there until it is restarted or dropped");
        let world = self.runtime.block_on(world.restart(std::time::Duration::ZERO));
        self.address = world.address.to_string();
        self.world = Some(world);
        self
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().0
    }

    /// Registers somebody; their token.
    pub(crate) fn register(&self, name: &str) -> String {
        self.runtime.block_on(self.deref().register(name))
    }

    /// Logs somebody in once more; the token of that session.
    pub(crate) fn log_in(&self, name: &str) -> String {
        self.runtime.block_on(self.deref().log_in(name))
    }

    pub(crate) fn log_out(&self, token: &str) {
        let request = self.post("/api/logout", &json!({})).by(token);
        self.runtime.block_on(request.send()).expect(204);
    }

    /// Tries to end the session of this number as the person with this token.
    pub(crate) fn end_session(&self, token: &str, session: i64) {
        let request = self.knock("DELETE", &format!("/api/sessions/{session}")).by(token);
        self.runtime.block_on(request.send());
    }

    /// Gives somebody a new password, in a session of its own.
    pub(crate) fn change_password(&self, name: &str) {
        self.change_password_as(&self.log_in(name));
    }

    /// Gives the person with this token a new password.
    pub(crate) fn change_password_as(&self, token: &str) {
        let change = json!({ "old": PASSWORD, "new": "a mare, a rivet" });
        let request = self.post("/api/password", &change).by(token);
        let answer = self.runtime.block_on(request.send());
        assert!(answer.status.is_success(), "{answer:?}");
    }

    pub(crate) fn create_room(&self, token: &str, name: &str) -> String {
        let request = self.post("/api/rooms", &json!({ "name": name })).by(token);
        let room = self.runtime.block_on(request.send()).expect(201).body;
        room["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn history(&self, token: &str, room: &str, query: &str) -> Value {
        let path = format!("/api/rooms/{room}/messages{query}");
        self.runtime.block_on(self.deref().get(&path).by(token).send()).expect(200).body
    }

    /// Status and text of what stands at a path.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = self.deref().get(path);
        if let Some(token) = token {
            request = request.by(token);
        }
        let answer = self.runtime.block_on(request.send());
        (answer.status.as_u16(), answer.text)
    }

    /// Posts what a client that polls would.
    pub(crate) fn post_packet(&self, path: &str, token: &str, packet: &str) {
        let request = self.knock("POST", path).by(token).body(packet);
        self.runtime.block_on(request.send()).expect(200);
    }

    /// Alice, registered and in a room of hers called Tea.
    pub(crate) fn alice_in_a_room(&self) -> (Client, String) {
        let token = self.register("alice");
        let room = self.create_room(&token, "Tea");
        let mut alice = Client::connect(self.address(), &token);
        alice.ask("join", &json!({ "room": room }));
        (alice, room)
    }
}

impl Deref for Server {
    type Target = World;

    fn deref(&self) -> &World {
        self.world.as_ref().expect("it is there until it is restarted or dropped")
    }
}

/// The `client_id` of the message with this number.
pub(crate) fn client_id(number: u64) -> String {
    let mut id = String::from("00000000-0000-4000-8000-");
    write!(id, "{number:012x}").unwrap();
    id
}
