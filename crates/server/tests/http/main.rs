//! The HTTP door from outside: the real server on a port of its own, and people who knock.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod accounts;
mod forgery;
mod health;
mod limits;
mod openapi;
mod page;
mod rooms;
mod sessions;
mod start;
#[path = "../support/world.rs"]
mod world;
