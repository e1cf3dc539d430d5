//! A network that fails on purpose: a TCP proxy between clients and a server that delays bytes, cuts them into pieces,
//! stops them, resets connections, closes them in one direction and lets them vanish; by a seeded schedule, or by hand.
//!
//! Whatever it does, it never alters bytes and never reorders them: what arrives in one direction is always a beginning
//! of what was sent, as TCP has it.
//!
//! ```no_run
//! # fn example(server: std::net::SocketAddr) -> std::io::Result<()> {
//! use faults::{Proxy, Schedule};
//!
//! let proxy = Proxy::start(server)?;
//! proxy.follow(Schedule::new(7));
//! // … clients talk to `proxy.address()` …
//! proxy.calm();
//! println!("{}", proxy.counts());
//! # Ok(())
//! # }
//! ```

mod conditions;
mod connection;
mod counts;
mod proxy;
mod pump;
mod schedule;

pub use conditions::{Conditions, Direction, Flow, Travel};
pub use counts::Counts;
pub use proxy::Proxy;
pub use schedule::{Kind, Schedule, Script, Step};
