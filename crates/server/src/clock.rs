//! The time, as told from outside: the system's in the program, one that is moved by hand in tests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat::Timestamp;

/// Tells the time of day. Cheap to clone; clones agree.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// By how many milliseconds it was set forward, or back, besides.
    System {
        started: Instant,
        ahead: Arc<AtomicI64>,
    },
    Moved(Arc<Moved>),
}

/// In milliseconds.
struct Moved {
    now: AtomicI64,
    passed: AtomicU64,
}

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where time that only passes enters")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now(), ahead: Arc::default() })
    }

    /// A clock that stands still until it is moved.
    pub fn standing_at(start: Timestamp) -> Self {
        let passed = AtomicU64::new(start.0.try_into().unwrap_or_default());
        Self(Source::Moved(Arc::new(Moved { now: AtomicI64::new(start.0), passed })))
    }

    /// The time.
    #[expect(clippy::disallowed_methods, reason = "this is where the wall clock enters")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { ahead, .. } => {
                // A clock set before 1970 reads as 1970; nothing in a room is ordered by it.
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(Timestamp::default().plus(since_epoch).0 + ahead.load(Ordering::SeqCst))
            }
            Source::Moved(moved) => Timestamp(moved.now.load(Ordering::SeqCst)),
        }
    }

    /// The time that has passed since some fixed moment. Unlike the time of day it is never set, so waits and rates are
    /// measured by it.
    #[expect(clippy::disallowed_methods, reason = "this is where time that only passes enters")]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started, .. } => started.elapsed(),
            Source::Moved(moved) => Duration::from_millis(moved.passed.load(Ordering::SeqCst)),
        }
    }

    /// Moves a standing clock. The system's goes its own way.
    pub fn advance(&self, duration: Duration) {
        if let Source::Moved(moved) = &self.0 {
            let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            moved.passed.fetch_add(milliseconds, Ordering::SeqCst);
            moved.now.store(self.now().plus(duration).0, Ordering::SeqCst);
        }
    }

    /// Sets the time of day forward by so many milliseconds, or back, as somebody does who sets the computer's clock: no
    /// time passes by that.
    pub fn set_by(&self, milliseconds: i64) {
        let set = match &self.0 {
            Source::System { ahead, .. } => ahead,
            Source::Moved(moved) => &moved.now,
        };
        set.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({})", self.now().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_time_of_day_does_not_touch_the_time_that_passes() {
        let clock = Clock::system();
        let (now, passed) = (clock.now(), clock.monotonic());
        clock.set_by(-3_600_000);
        assert!(clock.now().0 < now.0 - 3_000_000);
        let passed = clock.monotonic().checked_sub(passed).expect("it never goes back");
        assert!(passed < Duration::from_hours(1));
    }
}
