//! Threads that are waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::abort;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Some threads, until they have ended.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    /// Starts one more. What may panic at its work for others is guarded there; should the thread itself, it takes the
    /// process with it. A server that can never store anything again is better started anew, with all it has acked.
    pub(super) fn start(&self, name: &'static str, work: impl FnOnce() + Send + 'static) {
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!(
                    thread = name,
                    "a thread of the store has panicked; the server ends"
                );
                abort();
            }
        });
        let thread = thread.expect("the system has a few threads to spare when a server starts");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Waits until all have ended, having told them to with `stop`, which may block.
    pub(super) async fn end(&self, stop: impl FnOnce() + Send + 'static) {
        let threads = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        let ending = tokio::task::spawn_blocking(move || {
            stop();
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        // Fails if the runtime is shutting down itself, and then nobody waits.
        let _ = ending.await;
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;
    use crate::config::{LogFormat, LogLevel};

    const IS_CHILD: &str = "PARLOR_TEST_PANICS";

    #[test]
    fn a_thread_that_panics_ends_the_process_and_says_so() {
        if env::var_os(IS_CHILD).is_some() {
            crate::log::start(LogFormat::Human, LogLevel::Error);
            Threads::default().start("store-example", || panic!("a mistake"));
            loop {
                std::thread::park();
            }
        }
        let this = "store::threads::tests::a_thread_that_panics_ends_the_process_and_says_so";
        let mut child = Command::new(env::current_exe().unwrap());
        let ended =
            child.args(["--exact", this, "--nocapture"]).env(IS_CHILD, "1").output().unwrap();

        let log = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{log}");
        assert!(log.contains("a mistake") && log.contains("store-example"), "{log}");
    }
}
