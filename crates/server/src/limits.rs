//! How often somebody may try: to log in, to register, to show a token, to open rooms, to read. Strangers are counted by where
//! they come from, so that their attempts never lock out the person they are aimed at.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chat::{Bucket, Error, NameKey, Rate, UserId};
use lru::LruCache;

use crate::clock::Clock;
use crate::config::Config;
use crate::site::Network;

/// Guesses at one account's password from one network: enough for a bad memory, too few for a list.
const GUESSES: Rate = Rate { burst: 10, per_second: 0.1 };
/// Tokens of no session from one network: a page left open after its session ended asks now and then; 256 bits are not
/// guessed at any rate.
const UNKNOWN_TOKENS: Rate = Rate { burst: 60, per_second: 1.0 };
/// Rooms that one person opens: as many as somebody who sets things up, and no flood.
const NEW_ROOMS: Rate = Rate { burst: 30, per_second: 1.0 / 60.0 };
/// What one person reads over HTTP, by its [cost](Read): pages of history as fast as one scrolls, and no flood of
/// searches, each of which looks at every room.
const READS: Rate = Rate { burst: 300, per_second: 30.0 };
/// Counted at once of each kind. Beyond that the one longest unused is forgotten, which gives it a full bucket again; to
/// profit from that takes as many networks, or from one network more attempts than it has.
const COUNTED: usize = 50_000;

/// How often somebody may try.
#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    guesses: Counted<(Option<NameKey>, Network)>,
    logins: Counted<Network>,
    registrations: Counted<Network>,
    unknown_tokens: Counted<Network>,
    new_rooms: Counted<UserId>,
    reads: Counted<UserId>,
}

/// Something read over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// A page in an index.
    Page,
    /// A look at every name.
    Search,
}

/// A bucket for each key.
#[derive(Debug)]
struct Counted<K: Hash + Eq> {
    rate: Rate,
    buckets: Mutex<LruCache<K, Bucket>>,
}

impl Limits {
    /// The limits that were configured.
    pub fn new(config: &Config, clock: Clock) -> Self {
        Self {
            clock,
            guesses: Counted::new(GUESSES),
            logins: Counted::new(config.logins()),
            registrations: Counted::new(config.registrations()),
            unknown_tokens: Counted::new(UNKNOWN_TOKENS),
            new_rooms: Counted::new(NEW_ROOMS),
            reads: Counted::new(READS),
        }
    }

    /// Somebody tries to log in to an account, or to prove that it is theirs. Names that nobody can have count as one.
    pub fn guess(&self, account: Option<NameKey>, from: Network) -> Result<(), Error> {
        self.logins.spend(from, &self.clock)?;
        self.guesses.spend((account, from), &self.clock)
    }

    /// They knew the password: what they tried before was a bad memory.
    pub fn guessed_right(&self, account: NameKey, from: Network) {
        self.guesses.forget(&(Some(account), from));
    }

    /// Somebody registers.
    pub fn register(&self, from: Network) -> Result<(), Error> {
        self.registrations.spend(from, &self.clock)
    }

    /// Somebody showed a token that lets nobody in.
    pub fn unknown_token(&self, from: Network) -> Result<(), Error> {
        self.unknown_tokens.spend(from, &self.clock)
    }

    /// Somebody opens a new room.
    pub fn create_room(&self, by: UserId) -> Result<(), Error> {
        self.new_rooms.spend(by, &self.clock)
    }

    /// Somebody reads.
    pub fn read(&self, by: UserId, what: Read) -> Result<(), Error> {
        let cost = match what {
            Read::Page => 1,
            Read::Search => 10,
        };
        self.reads.spend_some(by, cost, &self.clock)
    }
}

impl<K: Hash + Eq> Counted<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(LruCache::unbounded()) }
    }

    fn spend(&self, key: K, clock: &Clock) -> Result<(), Error> {
        self.spend_some(key, 1, clock)
    }

    fn spend_some(&self, key: K, cost: u32, clock: &Clock) -> Result<(), Error> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded here and not by the map, which would claim the memory for all of them at once.
        if buckets.len() == COUNTED && !buckets.contains(&key) {
            buckets.pop_lru();
        }
        let bucket = buckets.get_or_insert_mut(key, || Bucket::new(self.rate));
        let spent = bucket.spend(cost, clock.monotonic());
        spent.map_err(|retry_after| Error::RateLimited { retry_after })
    }

    fn forget(&self, key: &K) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
    }
}
