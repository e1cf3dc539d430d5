//! Time and chance: what is moved, and what is drawn. All of a simulation hangs on one of these, and on nothing else from
//! outside.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chat::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use server::Clock;

use crate::happening::Happening;

/// When every simulation begins, in the time of day of its server.
const BEGINNING: Timestamp = Timestamp(1_800_000_000_000);

/// Time, chance, and what is going to happen. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Nature {
    course: Arc<Mutex<Course>>,
    /// What the server reads: whole milliseconds of the same time.
    clock: Clock,
}

struct Course {
    /// Nanoseconds since the beginning.
    now: u64,
    chance: StdRng,
    /// What is going to happen, the next first; what was arranged first precedes others of its time.
    agenda: BinaryHeap<Reverse<Entry>>,
    arranged: u64,
}

struct Entry {
    at: u64,
    number: u64,
    what: Happening,
}

impl Nature {
    /// The course that this seed gives to everything.
    pub(crate) fn of(seed: u64) -> Self {
        let chance = StdRng::seed_from_u64(seed);
        let course = Course { now: 0, chance, agenda: BinaryHeap::new(), arranged: 0 };
        let clock = Clock::standing_at(BEGINNING);
        Self { course: Arc::new(Mutex::new(course)), clock }
    }

    /// Nanoseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.course().now
    }

    /// The clock of the server's computer.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Has something happen after a while.
    pub(crate) fn arrange(&self, after: Duration, what: Happening) {
        let mut course = self.course();
        let at = course.now + nanos(after);
        let number = course.arranged;
        course.arranged += 1;
        course.agenda.push(Reverse(Entry { at, number, what }));
    }

    /// Moves time to what happens next.
    pub(crate) fn proceed(&self) -> Option<Happening> {
        let mut course = self.course();
        let Reverse(next) = course.agenda.pop()?;
        let passed = next.at / MILLISECOND - course.now / MILLISECOND;
        course.now = next.at;
        if passed > 0 {
            self.clock.advance(Duration::from_millis(passed));
        }
        Some(next.what)
    }

    /// Forgets what was going to happen, if `is_over` says so.
    pub(crate) fn call_off(&self, is_over: impl Fn(&Happening) -> bool) {
        self.course().agenda.retain(|Reverse(entry)| !is_over(&entry.what));
    }

    /// Resolves after a while.
    pub(crate) fn pass(&self, duration: Duration) -> Passing {
        Passing { nature: self.clone(), duration, until: None }
    }

    /// A number below this one.
    pub(crate) fn below(&self, bound: usize) -> usize {
        self.course().chance.random_range(0..bound)
    }

    /// Once in so many times.
    pub(crate) fn once_in(&self, times: u32) -> bool {
        times > 0 && self.course().chance.random_ratio(1, times)
    }

    /// A duration from this range.
    pub(crate) fn between(&self, range: Range<Duration>) -> Duration {
        let range = nanos(range.start)..nanos(range.end);
        Duration::from_nanos(self.course().chance.random_range(range))
    }

    /// A duration that is about this one, as the waits between things that do not know of each other are.
    pub(crate) fn about(&self, mean: Duration) -> Duration {
        let share: f64 = self.course().chance.random_range(1e-6..1.0);
        mean.mul_f64(-share.ln())
    }

    /// Any number.
    pub(crate) fn number(&self) -> u64 {
        self.course().chance.next_u64()
    }

    /// Any bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.course().chance.fill_bytes(&mut bytes);
        bytes
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MILLISECOND: u64 = 1_000_000;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("no simulation lasts for centuries")
}

/// A wait. Given up, nobody is woken.
pub(crate) struct Passing {
    nature: Nature,
    duration: Duration,
    until: Option<u64>,
}

impl Future for Passing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = self.nature.now();
        let until = match self.until {
            Some(until) if until <= now => return Poll::Ready(()),
            Some(until) => until,
            None => now + nanos(self.duration),
        };
        if self.until.is_none() {
            self.until = Some(until);
            let waker: Waker = context.waker().clone();
            self.nature.arrange(self.duration, Happening::Woken(waker));
        }
        Poll::Pending
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl fmt::Debug for Nature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Nature(at {} ns)", self.now())
    }
}
