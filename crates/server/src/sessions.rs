//! Who comes with a token: the sessions of the store, with those in use kept at hand.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::{Chat, Error, Identity, Session, SessionId, Store, Timestamp, Token, TokenHash, UserId};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::cookie::Cookie;
use crate::limits::Limits;
use crate::site::Network;
use crate::store::Sqlite;

/// Sessions kept at hand, about half a KiB each. Of more, the one longest unused is asked of the store again.
const KEPT: usize = 10_000;
/// Whoever was here in this time before a start is expected to come back at once, with all others.
const LATELY: Duration = Duration::from_hours(1);
/// How exactly it is known when a session was last used.
const USE_NOTED_EVERY: Duration = Duration::from_mins(1);

/// Knows who comes with which token.
#[derive(Debug)]
pub struct Sessions<S: Store = Sqlite> {
    chat: Arc<Chat<S>>,
    cookie: Cookie,
    limits: Arc<Limits>,
    clock: Clock,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    identities: LruCache<TokenHash, Known>,
    /// Counts the times that sessions have ended: an identity read from the store before, but not kept before, is
    /// perhaps one of theirs and is not kept at all.
    ends: u64,
    /// When sessions were used, until somebody comes to store it. One entry for each session in use at most, and none
    /// beyond [`KEPT`]: then it is known a little less exactly.
    used: BTreeMap<SessionId, Timestamp>,
}

#[derive(Debug)]
struct Known {
    identity: Arc<Identity>,
    use_noted_at: Timestamp,
}

impl<S: Store> Sessions<S> {
    /// The sessions of `chat`, whose browsers keep their tokens in `cookie`.
    pub fn new(chat: Arc<Chat<S>>, cookie: Cookie, limits: Arc<Limits>, clock: Clock) -> Self {
        let identities = LruCache::unbounded();
        let kept = Mutex::new(Kept { identities, ends: 0, used: BTreeMap::new() });
        Self { chat, cookie, limits, clock, kept }
    }

    /// Learns at the start who was here lately, in one question: all of them come back in the same second, and each
    /// would be one more.
    pub async fn expect_those_who_were_here(&self) -> Result<(), Error> {
        let since = self.clock.now().minus(LATELY);
        let recent = self.chat.store().recent_sessions(since, KEPT).await?;
        let mut kept = self.kept();
        // Who was here last is forgotten last.
        for (hash, identity) in recent.into_iter().rev() {
            kept.keep(hash, Arc::new(identity));
        }
        Ok(())
    }

    /// The token that a request brings: as a program does, `Authorization: Bearer …`, or as a browser does.
    pub fn token_in(&self, headers: &HeaderMap) -> Option<Token> {
        match headers.get(AUTHORIZATION) {
            Some(authorization) => bearer(authorization.to_str().ok()?),
            None => self.cookie.read(headers),
        }
    }

    /// Who comes with this token. Notes that their session is in use. Who shows many tokens that let nobody in is told to
    /// wait. Each is looked for all the same: that costs little, and others behind the same address have good ones.
    pub async fn identify(&self, token: &Token, from: Network) -> Result<Arc<Identity>, Error> {
        let (hash, now) = (hash_of(token), self.clock.now());
        let ends = {
            let mut kept = self.kept();
            if let Some(identity) = kept.recall(&hash, now) {
                return Ok(identity);
            }
            kept.ends
        };
        let identity = match self.chat.identify(hash, now).await {
            Ok(identity) => Arc::new(identity),
            Err(Error::NotLoggedIn) => {
                self.limits.unknown_token(from)?;
                return Err(Error::NotLoggedIn);
            }
            Err(error) => return Err(error),
        };
        let mut kept = self.kept();
        if kept.ends == ends {
            kept.keep(hash, identity.clone());
            kept.note_use(&hash, now);
        }
        Ok(identity)
    }

    /// These sessions have ended, or have new tokens: nobody is let in by what was known of them.
    pub fn forget(&self, sessions: &[SessionId]) {
        let sessions: HashSet<_> = sessions.iter().collect();
        self.forget_where(|session| sessions.contains(&session.id));
    }

    /// The same of one session, if it is this person's.
    pub fn forget_one_of(&self, user: UserId, session: SessionId) {
        self.forget_where(|known| (known.user, known.id) == (user, session));
    }

    /// It is not known which sessions of somebody have ended: the store is asked about each of them.
    pub fn forget_all_of(&self, user: UserId) {
        self.forget_where(|session| session.user == user);
    }

    /// A session was in use at this time.
    pub fn note_use(&self, session: SessionId, at: Timestamp) {
        let mut kept = self.kept();
        if kept.used.len() < KEPT {
            let known = kept.used.entry(session).or_insert(at);
            *known = at.max(*known);
        }
    }

    /// When which sessions were last used, each told once: for the store.
    pub fn take_used(&self) -> Vec<(SessionId, Timestamp)> {
        std::mem::take(&mut self.kept().used).into_iter().collect()
    }

    fn forget_where(&self, is_meant: impl Fn(&Session) -> bool) {
        let mut kept = self.kept();
        kept.ends += 1;
        let meant = kept.identities.iter().filter(|(_, known)| is_meant(&known.identity.session));
        let gone: Vec<_> = meant.map(|(hash, _)| *hash).collect();
        gone.iter().for_each(|hash| {
            kept.identities.pop(hash);
        });
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What is known stays true until it is forgotten: nobody else changes the database while this server has it.
    fn recall(&mut self, hash: &TokenHash, now: Timestamp) -> Option<Arc<Identity>> {
        let known = self.identities.get(hash)?;
        if !known.identity.session.is_alive(now) {
            self.identities.pop(hash);
            return None;
        }
        let identity = known.identity.clone();
        self.note_use(hash, now);
        Some(identity)
    }

    fn keep(&mut self, hash: TokenHash, identity: Arc<Identity>) {
        // Bounded here and not by the map, which would claim the memory for all of them at once.
        if self.identities.len() == KEPT && !self.identities.contains(&hash) {
            self.identities.pop_lru();
        }
        let use_noted_at = identity.session.last_seen_at;
        self.identities.put(hash, Known { identity, use_noted_at });
    }

    fn note_use(&mut self, hash: &TokenHash, now: Timestamp) {
        let Some(known) = self.identities.peek_mut(hash) else { return };
        if now >= known.use_noted_at.plus(USE_NOTED_EVERY) && self.used.len() < KEPT {
            known.use_noted_at = now;
            self.used.insert(known.identity.session.id, now);
        }
    }
}

/// What the store knows a token by.
pub fn hash_of(token: &Token) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// The token in `Bearer …`; the word may be in any case.
fn bearer(authorization: &str) -> Option<Token> {
    let (scheme, token) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { Token::decode(token.trim()) } else { None }
}
