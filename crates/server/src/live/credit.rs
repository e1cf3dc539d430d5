//! How much a person may do in a time, over all their clients, and with how many clients.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::{Bucket, Error, Rate, UserId};

/// Most clients of one person at a time. A browser with many tabs, a phone and some bots are fine.
const MOST_SOCKETS: u32 = 20;
/// When a person with too many clients may try again: one of theirs may have gone by then.
const CROWDED_RETRY: Duration = Duration::from_secs(10);

/// How much each person may say and do.
#[derive(Debug, Clone, Copy)]
pub struct EventRates {
    /// Messages.
    pub messages: Rate,
    /// Everything else, by its cost.
    pub others: Rate,
}

impl Default for EventRates {
    fn default() -> Self {
        Self {
            messages: Rate { burst: 30, per_second: 5.0 },
            others: Rate { burst: 600, per_second: 20.0 },
        }
    }
}

/// What an event costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// A message, paid from its own bucket.
    Message,
    /// A join or a list: reads from the database and sends pages.
    Join,
    /// Anything that touches memory only.
    Small,
}

/// Everybody's credit.
#[derive(Debug)]
pub(super) struct Credits {
    rates: EventRates,
    people: Arc<Mutex<HashMap<UserId, Account>>>,
}

/// One client's share in its user's credit. Dropped, the client is gone.
#[derive(Debug)]
pub(super) struct Credit {
    user: UserId,
    people: Arc<Mutex<HashMap<UserId, Account>>>,
}

#[derive(Debug)]
struct Account {
    sockets: u32,
    messages: Bucket,
    others: Bucket,
}

impl Credits {
    pub(super) fn new(rates: EventRates) -> Self {
        Self { rates, people: Arc::default() }
    }

    /// One more client of `user`, if there may be.
    pub(super) fn enter(&self, user: UserId) -> Result<Credit, Error> {
        let mut people = lock(&self.people);
        let account = people.entry(user).or_insert_with(|| Account {
            sockets: 0,
            messages: Bucket::new(self.rates.messages),
            others: Bucket::new(self.rates.others),
        });
        if account.sockets >= MOST_SOCKETS {
            return Err(Error::RateLimited { retry_after: CROWDED_RETRY });
        }
        account.sockets += 1;
        Ok(Credit { user, people: self.people.clone() })
    }

    /// Forgets those who are gone and have all their credit again: nobody gains by leaving and coming back.
    pub(super) fn forget_the_rested(&self, now: Duration) {
        let mut people = lock(&self.people);
        people.retain(|_, account| {
            account.sockets > 0 || !account.messages.is_full(now) || !account.others.is_full(now)
        });
        if people.capacity() > 64 && people.len() < people.capacity() / 4 {
            people.shrink_to_fit();
        }
    }
}

impl Credit {
    /// Pays for an event, or says when there will be enough.
    pub(super) fn spend(&self, cost: Cost, now: Duration) -> Result<(), Error> {
        let mut people = lock(&self.people);
        let account = people.get_mut(&self.user).expect("an account outlives its clients");
        let paid = match cost {
            Cost::Message => account.messages.spend(1, now),
            Cost::Join => account.others.spend(10, now),
            Cost::Small => account.others.spend(1, now),
        };
        paid.map_err(|retry_after| Error::RateLimited { retry_after })
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        if let Some(account) = lock(&self.people).get_mut(&self.user) {
            account.sockets -= 1;
        }
    }
}

fn lock(people: &Mutex<HashMap<UserId, Account>>) -> MutexGuard<'_, HashMap<UserId, Account>> {
    people.lock().unwrap_or_else(PoisonError::into_inner)
}
