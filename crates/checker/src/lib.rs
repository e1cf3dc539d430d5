//! Whether a history of what clients did and saw keeps Parlor's promises about messages. One pass, no clock, no network,
//! no database; nothing here knows how Parlor works.
//!
//! ```
//! use checker::{Checker, Event, Limits, Record};
//!
//! let mut checker = Checker::new(Limits::default());
//! checker.observe(&Record { at_ns: 0, process: 1, user: 1, event: Event::Connected });
//! let report = checker.finish();
//! assert!(report.is_clean(), "{report}");
//! ```

mod checker;
mod limits;
mod record;
mod report;

pub use checker::Checker;
pub use limits::Limits;
pub use record::{Event, Message, Moment, Path, Post, Record, Source, Whose, digest};
pub use report::{Invariant, Report, Violation};
