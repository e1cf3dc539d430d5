//! A group of sockets that receive the same frames in the same order: a room, a topic.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use serde::Serialize;

use crate::engine::Core;
use crate::frame::Frame;
use crate::order::Order;
use crate::shard::Command;
use crate::socket::{SendError, SocketCore};

/// A handle to a group; clones are the same group. The group lives as long as it has a handle or a member.
#[derive(Clone)]
pub struct Group {
    pub(crate) core: Arc<GroupCore>,
}

/// What all handles and all shards share of a group.
pub(crate) struct GroupCore {
    pub(crate) id: GroupId,
    pub(crate) namespace: usize,
    pub(crate) order: Order,
    name: Box<str>,
    engine: Weak<Core>,
}

/// A member's place in a group: dropped, wherever that is, it is no longer counted.
pub(crate) struct Membership {
    group: Arc<GroupCore>,
    socket: Arc<SocketCore>,
}

/// Names a group to the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GroupId(u64);

/// The groups of a namespace by name.
#[derive(Default)]
pub(crate) struct Groups {
    by_name: Mutex<HashMap<Box<str>, Weak<GroupCore>>>,
}

impl Group {
    /// Encodes an event once and sends it to every member.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
        let Some(engine) = self.core.engine.upgrade() else {
            return Ok(());
        };
        let namespace = &engine.namespaces[self.core.namespace].name;
        self.send(&Frame::event(namespace, event, args)?)
    }

    /// Sends a frame to every member: to all, or with an error to none.
    ///
    /// All members see the frames of a group in one order, whatever threads they were sent from.
    #[expect(clippy::disallowed_methods, reason = "the start of the fan-out timing")]
    pub fn send(&self, frame: &Frame) -> Result<(), SendError> {
        let Some(engine) = self.core.engine.upgrade() else {
            return Ok(());
        };
        engine.refuse_when_overloaded()?;
        let sent_at = Instant::now();
        self.core.order.send(|shard| {
            let (group, frame) = (self.core.id, frame.clone());
            let bytes = frame.len();
            engine.shards[shard].push(Command::Publish { group, frame, sent_at }, bytes);
        });
        engine.metrics.published();
        Ok(())
    }

    /// How many sockets are members, those included that are about to become or have just ceased to be.
    pub fn len(&self) -> usize {
        self.core.order.members()
    }

    /// Whether nobody is a member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name the group was asked for by.
    pub fn name(&self) -> &str {
        &self.core.name
    }
}

impl Groups {
    /// The group of this name, made if there is none.
    pub(crate) fn get(&self, engine: &Arc<Core>, namespace: usize, name: &str) -> Group {
        let mut by_name = self.by_name.lock().expect("no lookup panics");
        if let Some(core) = by_name.get(name).and_then(Weak::upgrade) {
            return Group { core };
        }
        let core = Arc::new(GroupCore {
            id: GroupId::next(),
            namespace,
            order: Order::new(engine.shards.len()),
            name: name.into(),
            engine: Arc::downgrade(engine),
        });
        by_name.insert(name.into(), Arc::downgrade(&core));
        Group { core }
    }

    /// Forgets a group that nobody holds any more, unless the name has been taken again.
    fn forget(&self, name: &str) {
        let mut by_name = self.by_name.lock().expect("no lookup panics");
        if by_name.get(name).is_some_and(|core| core.strong_count() == 0) {
            by_name.remove(name);
        }
        if by_name.capacity() > 64 && by_name.len() < by_name.capacity() / 4 {
            by_name.shrink_to_fit();
        }
    }
}

impl Membership {
    pub(crate) fn new(group: &Arc<GroupCore>, socket: &Arc<SocketCore>) -> Self {
        socket.groups.fetch_add(1, Ordering::Relaxed);
        Self { group: group.clone(), socket: socket.clone() }
    }

    pub(crate) fn group(&self) -> GroupId {
        self.group.id
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.socket.groups.fetch_sub(1, Ordering::Relaxed);
        self.group.order.left(self.socket.shard);
    }
}

impl GroupId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for GroupCore {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.namespaces[self.namespace].groups.forget(&self.name);
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({:?}, {} members)", self.name(), self.len())
    }
}
