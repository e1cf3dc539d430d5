//! epoll, level-triggered. Used bare so that nothing stands between a measurement and the kernel,
//! and because its timeouts are nanoseconds: a latency must not be rounded up to a millisecond.
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Sockets that one call reports at most. Many, because each call costs.
const EVENTS: usize = 1024;

/// Tells which sockets have something to read.
pub(crate) struct Poller(OwnedFd);

/// What is ready, by the keys that the sockets are watched under. Kept between calls.
pub(crate) struct Ready(Vec<epoll::Event>);

impl Ready {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(EVENTS))
    }

    /// The keys, in no order that means anything.
    pub(crate) fn keys(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|event| event.data.u64() as usize)
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    pub(crate) fn watch(&self, source: impl AsFd, key: usize) -> io::Result<()> {
        Ok(epoll::add(&self.0, source, EventData::new_u64(key as u64), EventFlags::IN)?)
    }

    /// Reports the socket also, or no longer, when the kernel would take more of its bytes.
    pub(crate) fn watch_writing(
        &self,
        source: impl AsFd,
        key: usize,
        writing: Writing,
    ) -> io::Result<()> {
        let flags = match writing {
            Writing::Waits => EventFlags::IN | EventFlags::OUT,
            Writing::Done => EventFlags::IN,
        };
        Ok(epoll::modify(&self.0, source, EventData::new_u64(key as u64), flags)?)
    }

    /// Waits until a socket is ready or the time is up.
    pub(crate) fn wait(&self, ready: &mut Ready, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        ready.0.clear();
        match epoll::wait(&self.0, spare_capacity(&mut ready.0), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether bytes wait for a socket to become writable.
#[derive(Clone, Copy)]
pub(crate) enum Writing {
    Waits,
    Done,
}
