//! What waits to be sent to one connection, bounded by bytes and by age.

use std::collections::VecDeque;
use std::io::{ErrorKind, Result, Write};
use std::rc::Rc;
use std::time::Instant;

use crate::engine_io::append_payload;
use crate::frame::Frame;
use crate::limits::FRAME_OVERHEAD;
use crate::websocket::frames;

/// Bytes that one write gathers at most.
pub(crate) const GATHER_BYTES: usize = 64 * 1024;
/// Frames for which an empty outbox keeps room; more is given back.
const ROOM_WHEN_EMPTY: usize = 8;

/// A frame on its way to one or many connections of this shard. Counted by the shard's thread alone, so that handing it to
/// a thousand queues touches no memory that another shard's thread touches.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) frame: Frame,
    pub(crate) since: Instant,
}

/// The frames that wait for one connection, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Rc<Outgoing>>,
    /// Bytes of the first frame that have left already.
    sent: u32,
    /// What all frames cost, see [`cost`].
    bytes: u32,
}

/// What left in one go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, outgoing: Rc<Outgoing>) {
        self.bytes += cost(&outgoing.frame) as u32;
        self.frames.push_back(outgoing);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// Whether part of a frame has left, so that only the rest of it can follow.
    pub(crate) fn has_begun(&self) -> bool {
        self.sent > 0
    }

    /// Since when the oldest frame waits.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.frames.front().map(|outgoing| outgoing.since)
    }

    /// Writes until nothing is left or the stream takes no more. Several frames leave in one write. What has left is added
    /// to `total`, also when the stream breaks after it.
    pub(crate) fn write_to(
        &mut self,
        stream: &mut impl Write,
        gather: &mut Vec<u8>,
        total: &mut Sent,
    ) -> Result<()> {
        while let Some(first) = self.frames.front() {
            let written = if self.frames.len() == 1 {
                stream.write(&first.frame.as_bytes()[self.sent as usize..])
            } else {
                self.gather(gather);
                stream.write(gather)
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    let sent = self.advance(bytes);
                    total.frames += sent.frames;
                    total.bytes += sent.bytes;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.give_back();
        Ok(())
    }

    /// Puts frames at the end of which so many bytes, the first ones, have left.
    pub(crate) fn push_begun(&mut self, frames: &[Rc<Outgoing>], written: usize) -> Sent {
        debug_assert!(self.is_empty(), "what has left was at the front");
        frames.iter().for_each(|outgoing| self.push(outgoing.clone()));
        self.advance(written)
    }

    /// Moves frames into the body of a poll's answer, as many as have no more than `max_packets` packets together, one at
    /// the least.
    pub(crate) fn drain_into(&mut self, body: &mut Vec<u8>, max_packets: usize) -> Sent {
        let mut sent = Sent::default();
        let mut packets = 0;
        while let Some(first) = self.frames.front() {
            let bytes = first.frame.as_bytes();
            packets += frames(bytes).count();
            if sent.frames > 0 && packets > max_packets {
                break;
            }
            append_payload(body, bytes);
            sent.frames += 1;
            sent.bytes += cost(&first.frame);
            self.frames.pop_front();
        }
        self.bytes -= sent.bytes as u32;
        self.give_back();
        sent
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self) -> Sent {
        let sent = Sent { frames: self.frames.len(), bytes: self.bytes() };
        *self = Self::default();
        sent
    }

    fn gather(&self, gather: &mut Vec<u8>) {
        gather.clear();
        let mut skip = self.sent as usize;
        for outgoing in &self.frames {
            let bytes = &outgoing.frame.as_bytes()[skip..];
            if !gather.is_empty() && gather.len() + bytes.len() > GATHER_BYTES {
                break;
            }
            gather.extend_from_slice(bytes);
            skip = 0;
        }
    }

    /// Takes off what has been written.
    fn advance(&mut self, written: usize) -> Sent {
        let mut sent = Sent::default();
        let mut left = self.sent as usize + written;
        while let Some(first) = self.frames.front() {
            let len = first.frame.len();
            if left < len {
                break;
            }
            left -= len;
            sent.frames += 1;
            sent.bytes += cost(&first.frame);
            self.frames.pop_front();
        }
        self.sent = left as u32;
        self.bytes -= sent.bytes as u32;
        sent
    }

    fn give_back(&mut self) {
        if self.frames.is_empty() && self.frames.capacity() > ROOM_WHEN_EMPTY {
            self.frames = VecDeque::new();
        }
    }
}

/// What a frame counts towards the bound: its bytes and its place.
pub(crate) fn cost(frame: &Frame) -> usize {
    frame.len() + FRAME_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes and breaks.
    struct Breaking(usize);

    impl Write for Breaking {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            if self.0 == 0 {
                return Err(ErrorKind::ConnectionReset.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any time will do")]
    fn what_left_before_the_stream_broke_is_counted() {
        let frame = Frame::event("/", "m", &()).unwrap();
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.push(Rc::new(Outgoing { frame: frame.clone(), since: Instant::now() }));
        }
        let mut sent = Sent::default();
        let mut stream = Breaking(2 * frame.len() + 1);
        assert!(outbox.write_to(&mut stream, &mut Vec::new(), &mut sent).is_err());
        assert_eq!(sent, Sent { frames: 2, bytes: 2 * cost(&frame) });
        assert_eq!(outbox.clear(), Sent { frames: 1, bytes: cost(&frame) });
    }
}
