//! A member of a room that also talks.
use anyhow::{Context, Result, ensure};

use crate::dialect::Dialect;
use crate::wire::{self, MessageId, Outgoing};

pub(super) struct Sender {
    number: u32,
    /// The member that it is.
    pub(super) member: usize,
    pub(super) room: usize,
    outgoing: Outgoing,
    sent: u32,
    came_back: u32,
    acked: u32,
    /// When each of its messages should have been sent, in nanoseconds. Not at a closed pace.
    due: Vec<u64>,
}

impl Sender {
    pub(super) fn new(
        number: usize,
        member: usize,
        room: usize,
        dialect: &Dialect,
        ack: Option<u32>,
    ) -> Self {
        Self {
            number: number as u32,
            member,
            room,
            outgoing: dialect.outgoing(room, ack),
            sent: 0,
            came_back: 0,
            acked: 0,
            due: Vec::new(),
        }
    }

    /// The next message: its id and what is to be sent.
    pub(super) fn speak(&mut self) -> (MessageId, &[u8]) {
        let id = self.outgoing.stamp(self.number, self.sent);
        self.sent += 1;
        (id, self.outgoing.payload())
    }

    /// Remembers when the next message should have been sent.
    pub(super) fn remember(&mut self, due: u64) {
        self.due.push(due);
    }

    pub(super) fn due(&self, count: u32) -> Result<u64> {
        self.due.get(count as usize).copied().context("a message that was never sent")
    }

    /// Its oldest message that was not is acknowledged: when it was sent.
    pub(super) fn acknowledge(&mut self) -> Result<u64> {
        ensure!(self.acked < self.came_back, "an acknowledgement overtook its message");
        self.acked += 1;
        self.due(self.acked - 1)
    }

    /// Looks at one of its own messages, byte by byte, for all who received it.
    pub(super) fn recognise(&mut self, count: u32, value: &[u8]) -> Result<Turn> {
        ensure!(self.outgoing.is_value(value), "a message was changed on its way");
        let turn =
            if count == self.came_back % wire::COUNTS { Turn::InOrder } else { Turn::Overtaken };
        self.came_back += 1;
        Ok(turn)
    }
}

/// Whether a sender's messages come back in the order in which they were sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    InOrder,
    Overtaken,
}
