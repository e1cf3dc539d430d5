//! A handler that has to wait stays with its connection, and goes on when what it waits for has come.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use super::command::{Command, Order};
use super::rung::Rung;
use super::work::{Outcome, Task};
use super::{Key, context};
use crate::engine::Core;

/// A handler that waits for something. While it does, salvos may be held for it.
pub(crate) struct Suspended {
    task: Task,
    core: Arc<Core>,
    bell: Arc<Bell>,
}

/// Rung by what a handler waits for: leaves its shard the order to go on with it. Whoever has one may keep it for ever, so
/// it does not keep the engine.
struct Bell {
    core: Weak<Core>,
    shard: usize,
    session: Key,
    rung: Rung,
}

impl Suspended {
    pub(crate) fn new(task: Task, session: Key, cx: &context::Context) -> Self {
        let core = cx.core.clone();
        core.wait_for_handler();
        let (weak, shard) = (Arc::downgrade(&core), cx.shard);
        let bell = Bell { core: weak, shard, session, rung: Rung::default() };
        Self { task, core, bell: Arc::new(bell) }
    }

    /// Goes on with the handler as far as it goes without waiting.
    pub(crate) fn resume(&mut self) -> Poll<Outcome> {
        if self.bell.rung.listen() {
            self.core.wait_for_handler();
        }
        let waker = Waker::from(self.bell.clone());
        Pin::new(&mut self.task).poll(&mut Context::from_waker(&waker))
    }

    /// Goes on without the shard, which has ended. How it comes out concerns nobody any more.
    pub(crate) async fn finish(mut self) {
        let _outcome = (&mut self.task).await;
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        if self.bell.rung.ring() {
            self.core.wait_no_more();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.rung.ring()
            && let Some(core) = self.core.upgrade()
        {
            let command = Command::Session { key: self.session, order: Order::Resume };
            core.shards[self.shard].push(command, 0);
            core.wait_no_more();
        }
    }
}
