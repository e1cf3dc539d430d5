//! Ways to break a promise on purpose. A proof that cannot fail proves nothing: each of these stands for a mistake that
//! somebody could make, and a test has to notice it. They are there with the feature `sabotage` only, which no release
//! has.

use std::sync::atomic::{AtomicU8, Ordering};

macro_rules! sabotages {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One way to break a promise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Sabotage {
            $($(#[$doc])* $variant,)*
        }

        impl Sabotage {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// What it is called in `PARLOR_SABOTAGE`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

sabotages! {
    /// A send is acked before it is committed.
    AckBeforeCommit = "ack-before-commit",
    /// Commits do not wait for the disk.
    NoSync = "no-sync",
    /// A failed commit is acked like any other.
    AckOnFailure = "ack-on-failure",
    /// A repeated `client_id` makes a new message.
    NoDedupe = "no-dedupe",
    /// Every tenth number of a log is left out.
    NumberSkipped = "number-skipped",
    /// The time in a room follows the wall clock, also backwards.
    ClockOrders = "clock-orders",
    /// The first event that somebody has missed is not told to them.
    ForgetsOne = "forgets-one",
    /// A client hears live events before those that it has missed.
    MemberBeforeBacklog = "member-before-backlog",
    /// The last event before somebody came is told to them twice.
    ToldTwice = "told-twice",
    /// What waits for a slow reader has no bound.
    UnboundedQueue = "unbounded-queue",
    /// A server that is asked to end does so at once.
    NoDrain = "no-drain",
    /// Whoever is connected stays connected when their session ends.
    NoRevocation = "no-revocation",
}

impl Sabotage {
    /// Whether this promise is being broken. Without the feature the answer is known when it is compiled.
    pub fn is_on(self) -> bool {
        cfg!(feature = "sabotage") && CHOSEN.load(Ordering::Relaxed) == self as u8
    }

    /// Breaks this promise from now on and no other, in the whole process; `None` keeps them all.
    #[cfg(feature = "sabotage")]
    pub fn choose(sabotage: Option<Self>) {
        CHOSEN.store(sabotage.map_or(NONE, |sabotage| sabotage as u8), Ordering::Relaxed);
    }

    /// Breaks the promise that the environment variable `PARLOR_SABOTAGE` names.
    ///
    /// # Panics
    /// If there is none of this name: a proof that breaks nothing must not go on.
    #[cfg(feature = "sabotage")]
    pub fn choose_from_environment() {
        let Ok(name) = std::env::var("PARLOR_SABOTAGE") else { return };
        let named = Self::ALL.iter().copied().find(|sabotage| sabotage.name() == name);
        Self::choose(Some(named.unwrap_or_else(|| panic!("PARLOR_SABOTAGE: no “{name}”"))));
    }
}

const NONE: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(NONE);
