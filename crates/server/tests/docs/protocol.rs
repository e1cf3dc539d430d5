//! docs/protocol.md names every event and every error that there is, and its examples are what goes over the wire.

use chat::wire::{Ack, ClientEvent, Done, Joined, Rooms, Sent, ServerEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{blocks, read};

/// Where the codes stand that are sent.
const SOURCES: [&str; 2] = ["crates/chat/src/error.rs", "crates/server/src/http/failure.rs"];

#[test]
fn what_a_client_says_stands_in_the_protocol_with_an_example_and_its_answer() {
    let document = read("docs/protocol.md");
    let chapter = chapter(&document, "What a client says");
    assert_eq!(sections(chapter), ClientEvent::NAMES);
    for name in ClientEvent::NAMES {
        let examples = blocks(section(chapter, name), "json");
        let [payload, answer] = examples[..] else { panic!("a payload and an answer: {name}") };
        let event = ClientEvent::decode(name, payload).unwrap();
        holds_all(payload, &event);
        match event {
            ClientEvent::Join(_) => is_an::<Ack<Joined>>(answer),
            ClientEvent::Message(_) => is_an::<Ack<Sent>>(answer),
            ClientEvent::WatchRooms(_) => is_an::<Ack<Rooms>>(answer),
            ClientEvent::Leave(_) | ClientEvent::Heartbeat(_) | ClientEvent::UnwatchRooms(_) => {
                is_an::<Ack<Done>>(answer);
            }
        }
    }
}

#[test]
fn what_the_server_tells_stands_in_the_protocol_with_an_example() {
    let document = read("docs/protocol.md");
    let chapter = chapter(&document, "What the server tells");
    assert_eq!(sections(chapter), ServerEvent::NAMES);
    for name in ServerEvent::NAMES {
        let examples = blocks(section(chapter, name), "json");
        let [payload] = examples[..] else { panic!("one payload: {name}") };
        holds_all(payload, &ServerEvent::decode(name, payload).unwrap());
    }
}

#[test]
fn every_error_stands_in_the_protocol() {
    let document = read("docs/protocol.md");
    let table = chapter(&document, "When something is not done");
    let mut written: Vec<_> =
        table.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let sources = SOURCES.map(read);
    let mut sent: Vec<_> = sources.iter().flat_map(|source| codes(source)).collect();
    assert!(sent.contains(&"not_logged_in") && sent.contains(&"forbidden_origin"));
    (written.sort_unstable(), sent.sort_unstable());
    sent.dedup();
    assert_eq!(written, sent);
}

/// The words of errors in a source file: what functions called `code` or `in_words` give.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    let start = ["fn code(", "fn in_words("].map(|function| source.split(function).skip(1));
    let bodies = start.into_iter().flatten().map(|rest| rest.split("\n    }").next().unwrap());
    let quoted = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
    quoted.filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

fn chapter<'a>(document: &'a str, title: &str) -> &'a str {
    let chapters = document.split("\n## ").skip(1);
    let mut found = chapters.filter(|chapter| chapter.starts_with(title));
    found.next().unwrap_or_else(|| panic!("a chapter “{title}”"))
}

/// The events that have a section, in order.
fn sections(chapter: &str) -> Vec<&str> {
    chapter.split("\n### `").skip(1).map(|section| section.split('`').next().unwrap()).collect()
}

fn section<'a>(chapter: &'a str, event: &str) -> &'a str {
    let heading = format!("{event}`");
    let mut sections = chapter.split("\n### `").skip(1);
    sections.find(|section| section.starts_with(&heading)).unwrap()
}

fn is_an<T: Serialize + DeserializeOwned>(example: &str) {
    let value: T = serde_json::from_str(example).unwrap_or_else(|e| panic!("{e}: {example}"));
    holds_all(example, &value);
}

/// The example has every field of the value, and no others.
fn holds_all(example: &str, value: &impl Serialize) {
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(example, serde_json::to_value(value).unwrap());
}
