//! What is written for people is held to what is true: the document of the protocol to the wire, its bots to a running
//! server, the README to the manual.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod bots;
#[path = "../live/client.rs"]
#[expect(dead_code, reason = "what one door's tests need, another's do not")]
mod client;
#[path = "../../../volley/tests/clients/installed.rs"]
mod installed;
mod line;
mod protocol;
mod readme;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what one door's tests need, another's do not")]
mod support;

/// A document of this repository.
fn read(path: &str) -> String {
    let file = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The code blocks of a document in one language, in order.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks = document.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}
