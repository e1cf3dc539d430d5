//! The process `parlor`: it opens the store, lets people in through HTTP and sockets, and serves the page.
//! What people may do is `chat`'s; how bytes reach many at once is `volley`'s. Here they are joined to a disk, a network,
//! a clock and chance.

pub mod accounts;
pub mod client;
pub mod clock;
pub mod config;
pub mod cookie;
pub mod http;
pub mod limits;
pub mod live;
pub mod log;
pub mod metrics;
pub mod on_wire;
pub mod parlor;
pub mod passwords;
pub mod random;
pub mod sabotage;
pub mod sessions;
pub mod site;
pub mod store;

pub use clock::Clock;
pub use config::{Config, LogFormat, LogLevel};
pub use parlor::{Parlor, StartError};
pub use random::Random;
