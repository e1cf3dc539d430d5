//! The live door through real sockets: two people and more, in rooms and out of them.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod client;
mod lobby;
mod messages;
mod presence;
mod resume;
mod rules;
mod sessions;

#[path = "../support/mod.rs"]
mod support;
