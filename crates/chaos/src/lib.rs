//! The real program under faults. People come to it over the network with clients that do as docs/protocol.md says and
//! record everything; it is killed, cut off, filled up and restored under them; then everybody comes to rest, every room is
//! read in full, and the checker judges. Nothing here knows the server's code.

mod client;
mod crowd;
mod database;
mod disk;
mod figures;
mod history;
mod process;
mod program;
mod socket;
mod table;
mod web;
mod wire;
mod workload;
mod world;

pub use figures::{Figures, Times};
pub use history::Verdict;
pub use program::Program;
pub use table::table;
pub use workload::{Scale, Workload};

/// Every connection is an open file, and most systems start a program with a low limit that it may raise by itself.
pub fn allow_many_connections() -> std::io::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
