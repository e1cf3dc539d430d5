//! The bots of docs/protocol.md, run from the very text of the document: they answer, and what is said while the
//! network or the server is gone, they answer once when it is back.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::client::Client;
use crate::line::Line;
use crate::support::world::PASSWORD;
use crate::support::{Server, client_id};
use crate::{blocks, installed, read};

/// What a reader takes in at a glance.
const MOST_LINES: usize = 19;
/// How long a program may take to start and to come in.
const TRIES: u32 = 200;
const A_MOMENT: Duration = Duration::from_millis(100);

#[test]
fn the_bot_in_javascript_answers_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("echo.mjs");
    fs::write(&file, only_bot("js")).unwrap();
    symlink(installed::node_modules(), folder.path().join("node_modules")).unwrap();
    let mut command = Command::new("node");
    command.arg(file);
    answers_and_misses_nothing(command);
}

#[test]
fn the_bot_in_python_answers_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("echo.py");
    fs::write(&file, only_bot("python")).unwrap();
    let mut command = Command::new(installed::python());
    command.arg(file);
    answers_and_misses_nothing(command);
}

fn only_bot(language: &str) -> String {
    let document = read("docs/protocol.md");
    let [bot] = blocks(&document, language)[..] else { panic!("one bot in {language}") };
    assert!(bot.lines().count() <= MOST_LINES, "{bot}");
    bot.to_owned()
}

fn answers_and_misses_nothing(command: Command) {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let token = server.register("echo");
    let line = Line::to(server.address());
    let mut talk = Talk { room, said: 0 };
    talk.say(&mut alice, "!echo this is history");
    let _bot = Bot::start(command, &line, &talk.room);
    talk.until_it_is_here(&server, &mut alice);

    line.cut();
    for body in ["!echo nobody hears", "a remark", "!echo two lines\nin one"] {
        talk.say(&mut alice, body);
    }
    line.mend(server.address());
    hear(&mut alice, "nobody hears");
    hear(&mut alice, "two lines\nin one");

    let server = server.restart();
    line.mend(server.address());
    let mut alice = Client::connect(server.address(), &server.log_in("alice"));
    alice.ask("join", &json!({ "room": talk.room }));
    talk.say(&mut alice, "!echo welcome back");
    hear(&mut alice, "welcome back");

    let history = server.history(&token, &talk.room, "?limit=200");
    let bodies: Vec<_> = history["messages"].as_array().unwrap().iter().map(body_of).collect();
    assert_eq!(count(&bodies, "this is history"), 0, "{bodies:?}");
    for once in ["nobody hears", "two lines\nin one", "welcome back"] {
        assert_eq!(count(&bodies, once), 1, "{bodies:?}");
    }
}

/// What alice says in a room.
struct Talk {
    room: String,
    said: u64,
}

impl Talk {
    fn say(&mut self, alice: &mut Client, body: &str) {
        self.said += 1;
        let said = json!({ "room": self.room, "client_id": client_id(self.said), "body": body });
        alice.ask("message", &said);
    }

    /// Calls until there is an answer. A bot that starts does not answer what was said before it was there.
    fn until_it_is_here(&mut self, server: &Server, alice: &mut Client) {
        for _ in 0..TRIES {
            self.say(alice, "!echo hello");
            thread::sleep(A_MOMENT);
            // Credit grows with the time.
            server.clock().advance(A_MOMENT);
            if alice.heard_messages().iter().any(|message| body_of(message) == "hello") {
                return;
            }
        }
        panic!("the bot does not answer");
    }
}

/// A running bot; ended when the test ends. What it says is shown if the test fails.
struct Bot {
    process: Child,
    log: NamedTempFile,
}

impl Bot {
    fn start(mut command: Command, line: &Line, room: &str) -> Self {
        let url = format!("http://{}", line.address());
        let log = NamedTempFile::new().unwrap();
        command.args([&url, room, "echo", PASSWORD]).stderr(log.reopen().unwrap());
        Self { process: command.spawn().unwrap(), log }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

fn hear(alice: &mut Client, body: &str) {
    alice.next_where("message", |message| {
        message["author"]["name"] == "echo" && body_of(message) == body
    });
}

fn body_of(message: &Value) -> &str {
    message["body"].as_str().unwrap()
}

fn count(bodies: &[&str], body: &str) -> usize {
    bodies.iter().filter(|said| **said == body).count()
}
