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
pub mod history;
mod limits;
mod record;
mod report;

pub use checker::Checker;
pub use limits::Limits;
pub use record::{Event, Message, Moment, Path, Post, Record, Source, Whose, digest};
pub use report::{Figures, Invariant, Report, Spread, Subject, Tally, Violation};

/// Judges a history that is there as a whole, under its own limits if it states any, and puts with each violation the records that led to it.
pub fn judge(history: &[Record], limits: Limits) -> Report {
    let mut checker = Checker::new(limits);
    history.iter().for_each(|record| checker.observe(record));
    let mut report = checker.finish();
    report.explain(history);
    report
}
