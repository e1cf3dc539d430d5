//! The disk of the simulated server: slow at times, and at times broken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::memory::{Disk, Luck, Work};
use crate::nature::Nature;

/// A disk with moods.
pub(crate) struct Moody {
    nature: Nature,
    slow_until: AtomicU64,
    broken_until: AtomicU64,
}

impl Moody {
    /// One that is well.
    pub(crate) fn new(nature: &Nature) -> Self {
        let (slow_until, broken_until) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { nature: nature.clone(), slow_until, broken_until }
    }

    /// Everything takes long for a while.
    pub(crate) fn slow_down(&self, duration: Duration) {
        self.slow_until.store(self.after(duration), Ordering::Relaxed);
    }

    /// Half of everything fails for a while.
    pub(crate) fn break_down(&self, duration: Duration) {
        self.broken_until.store(self.after(duration), Ordering::Relaxed);
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        self.slow_until.store(0, Ordering::Relaxed);
        self.broken_until.store(0, Ordering::Relaxed);
    }

    fn after(&self, duration: Duration) -> u64 {
        self.nature.now() + u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
    }

    fn takes(&self, work: Work) -> Duration {
        let is_slow = self.nature.now() < self.slow_until.load(Ordering::Relaxed);
        let micros = Duration::from_micros;
        let usual = match work {
            Work::Read => micros(20)..micros(400),
            Work::Commit => micros(200)..micros(3000),
            Work::Answer => Duration::ZERO..micros(100),
            Work::Reopen => return self.nature.between(micros(50_000)..micros(2_000_000)),
        };
        let takes = self.nature.between(usual);
        if is_slow { takes * 500 } else { takes }
    }
}

impl Disk for Moody {
    /// Fewer than a real store takes, so that its end is met.
    const QUEUE: usize = 64;

    async fn works(&self, work: Work) -> Luck {
        self.nature.pass(self.takes(work)).await;
        let is_broken = self.nature.now() < self.broken_until.load(Ordering::Relaxed);
        match work {
            Work::Reopen if is_broken => Luck::Failed,
            Work::Read if is_broken && self.nature.once_in(2) => Luck::Failed,
            Work::Commit if is_broken && self.nature.once_in(2) => {
                if self.nature.once_in(2) {
                    Luck::DoneUnseen
                } else {
                    Luck::Failed
                }
            }
            _ => Luck::Done,
        }
    }
}
