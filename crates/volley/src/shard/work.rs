//! What the application has to do for one connection: one thing at a time, in the order in which it came about.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use super::suspended::Suspended;
use crate::close::CloseReason;
use crate::engine::Registered;
use crate::event::{Content, Event};
use crate::namespace::{AnySession, Connect, Handling, Refused};
use crate::socket::SocketCore;

/// Something for a handler.
pub(crate) enum Work {
    Admit { entry: Entry, connect: Connect },
    Connected(Arc<SocketCore>),
    Event { socket: Arc<SocketCore>, content: Content, id: Option<u64> },
    Disconnected { socket: Arc<SocketCore>, reason: CloseReason },
}

/// One attempt of a connection to enter a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) namespace: usize,
    pub(crate) attempt: u32,
}

/// How work came out.
pub(crate) enum Outcome {
    Done,
    Admitted(Entry, AnySession),
    Refused(Entry, Refused),
    Panicked(Arc<SocketCore>),
    /// An event for which there is no handler.
    Unhandled,
}

/// The work of one connection.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Work>,
    /// The handler that is under way and waits for something.
    pub(crate) suspended: Option<Box<Suspended>>,
}

/// A handler's future.
pub(crate) struct Task {
    handling: Doing,
    about: About,
}

enum Doing {
    Admitting(Handling<Result<AnySession, Refused>>),
    Handling(Handling),
}

enum About {
    Entry(Entry),
    Socket(Arc<SocketCore>),
}

impl Queue {
    pub(crate) fn push(&mut self, work: Work) {
        self.waiting.push_back(work);
    }

    /// Puts work before all that waits, in its order.
    pub(crate) fn push_first(&mut self, work: impl DoubleEndedIterator<Item = Work>) {
        work.rev().for_each(|work| self.waiting.push_front(work));
    }

    /// The next piece of work, unless one is under way.
    pub(crate) fn next(&mut self) -> Option<Work> {
        if self.suspended.is_some() {
            return None;
        }
        let next = self.waiting.pop_front();
        if self.waiting.is_empty() && self.waiting.capacity() > 0 {
            self.waiting = VecDeque::new();
        }
        next
    }

    /// Drops the events of a socket that have not been handled yet.
    pub(crate) fn drop_events(&mut self, of: &Arc<SocketCore>) {
        self.waiting
            .retain(|work| !matches!(work, Work::Event { socket, .. } if Arc::ptr_eq(socket, of)));
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What clients have sent and is kept here, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting.iter().map(Work::bytes).sum()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.suspended.is_none() && self.waiting.is_empty()
    }
}

impl Work {
    fn bytes(&self) -> usize {
        match self {
            Self::Admit { connect, .. } => connect.auth.len(),
            Self::Event { content, .. } => content.len(),
            Self::Connected(_) | Self::Disconnected { .. } => 0,
        }
    }

    /// Calls the handler as far as it goes without waiting: the outcome, or the rest of it.
    pub(crate) fn start(self, namespaces: &[Registered]) -> Result<Outcome, Task> {
        if let Self::Event { socket, .. } = &self
            && socket.dismissed.load(Ordering::Acquire)
        {
            return Ok(Outcome::Done);
        }
        let unhandled = match &self {
            Self::Event { .. } => Outcome::Unhandled,
            _ => Outcome::Done,
        };
        let about = match &self {
            Self::Admit { entry, .. } => About::Entry(*entry),
            Self::Connected(socket)
            | Self::Event { socket, .. }
            | Self::Disconnected { socket, .. } => About::Socket(socket.clone()),
        };
        let handling = match catch_unwind(AssertUnwindSafe(|| self.call(namespaces))) {
            Ok(Some(handling)) => handling,
            Ok(None) => return Ok(unhandled),
            Err(panic) => return Ok(about.panicked(&*panic)),
        };
        let mut task = Task { handling, about };
        match Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(task),
        }
    }

    fn call(self, namespaces: &[Registered]) -> Option<Doing> {
        let of = |socket: &Arc<SocketCore>| &namespaces[socket.entry.namespace].handlers;
        match self {
            Self::Admit { entry, connect } => {
                Some(Doing::Admitting(namespaces[entry.namespace].handlers.admit(connect)))
            }
            Self::Connected(socket) => of(&socket).connect(socket.clone()).map(Doing::Handling),
            Self::Event { socket, content, id } => {
                let event =
                    Event { content, id, socket: socket.clone(), answered: AtomicBool::new(false) };
                of(&socket).event(socket.clone(), event).map(Doing::Handling)
            }
            Self::Disconnected { socket, reason } => {
                of(&socket).disconnect(socket.clone(), reason).map(Doing::Handling)
            }
        }
    }
}

/// Polled first with a waker that wakes nobody and, if it has to wait, with one that does.
impl Future for Task {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let Self { handling, about } = &mut *self;
        let polled = catch_unwind(AssertUnwindSafe(|| match handling {
            Doing::Admitting(admitting) => admitting.as_mut().poll(context).map(Some),
            Doing::Handling(handling) => handling.as_mut().poll(context).map(|()| None),
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(None)) => Poll::Ready(Outcome::Done),
            Ok(Poll::Ready(Some(answer))) => Poll::Ready(about.admitted(answer)),
            Err(panic) => Poll::Ready(about.panicked(&*panic)),
        }
    }
}

impl About {
    fn admitted(&self, answer: Result<AnySession, Refused>) -> Outcome {
        match (self, answer) {
            (Self::Entry(entry), Ok(session)) => Outcome::Admitted(*entry, session),
            (Self::Entry(entry), Err(refused)) => Outcome::Refused(*entry, refused),
            (Self::Socket(_), _) => Outcome::Done,
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Outcome {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("not a text"), "a handler panicked");
        match self {
            Self::Entry(entry) => Outcome::Refused(*entry, Refused::new("internal error")),
            Self::Socket(socket) => Outcome::Panicked(socket.clone()),
        }
    }
}
