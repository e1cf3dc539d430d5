//! What a disk can do to the store: lose power, fail at its n-th call, be full, lie. `kill -9` cannot show a missing
//! sync, since what was written survives in the system's memory; here it does not.
//!
//! [`Disk`] is a disk in memory that SQLite uses through [`VFS`], and knows nothing of Parlor. [`run`] has the real store
//! live through what a seed says.

mod disk;
mod trial;
mod vfs;

pub use disk::{Call, Calls, Disk, Failed, Fault, Hold, Moment, Outage, Part, Remains, Strike};
pub use trial::{Report, Tally, Violation, Weather, run, run_all};
pub use vfs::{VFS, register};
