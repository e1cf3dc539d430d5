//! Token buckets: how much of something may be done in a burst, and how much in the long run. Time is passed in; who is
//! counted, and where the buckets are kept, is the caller's business.

use std::time::Duration;

/// How much may be done: this much at once, and this much per second in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Credits of a full bucket.
    pub burst: u32,
    /// Credits that come back each second. Of zero or less, none ever do.
    pub per_second: f64,
}

/// What is left of a [`Rate`] for one person, connection or address: 24 bytes, and nothing to do while nothing happens.
///
/// Credits and time are the same thing at a constant rate, so all that changes is the moment at which the bucket will be
/// full again: spending pushes it into the future, and how far it may lie there is the burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Nanoseconds in which one credit comes back.
    interval: u64,
    /// Nanoseconds in which an empty bucket fills.
    capacity: u64,
    /// When the bucket is full again, in nanoseconds on the caller's clock.
    full_at: u64,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate) -> Self {
        // Rounded up, so that no more is granted than was said.
        let interval = Duration::try_from_secs_f64(1.0 / rate.per_second)
            .map_or(u64::MAX, nanoseconds)
            .saturating_add(1);
        // The longest time to fill is 292 years, which leaves room to add it to any moment a server will see.
        let interval = interval.min(u64::MAX / 2 / u64::from(rate.burst.max(1)));
        Self { interval, capacity: interval * u64::from(rate.burst), full_at: 0 }
    }

    /// Takes `cost` credits, or else nothing and says how long to wait until they will be there. More than the burst
    /// can never be there: such a cost is met by a full bucket. `now` is the time since any fixed moment, and may
    /// stand still or step back.
    pub fn spend(&mut self, cost: u32, now: Duration) -> Result<(), Duration> {
        let now = nanoseconds(now);
        let cost = self.interval.saturating_mul(u64::from(cost)).min(self.capacity);
        let full_at = self.full_at.max(now).saturating_add(cost);
        match full_at.saturating_sub(now).checked_sub(self.capacity) {
            None | Some(0) => {
                self.full_at = full_at;
                Ok(())
            }
            Some(missing) => Err(Duration::from_nanos(missing)),
        }
    }

    /// Whether it is as good as a new one, so that it can be forgotten.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= nanoseconds(now)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NANOSECOND: Duration = Duration::from_nanos(1);
    const RATE: Rate = Rate { burst: 5, per_second: 2.0 };

    #[test]
    fn a_burst_is_granted_at_once_and_then_one_credit_after_the_other() {
        let mut bucket = Bucket::new(RATE);
        let start = Duration::from_secs(1000);
        assert!((0..5).all(|_| bucket.spend(1, start).is_ok()));
        let wait = bucket.spend(1, start).unwrap_err();
        assert!(wait.abs_diff(Duration::from_millis(500)) < Duration::from_micros(1), "{wait:?}");
        assert_eq!(bucket.spend(1, start + wait), Ok(()));
        assert!(bucket.spend(1, start + wait).is_err());
    }

    #[test]
    fn a_bucket_is_full_again_when_all_has_come_back_and_not_before() {
        let mut bucket = Bucket::new(RATE);
        assert!(bucket.is_full(Duration::ZERO));
        bucket.spend(5, Duration::ZERO).unwrap();
        assert!(!bucket.is_full(Duration::from_millis(2499)));
        assert!(bucket.is_full(Duration::from_millis(2501)));
    }

    #[test]
    fn a_cost_beyond_the_burst_takes_a_full_bucket() {
        let mut bucket = Bucket::new(RATE);
        assert_eq!(bucket.spend(6, Duration::ZERO), Ok(()));
        let wait = bucket.spend(u32::MAX, Duration::ZERO).unwrap_err();
        assert_eq!(bucket.spend(u32::MAX, wait), Ok(()));
    }

    #[test]
    fn a_rate_of_nothing_grants_its_burst_and_no_more() {
        for per_second in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
            let mut bucket = Bucket::new(Rate { burst: 2, per_second });
            assert!(bucket.spend(2, Duration::ZERO).is_ok());
            assert!(bucket.spend(1, Duration::from_hours(24 * 365 * 100)).is_err());
        }
    }

    fn rates() -> impl Strategy<Value = Rate> {
        (1..1000u32, 0.001..100_000.0).prop_map(|(burst, per_second)| Rate { burst, per_second })
    }

    /// Attempts: a step in time, in microseconds, forwards or back, and a cost.
    fn attempts() -> impl Strategy<Value = Vec<(i32, u32)>> {
        vec((prop_oneof![Just(0), -1_000_000..3_000_000, 0..100_000_000], 1..20u32), 1..200)
    }

    fn step(now: Duration, microseconds: i32) -> Duration {
        let by = Duration::from_micros(microseconds.unsigned_abs().into());
        if microseconds < 0 { now.saturating_sub(by) } else { now + by }
    }

    proptest! {
        #[test]
        fn never_more_is_granted_than_the_burst_and_what_came_back(rate in rates(), attempts in attempts()) {
            let mut bucket = Bucket::new(rate);
            let (mut now, mut latest, mut granted) = (Duration::ZERO, Duration::ZERO, 0);
            for (microseconds, cost) in attempts {
                now = step(now, microseconds);
                latest = latest.max(now);
                if bucket.spend(cost, now).is_ok() {
                    granted += cost.min(rate.burst);
                }
                let came_back = rate.per_second * latest.as_secs_f64();
                prop_assert!(f64::from(granted) <= f64::from(rate.burst) + came_back + 1e-6);
            }
        }

        #[test]
        fn the_wait_is_enough_and_not_a_nanosecond_too_long(rate in rates(), attempts in attempts()) {
            let mut bucket = Bucket::new(rate);
            let mut now = Duration::ZERO;
            for (microseconds, cost) in attempts {
                now = step(now, microseconds);
                if let Err(wait) = bucket.spend(cost, now) {
                    let unchanged = bucket;
                    let just_before = (now + wait).saturating_sub(NANOSECOND);
                    prop_assert_eq!(bucket.spend(cost, just_before), Err(NANOSECOND));
                    prop_assert_eq!(bucket, unchanged);
                    prop_assert_eq!(bucket.spend(cost, now + wait), Ok(()));
                    now += wait;
                }
            }
        }

        #[test]
        fn a_full_bucket_does_what_a_new_one_does(rate in rates(), attempts in attempts()) {
            let mut bucket = Bucket::new(rate);
            let mut now = Duration::ZERO;
            for (microseconds, cost) in attempts {
                now = step(now, microseconds);
                if bucket.is_full(now) {
                    prop_assert_eq!(bucket.spend(cost, now), Bucket::new(rate).spend(cost, now));
                } else {
                    let _ = bucket.spend(cost, now);
                }
            }
        }
    }
}
