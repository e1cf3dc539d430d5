//! Runs the futures of the server, one at a time on this thread, those that are ready in an order that chance decides.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use slab::Slab;

use crate::nature::Nature;

/// Something that the server does.
type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The tasks of a server.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: Slab<(Task, Arc<Bell>)>,
    ready: Arc<Mutex<Vec<usize>>>,
}

/// Rung, it makes its task ready.
struct Bell {
    task: usize,
    rung: AtomicBool,
    ready: Arc<Mutex<Vec<usize>>>,
}

impl Executor {
    /// Takes on a task, ready at once.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        let vacant = self.tasks.vacant_entry();
        let (ready, rung) = (self.ready.clone(), AtomicBool::new(false));
        let bell = Arc::new(Bell { task: vacant.key(), rung, ready });
        bell.ring();
        vacant.insert((Box::pin(task), bell));
    }

    /// Polls one of the tasks that are ready, whichever chance picks; `false` if none is.
    pub(crate) fn step(&mut self, nature: &Nature) -> bool {
        let task = {
            let mut ready = lock(&self.ready);
            match ready.len() {
                0 => return false,
                1 => ready.swap_remove(0),
                some => ready.swap_remove(nature.below(some)),
            }
        };
        // One that has been rung for and has ended since.
        let Some((future, bell)) = self.tasks.get_mut(task) else { return true };
        bell.rung.store(false, Ordering::Relaxed);
        let waker = Waker::from(bell.clone());
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(self.tasks.remove(task));
        }
        true
    }

    /// Ends everything where it stands, as a killed process does.
    pub(crate) fn kill(&mut self) {
        // What is dropped wakes others, who are dropped as well; bells that are still held somewhere ring for nobody.
        let killed = std::mem::take(self);
        drop(killed);
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }
}

impl Bell {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            lock(&self.ready).push(self.task);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

fn lock(ready: &Mutex<Vec<usize>>) -> MutexGuard<'_, Vec<usize>> {
    ready.lock().unwrap_or_else(PoisonError::into_inner)
}
