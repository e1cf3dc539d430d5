//! What a shard lends to the session it is busy with.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use mio::Registry;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Key;
use super::members::Members;
use super::outbox::{Outgoing, Sent};
use super::timers::Timers;
use crate::engine::Core;
use crate::engine_io::Sid;
use crate::frame::Frame;
use crate::group::GroupId;
use crate::limits::{Limits, PING_JITTER};
use crate::metrics::Counts;

/// The shard without its sessions.
pub(crate) struct Context {
    pub(crate) core: Arc<Core>,
    /// The index of this shard.
    pub(crate) shard: usize,
    pub(crate) registry: Registry,
    /// The time of this tick; nothing in a shard asks a clock.
    pub(crate) now: Instant,
    pub(crate) random: StdRng,
    pub(crate) timers: Timers,
    pub(crate) members: Members,
    /// The sessions that requests ask for by name.
    pub(crate) sids: HashMap<Sid, Key>,
    /// Handlers of this shard that are under way.
    pub(crate) suspended: usize,
    /// Groups with a salvo in this tick.
    pub(crate) salvos: Vec<GroupId>,
    /// Sessions with something to send.
    pub(crate) dirty: Vec<Key>,
    /// Sessions with something to read.
    pub(crate) readable: Vec<Key>,
    pub(crate) counts: Counts,
    /// Where several frames are gathered for one write.
    pub(crate) gather: Vec<u8>,
    /// The packets that are the same for everybody.
    pub(crate) ping: Frame,
    pub(crate) close: Frame,
}

impl Context {
    pub(crate) fn limits(&self) -> &Limits {
        &self.core.limits
    }

    pub(crate) fn outgoing(&self, frame: Frame) -> Rc<Outgoing> {
        Rc::new(Outgoing { frame, since: self.now })
    }

    /// When the next ping is due for somebody who has just been heard.
    pub(crate) fn next_ping(&mut self) -> Instant {
        let interval = self.limits().ping_interval;
        self.now + interval.mul_f64(1.0 - PING_JITTER * self.random.random::<f64>())
    }

    pub(crate) fn new_sid(&mut self) -> Sid {
        Sid::random(&mut self.random)
    }

    pub(crate) fn forget(&mut self, sid: Sid) {
        self.sids.remove(&sid);
        if self.sids.capacity() > 64 && self.sids.len() < self.sids.capacity() / 4 {
            self.sids.shrink_to(self.sids.len() * 2);
        }
    }

    pub(crate) fn count_sent(&mut self, sent: Sent) {
        self.counts.frames_sent += sent.frames as u64;
        self.count_gone(sent);
    }

    pub(crate) fn count_discarded(&mut self, discarded: Sent) {
        self.counts.frames_discarded += discarded.frames as u64;
        self.count_gone(discarded);
    }

    fn count_gone(&mut self, gone: Sent) {
        self.counts.frames_waiting -= gone.frames as u64;
        self.counts.queued_bytes -= gone.bytes as u64;
    }
}
