//! The live door through real sockets: two people and more, in rooms and out of them.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod client;
mod lobby;
mod messages;
mod presence;
mod restore;
mod resume;
mod rules;
mod sessions;
mod support;
#[expect(dead_code, reason = "what the tests of one door need, those of another do not")]
#[path = "../support/world.rs"]
mod world;
