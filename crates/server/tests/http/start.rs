//! The program as it is started, and as it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::world::World;

fn parlor(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(options).env_clear();
    command
}

fn data(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

/// What it says when it does not start: one line, and an exit code that is not zero.
#[track_caller]
fn refusal(options: &[&str]) -> String {
    let Output { status, stdout, stderr } = parlor(options).output().unwrap();
    let sentence = String::from_utf8(stderr).unwrap();
    assert!(!status.success(), "{sentence}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
    assert_eq!(sentence.trim_end().lines().count(), 1, "{sentence}");
    sentence
}

/// A started program; what it prints first; ended when the test ends.
struct Started {
    child: Child,
    line: String,
}

impl Started {
    fn with(options: &[&str]) -> Self {
        let mut child =
            parlor(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn url(&self) -> &str {
        self.line.strip_prefix("Parlor is at ").unwrap_or_else(|| panic!("{}", self.line)).trim()
    }

    /// Sends a signal and waits for the end: whether it was a good one, and the log.
    fn end(&mut self, signal: &str) -> (bool, String) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status.success(), log)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_prints_where_it_is_and_ends_well_when_asked_to() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut started = Started::with(&["--listen", "127.0.0.1:0", "--data", data(&folder)]);
        let answer = reqwest::get(format!("{}/readyz", started.url())).await.unwrap();
        assert_eq!(answer.status(), 200);
        let (well, log) = started.end(signal);
        assert!(well, "{log}");
    }
}

#[test]
fn a_busy_port_is_named_with_the_option_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let sentence = refusal(&["--listen", &address, "--data", data(&folder)]);
    assert!(sentence.contains(&address) && sentence.contains("--listen"), "{sentence}");
    let metrics =
        ["--listen", "127.0.0.1:0", "--metrics-listen", &address, "--data", data(&folder)];
    let sentence = refusal(&metrics);
    assert!(sentence.contains(&address) && sentence.contains("--metrics-listen"), "{sentence}");
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let sentence = refusal(&["--listen", "192.0.2.1:7420", "--data", data(&folder)]);
    assert!(sentence.contains("192.0.2.1:7420") && sentence.contains("--listen"), "{sentence}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data");
    let inside = inside.to_str().unwrap();
    let sentence = refusal(&["--listen", "127.0.0.1:0", "--data", inside]);
    assert!(sentence.contains(inside), "{sentence}");
}

#[tokio::test]
async fn a_folder_that_another_server_uses_is_left_alone() {
    let world = World::new().await;
    let folder = world.folder().to_str().unwrap().to_owned();
    let sentence = refusal(&["--listen", "127.0.0.1:0", "--data", &folder]);
    assert!(sentence.contains(&folder) && sentence.contains("Another server"), "{sentence}");
    world.get("/readyz").send().await.expect(200);
}

#[tokio::test]
async fn a_database_of_a_newer_parlor_is_left_alone() {
    let folder = World::new().await.stop().await;
    let database = rusqlite::Connection::open(folder.path().join("parlor.db")).unwrap();
    database.pragma_update(None, "user_version", 9999).unwrap();
    drop(database);
    let sentence = refusal(&["--listen", "127.0.0.1:0", "--data", data(&folder)]);
    assert!(sentence.contains("newer"), "{sentence}");
}

#[test]
fn a_wrong_option_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("data");
    let options = ["--data", inside.to_str().unwrap(), "--log", "xml"];
    let Output { status, stderr, .. } = parlor(&options).output().unwrap();
    assert_eq!(status.code(), Some(2));
    let said = String::from_utf8(stderr).unwrap();
    assert!(said.contains("--log") && said.contains("human") && said.contains("json"), "{said}");
    assert!(!inside.exists());
}

#[test]
fn options_can_be_given_as_variables() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = parlor(&[]);
    command.env("PARLOR_LISTEN", "192.0.2.1:7420").env("PARLOR_DATA", data(&folder));
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(said.contains("192.0.2.1:7420"), "{said}");
}

#[test]
fn the_manual_explains_every_option_and_names_its_variable() {
    let manual = String::from_utf8(parlor(&["--help"]).output().unwrap().stdout).unwrap();
    let options = manual.matches("\n      --").count() - "--help --version".split(' ').count() + 2;
    assert!(options >= 12, "{manual}");
    assert_eq!(manual.matches("[env: PARLOR_").count(), options, "{manual}");
}

#[tokio::test]
async fn the_log_is_json_if_wanted_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let options = [
        "--listen",
        "127.0.0.1:0",
        "--data",
        data(&folder),
        "--log",
        "json",
        "--log-level",
        "trace",
    ];
    let mut started = Started::with(&options);
    let url = started.url().to_owned();
    let client = reqwest::Client::new();
    let asked =
        serde_json::json!({ "name": "alice", "password": "planted secret one", "kind": "token" });
    let answer = client.post(format!("{url}/api/register")).json(&asked).send().await.unwrap();
    let admitted: serde_json::Value = answer.json().await.unwrap();
    let token = admitted["token"].as_str().unwrap();
    for path in ["me", "rooms?search=planted-secret-two", "openapi.json"] {
        let request = client.get(format!("{url}/api/{path}")).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let wrong = serde_json::json!({ "name": "alice", "password": "planted secret three" });
    client.post(format!("{url}/api/login")).json(&wrong).send().await.unwrap();
    let (well, log) = started.end("-TERM");
    assert!(well, "{log}");
    assert!(log.lines().count() > 4, "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
    }
    for secret in ["planted", token] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
