//! The time, as told from outside: the system's in the program, one that is moved by hand in tests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat::Timestamp;

/// Tells the time of day. Cheap to clone; clones agree.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System { started: Instant, ahead: Arc<AtomicI64> },
    Moved(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where time that only passes enters")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now(), ahead: Arc::default() })
    }

    /// A clock that stands still until it is moved.
    pub fn standing_at(start: Timestamp) -> Self {
        Self(Source::Moved(Arc::new(AtomicI64::new(start.0))))
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
            Source::Moved(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// The time that has passed since some fixed moment. Unlike the time of day it is never set, so waits and rates are
    /// measured by it.
    #[expect(clippy::disallowed_methods, reason = "this is where time that only passes enters")]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started, .. } => started.elapsed(),
            Source::Moved(now) => {
                Duration::from_millis(now.load(Ordering::SeqCst).try_into().unwrap_or_default())
            }
        }
    }

    /// Sets the time of day forward by so many milliseconds, or back, as somebody does who sets the system's clock. The
    /// time that only passes goes on as before.
    pub fn set_by(&self, milliseconds: i64) {
        if let Source::System { ahead, .. } = &self.0 {
            ahead.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    /// Moves a standing clock. The system's goes its own way.
    pub fn advance(&self, duration: Duration) {
        if let Source::Moved(now) = &self.0 {
            let now_ms = Timestamp(now.load(Ordering::SeqCst)).plus(duration).0;
            now.store(now_ms, Ordering::SeqCst);
        }
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
        assert!(
            clock.monotonic() >= passed && clock.monotonic() - passed < Duration::from_hours(1)
        );
    }
}
