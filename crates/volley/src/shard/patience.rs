//! How long a shard holds its fire. A salvo costs one write per member, however much is in it; so while handlers are
//! under way that may be about to add to it, waiting a little for them can save a second salvo right behind.

use std::time::{Duration, Instant};

/// Salvos that cost less than this are fired at once: there is little to save.
const WORTH_WAITING: Duration = Duration::from_micros(250);
/// A salvo waits for no longer than this part of what the last one cost.
const SHARE: u32 = 2;

/// How long the last salvos took, and since when the next ones are held.
#[derive(Debug, Default)]
pub(super) struct Patience {
    cost: Duration,
    since: Option<Instant>,
}

impl Patience {
    /// What the salvos of a tick have cost.
    pub(super) fn note(&mut self, cost: Duration) {
        self.cost = cost;
    }

    pub(super) fn is_holding(&self) -> bool {
        self.since.is_some()
    }

    /// Whether to hold, now that there is something to wait for.
    pub(super) fn hold(&mut self, now: Instant) -> bool {
        if self.cost < WORTH_WAITING {
            return false;
        }
        self.since.get_or_insert(now);
        self.left(now).is_some_and(|left| !left.is_zero())
    }

    /// How much longer the salvo that is held may be.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let held = now.saturating_duration_since(self.since?);
        Some((self.cost / SHARE).saturating_sub(held))
    }

    pub(super) fn stop(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "some moment to count from")]
mod tests {
    use super::*;

    const DEAR: Duration = Duration::from_millis(3);

    #[test]
    fn a_dear_salvo_waits_for_half_of_what_the_last_one_cost() {
        let (mut patience, begun) = (Patience::default(), Instant::now());
        patience.note(DEAR);
        assert!(patience.hold(begun));
        assert_eq!(patience.left(begun), Some(DEAR / SHARE));
        assert!(patience.hold(begun + DEAR / 4));
        assert!(!patience.hold(begun + DEAR / SHARE));
        assert_eq!(patience.left(begun + DEAR), Some(Duration::ZERO));
    }

    #[test]
    fn each_salvo_waits_for_itself() {
        let (mut patience, begun) = (Patience::default(), Instant::now());
        patience.note(DEAR);
        assert!(patience.hold(begun));
        patience.stop();
        assert!(!patience.is_holding());
        assert!(patience.hold(begun + DEAR));
    }

    #[test]
    fn a_cheap_salvo_does_not_wait() {
        let mut patience = Patience::default();
        assert!(!patience.hold(Instant::now()));
        patience.note(WORTH_WAITING / 2);
        assert!(!patience.hold(Instant::now()));
        assert_eq!((patience.is_holding(), patience.left(Instant::now())), (false, None));
    }
}
