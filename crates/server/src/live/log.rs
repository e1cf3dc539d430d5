//! The newest part of a room's log as finished frames, and the number that says what comes next.

use std::collections::VecDeque;

use chat::{Logged, Seq};
use volley::Frame;

use super::tell;

/// Most events kept of one room.
const MOST_EVENTS: usize = 128;
/// Most bytes kept of one room; at least one event is kept whatever its size.
const MOST_BYTES: usize = 128 * 1024;

/// The end of a log: the frames of the events up to `head`, without a gap.
#[derive(Debug)]
pub(super) struct Tail {
    head: Seq,
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// Where an event stands in relation to a tail.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It has been there before.
    Known,
    /// It comes next.
    Next,
    /// Something before it is missing.
    Beyond,
}

impl Tail {
    /// The tail of a log whose last event is `head`, made of its last events.
    pub(super) fn new(head: Seq, newest: &[Logged]) -> Self {
        let mut tail = Self { head, frames: VecDeque::new(), bytes: 0 };
        for event in newest {
            tail.keep(tell::frame_of(event));
        }
        tail
    }

    /// The last event.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// Where an event with this number stands.
    pub(super) fn place(&self, seq: Seq) -> Place {
        match seq.cmp(&self.head.next()) {
            std::cmp::Ordering::Less => Place::Known,
            std::cmp::Ordering::Equal => Place::Next,
            std::cmp::Ordering::Greater => Place::Beyond,
        }
    }

    /// Takes the frame of the event that comes next.
    pub(super) fn push(&mut self, frame: Frame) {
        self.head = self.head.next();
        self.keep(frame);
    }

    /// The frames of all events after `after`, if none of them has been dropped yet.
    pub(super) fn after(&self, after: Seq) -> Option<Vec<Frame>> {
        let missing = usize::try_from(self.head.0.checked_sub(after.0)?).ok()?;
        let kept = self.frames.len().checked_sub(missing)?;
        Some(self.frames.range(kept..).cloned().collect())
    }

    fn keep(&mut self, frame: Frame) {
        self.bytes += frame.as_bytes().len();
        self.frames.push_back(frame);
        while self.frames.len() > MOST_EVENTS || (self.bytes > MOST_BYTES && self.frames.len() > 1)
        {
            let dropped = self.frames.pop_front().expect("there are some");
            self.bytes -= dropped.as_bytes().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Frame {
        Frame::event("/", "message", &("x".repeat(bytes),)).unwrap()
    }

    fn tail_of(events: u64, bytes: usize) -> Tail {
        let mut tail = Tail::new(Seq::START, &[]);
        for _ in 0..events {
            tail.push(frame(bytes));
        }
        tail
    }

    #[test]
    fn what_follows_a_cursor_is_served_while_it_is_kept() {
        let tail = tail_of(10, 1);
        assert_eq!(tail.after(Seq(10)).map(|frames| frames.len()), Some(0));
        assert_eq!(tail.after(Seq(7)).map(|frames| frames.len()), Some(3));
        assert_eq!(tail.after(Seq(0)).map(|frames| frames.len()), Some(10));
        assert!(tail.after(Seq(11)).is_none(), "nobody can have what has not happened");
    }

    #[test]
    fn a_tail_is_bounded_by_number_and_by_bytes() {
        let many = tail_of(1000, 1);
        assert!(many.after(Seq(1000 - MOST_EVENTS as u64)).is_some());
        assert!(many.after(Seq(1000 - MOST_EVENTS as u64 - 1)).is_none());
        let large = tail_of(100, 8192);
        assert!(large.bytes <= MOST_BYTES);
        assert_eq!(large.head(), Seq(100));
        assert_eq!(tail_of(2, 2 * MOST_BYTES).frames.len(), 1);
    }

    #[test]
    fn only_the_number_after_the_head_comes_next() {
        let tail = tail_of(3, 1);
        assert_eq!(tail.place(Seq(3)), Place::Known);
        assert_eq!(tail.place(Seq(4)), Place::Next);
        assert_eq!(tail.place(Seq(5)), Place::Beyond);
    }
}
