//! The process `parlor`: it opens the store, lets people in through HTTP and sockets, and serves the page.
//! What people may do is `chat`'s; how bytes reach many at once is `volley`'s. Here they are joined to a disk, a network,
//! a clock and chance.

mod clock;
mod random;

pub use clock::Clock;
pub use random::Random;
