//! The command `checker`, as a shell sees it.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use checker::{Event, Limits, Moment, Record, history};

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
fn a_history_brings_its_limits_and_shows_what_was_a_surprise() {
    let used =
        |moment, descriptors| Event::Resources { moment, memory_bytes: 1, descriptors, tasks: 1 };
    let leak = [(1, used(Moment::Baseline, 10)), (2, used(Moment::After, 90))];
    let output = checker(&[&file("leak.jsonl", &lines(&leak))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("90 descriptors are left of 10"));

    let limits = Event::Limits { limits: Limits { descriptors: 100, ..Limits::default() } };
    let mut history = vec![(0, limits)];
    history.extend(leak);
    assert_eq!(checker(&[&file("allowed.jsonl", &lines(&history))]).status.code(), Some(0));

    history.push((3, Event::Surprise { what: "a full disk is not noticed".to_owned() }));
    let output = checker(&[&file("surprise.jsonl", &lines(&history))]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("surprise: a full disk is not noticed"), "{shown}");
    assert!(shown.ends_with("No promise was broken, but something happened that should not.\n"));
}

#[test]
fn limits_that_a_history_does_not_state_are_as_always() {
    let limits = r#"{"at_ns":0,"process":0,"user":0,"event":"limits","limits":{"tasks":7}}"#;
    let read = history::read(limits.as_bytes()).unwrap();
    assert_eq!(read[0].event, Event::Limits { limits: Limits { tasks: 7, ..Limits::default() } });
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
