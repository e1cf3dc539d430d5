//! A copy of everything, the way back from it, and whether what is kept is what it should be.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod back_up;
mod check;
mod program;
mod restore;
mod world;
