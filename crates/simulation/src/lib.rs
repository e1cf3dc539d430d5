//! Live rooms, store and sessions of the server under one seed: one thread, moved time, every fault that can be thought
//! of, and the checker that judges real runs, too.
//!
//! What runs is the server's own code: the live door with its handlers, open rooms, ticking and credit, the sessions kept
//! at hand, the verbs. Replaced are what it stands on: the network (`wire`), the store ([`memory`]), time and chance
//! (`nature`). Everything that happens follows from the seed, so whatever was found is found again.

mod client;
mod decoder;
mod disk;
mod engine;
mod episode;
mod executor;
mod happening;
mod house;
pub mod memory;
mod nature;
mod plan;
mod recorder;
mod shore;
mod tally;
mod wire;

pub use episode::{Outcome, run};
pub use recorder::Keep;
pub use tally::Tally;
