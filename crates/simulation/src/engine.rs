//! The simulated network as the engine of the live door. It keeps the promises that volley makes, and none beyond them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use server::live::{Member, engine};
use volley::{Frame, SendError};

use crate::nature::Nature;
use crate::wire::{Line, Packet, Said};

/// Connections in memory.
#[derive(Debug)]
pub(crate) struct Wires;

/// What the connections of one server have in common.
pub(crate) struct Switchboard {
    nature: Nature,
    groups: Mutex<HashMap<Box<str>, Weak<Members>>>,
    /// Until this time there is too much to send.
    overloaded_until: AtomicU64,
}

/// A client that was let in, as the server holds it.
#[derive(Clone)]
pub(crate) struct Link {
    line: Line,
    switchboard: Arc<Switchboard>,
    member: Arc<Member<Wires>>,
}

/// What a client has said, and waits to have answered.
pub(crate) struct Heard {
    line: Line,
    switchboard: Arc<Switchboard>,
    said: Said,
}

/// A group of connections. Clones are the same.
#[derive(Clone)]
pub(crate) struct Group(Arc<Members>);

struct Members {
    switchboard: Arc<Switchboard>,
    lines: Mutex<Vec<Line>>,
}

impl Switchboard {
    /// One without connections.
    pub(crate) fn new(nature: &Nature) -> Arc<Self> {
        let (nature, overloaded_until) = (nature.clone(), AtomicU64::new(0));
        Arc::new(Self { nature, groups: Mutex::default(), overloaded_until })
    }

    /// For a while there is too much to send.
    pub(crate) fn overload(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.overloaded_until.store(self.nature.now() + nanos, Ordering::Relaxed);
    }

    fn refuse_when_overloaded(&self) -> Result<(), SendError> {
        let overloaded = self.nature.now() < self.overloaded_until.load(Ordering::Relaxed);
        if overloaded { Err(SendError::Overloaded) } else { Ok(()) }
    }

    fn group(self: &Arc<Self>, name: &str) -> Group {
        let mut groups = lock(&self.groups);
        if let Some(members) = groups.get(name).and_then(Weak::upgrade) {
            return Group(members);
        }
        let members = Members { switchboard: self.clone(), lines: Mutex::default() };
        let members = Arc::new(members);
        groups.insert(name.into(), Arc::downgrade(&members));
        Group(members)
    }
}

impl Link {
    /// The connection of somebody who was let in.
    pub(crate) fn new(line: Line, switchboard: Arc<Switchboard>, member: Member<Wires>) -> Self {
        Self { line, switchboard, member: Arc::new(member) }
    }

    /// What the client says next; nothing when the connection has ended.
    pub(crate) async fn hear(&self) -> Option<Heard> {
        let said = self.line.hear().await?;
        Some(Heard { line: self.line.clone(), switchboard: self.switchboard.clone(), said })
    }
}

impl engine::Engine for Wires {
    type Socket = Link;
    type Group = Group;
    type Event = Heard;
}

impl engine::Socket<Wires> for Link {
    fn member(&self) -> &Member<Wires> {
        &self.member
    }

    fn is_connected(&self) -> bool {
        self.line.is_connected()
    }

    fn send(&self, frame: &Frame) -> Result<(), SendError> {
        if self.line.is_connected() {
            self.switchboard.refuse_when_overloaded()?;
            self.line.send(Packet::Event(frame.clone()));
        }
        Ok(())
    }

    fn flushed(&self) -> impl Future<Output = bool> + Send {
        self.line.flushed()
    }

    fn group(&self, name: &str) -> Group {
        self.switchboard.group(name)
    }

    fn join_after(&self, group: &Group, backlog: Vec<Frame>) -> Result<(), SendError> {
        self.switchboard.refuse_when_overloaded()?;
        backlog.into_iter().for_each(|frame| self.line.send(Packet::Event(frame)));
        self.line.join(group);
        Ok(())
    }

    fn leave(&self, group: &Group) {
        self.line.leave(group);
    }

    fn close(&self) {
        self.line.close();
    }

    fn expel(&self) {
        self.line.expel();
    }
}

impl Group {
    /// Takes in a connection: `false` if it is a member already.
    pub(crate) fn admit(&self, line: &Line) -> bool {
        let mut lines = lock(&self.0.lines);
        let is_new = !lines.contains(line);
        if is_new {
            lines.push(line.clone());
        }
        is_new
    }

    /// Lets a connection go.
    pub(crate) fn dismiss(&self, line: &Line) {
        lock(&self.0.lines).retain(|member| member != line);
    }
}

impl engine::Group for Group {
    fn send(&self, frame: &Frame) -> Result<(), SendError> {
        self.0.switchboard.refuse_when_overloaded()?;
        // Who cannot keep up is closed, and so leaves the group meanwhile.
        let members = lock(&self.0.lines).clone();
        members.iter().for_each(|line| line.send(Packet::Event(frame.clone())));
        Ok(())
    }

    fn len(&self) -> usize {
        lock(&self.0.lines).len()
    }
}

impl engine::Event for Heard {
    fn name(&self) -> Cow<'_, str> {
        self.said.name.into()
    }

    fn payload(&self) -> Option<&str> {
        Some(&self.said.payload)
    }

    fn ack<T: Serialize>(&self, answer: &T) -> Result<(), SendError> {
        if self.line.is_connected() {
            self.switchboard.refuse_when_overloaded()?;
            let answer = serde_json::to_string(answer).expect("an answer can be written as JSON");
            self.line.send(Packet::Ack(self.said.ack, answer.into()));
        }
        Ok(())
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line.fmt(formatter)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Group({} members)", lock(&self.0.lines).len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
