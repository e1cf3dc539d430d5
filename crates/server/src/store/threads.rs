//! Threads that are waited for.

use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Some threads, until they have ended.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    /// Starts one more.
    pub(super) fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let thread = Builder::new().name(name.to_owned()).spawn(work);
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
            // One that has panicked has said so, and has ended.
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        // Fails if the runtime is shutting down itself, and then nobody waits.
        let _ = ending.await;
    }
}
