//! The command `checker`, as a shell sees it.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use checker::{Event, Record, history};

fn checker(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_checker")).args(arguments).output().unwrap()
}

fn file(name: &str, contents: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, contents).unwrap();
    path.into_os_string().into_string().unwrap()
}

fn lines(events: &[(u64, Event)]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (at_ns, event) in events {
        let record = Record { at_ns: *at_ns, process: 0, user: 0, event: event.clone() };
        history::write(&mut lines, &record).unwrap();
    }
    lines
}

fn fault() -> Event {
    Event::Fault { what: "cable".to_owned() }
}

#[test]
fn a_kept_promise_is_0_and_parts_of_one_history_come_in_any_order() {
    let end = file("end.jsonl", &lines(&[(2, Event::Healed)]));
    let beginning = file("beginning.jsonl", &lines(&[(1, fault())]));
    let output = checker(&[&end, &beginning]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("Every promise was kept.\n"));
}

#[test]
fn anything_else_is_1_as_text_and_as_json() {
    let file = file("unfit.jsonl", &lines(&[(1, fault())]));
    let output = checker(&[&file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("still broken in the end"));
    let output = checker(&["--json", &file]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mistakes"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_read_is_2_and_the_line_is_named() {
    let mut contents = lines(&[(1, Event::Healed)]);
    contents.extend(b"\nhello\n");
    let output = checker(&[&file("garbage.jsonl", &contents)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("garbage.jsonl: line 3: "));
    assert_eq!(checker(&[]).status.code(), Some(2));
}
