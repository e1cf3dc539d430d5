//! Hashing passwords: slow on purpose, so on threads of its own, and never more at once than the machine can bear.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use chat::{Error, Password, PasswordHash};
use tokio::sync::oneshot;

use crate::random::Random;

/// OWASP ASVS 5.0, appendix C: 19 MiB, two passes, one lane. 15 to 30 ms of one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Passwords that wait for a thread. More are turned away: they would wait for seconds, and each is a stranger's until
/// it is checked.
const QUEUE: usize = 64;
/// About how long a full queue takes to empty.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Hashes and compares passwords. Cheap to clone; clones share threads and queue.
#[derive(Debug, Clone)]
pub struct Passwords {
    queue: SyncSender<Job>,
}

/// What a comparison found.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or there is none to compare with.
    Wrong,
    /// It is the password.
    Right {
        /// A hash to replace the stored one, if that was made with less work than is usual now.
        better: Option<PasswordHash>,
    },
}

enum Job {
    Hash(Password, oneshot::Sender<Result<PasswordHash, Error>>),
    Verify(Password, Option<PasswordHash>, oneshot::Sender<Result<Verdict, Error>>),
}

/// What the threads work with.
struct Hasher {
    argon2: Argon2<'static>,
    random: Random,
    /// A hash of nobody's password. Who claims an unknown name waits as long as everybody else.
    nobody: PasswordHash,
}

impl Passwords {
    /// Starts the threads: half of the cores, so that a flood of log-ins leaves the other half to those who talk.
    pub fn start(random: Random) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let hasher = Arc::new(Hasher::new(random));
        for index in 0..threads {
            let (jobs, hasher) = (jobs.clone(), hasher.clone());
            thread::Builder::new()
                .name(format!("password-{index}"))
                .spawn(move || hasher.work(&jobs))?;
        }
        Ok(Self { queue })
    }

    /// The hash to store of a new password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job::Hash(password, answer))?;
        answered.await.map_err(|_| Error::Internal)?
    }

    /// Compares a password with a stored hash. Without one it takes as long and is wrong.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, Error> {
        let (answer, answered) = oneshot::channel();
        self.submit(Job::Verify(password, hash, answer))?;
        answered.await.map_err(|_| Error::Internal)?
    }

    fn submit(&self, job: Job) -> Result<(), Error> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded { retry_after: RETRY_AFTER },
            TrySendError::Disconnected(_) => Error::Internal,
        })
    }
}

impl Hasher {
    fn new(random: Random) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("these are in range");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // Not a real hash, so that the start does not wait for one; comparing with it is as much work.
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        let nobody = PasswordHash(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"
        ));
        Self { argon2, random, nobody }
    }

    /// Until nobody can ask any more.
    fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            // Who no longer waits needs no answer.
            match job {
                Ok(Job::Hash(password, answer)) if !answer.is_closed() => {
                    let _ = answer.send(self.hash(&password));
                }
                Ok(Job::Verify(password, hash, answer)) if !answer.is_closed() => {
                    let _ = answer.send(self.verify(&password, hash.as_ref()));
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        let salt = self.random.bytes::<SALT_BYTES>();
        let hash = self.argon2.hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| PasswordHash(hash.to_string())).map_err(broken)
    }

    fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verdict, Error> {
        let stored = phc::PasswordHash::new(&hash.unwrap_or(&self.nobody).0).map_err(broken)?;
        match self.argon2.verify_password(password.as_bytes(), &stored) {
            Ok(()) if hash.is_some() => {
                let better = if self.is_usual(&stored) { None } else { Some(self.hash(password)?) };
                Ok(Verdict::Right { better })
            }
            Ok(()) | Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(broken(error)),
        }
    }

    fn is_usual(&self, stored: &phc::PasswordHash) -> bool {
        let usual = self.argon2.params();
        Params::try_from(stored).is_ok_and(|params| {
            stored.algorithm == Algorithm::Argon2id.ident()
                && params.m_cost() >= usual.m_cost()
                && params.t_cost() >= usual.t_cost()
        })
    }
}

/// A stored hash that cannot be read, or parameters that cannot be computed with: neither is the person's fault.
fn broken(error: impl std::fmt::Display) -> Error {
    tracing::error!(%error, "a password could not be hashed");
    Error::Internal
}

#[cfg(test)]
mod tests {
    use chat::{Field, Name};

    use super::*;

    fn password(text: &str) -> Password {
        let name = Name::parse("alice").unwrap();
        Password::choose(text.to_owned(), Field::Password, &name).unwrap()
    }

    fn passwords() -> Passwords {
        Passwords::start(Random::seeded(1)).unwrap()
    }

    #[tokio::test]
    async fn a_hash_says_how_it_was_made_and_is_made_as_asvs_asks() {
        let hash = passwords().hash(password("a horse, a staple")).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
    }

    #[tokio::test]
    async fn the_same_password_gets_another_hash_each_time_and_is_right_for_both() {
        let passwords = passwords();
        let first = passwords.hash(password("a horse, a staple")).await.unwrap();
        let second = passwords.hash(password("a horse, a staple")).await.unwrap();
        assert!(first != second);
        for hash in [first, second] {
            let verdict = passwords.verify(password("a horse, a staple"), Some(hash)).await;
            assert_eq!(verdict, Ok(Verdict::Right { better: None }));
        }
    }

    #[tokio::test]
    async fn another_password_and_a_missing_account_are_both_wrong() {
        let passwords = passwords();
        let hash = passwords.hash(password("a horse, a staple")).await.unwrap();
        let other = passwords.verify(password("a horse, a stable"), Some(hash)).await;
        assert_eq!(other, Ok(Verdict::Wrong));
        assert_eq!(passwords.verify(password("a horse, a staple"), None).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_weaker_hash_is_replaced_by_a_usual_one_of_the_same_password() {
        let weak = Argon2::from(Params::new(8, 1, 1, None).unwrap());
        let weak = weak.hash_password_with_salt(b"a horse, a staple", b"sixteen bytes!!!").unwrap();
        let passwords = passwords();
        let stored = Some(PasswordHash(weak.to_string()));
        let verdict = passwords.verify(password("a horse, a staple"), stored).await.unwrap();
        let Verdict::Right { better: Some(better) } = verdict else { panic!("{verdict:?}") };
        let verdict = passwords.verify(password("a horse, a staple"), Some(better)).await;
        assert_eq!(verdict, Ok(Verdict::Right { better: None }));
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_are_turned_away_and_told_when_to_come_back() {
        let (queue, _jobs) = sync_channel(1);
        let passwords = Passwords { queue };
        let (first, second) = tokio::join!(
            tokio::time::timeout(Duration::ZERO, passwords.hash(password("a horse, a staple"))),
            passwords.hash(password("a horse, a staple")),
        );
        assert!(first.is_err(), "the first one waits");
        assert!(matches!(second, Err(Error::Overloaded { .. })));
    }
}
