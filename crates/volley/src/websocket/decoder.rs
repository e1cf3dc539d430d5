//! From received bytes to whole messages.
//!
//! A message that lies whole in the input costs no allocation. Everything else waits in one box,
//! which exists only while a message is partly received, so an idle connection holds eight bytes.

#![expect(clippy::mut_mut, reason = "the input is a slice that gets shorter from the front")]

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::mem;

use super::header::{Header, MAX_HEADER_BYTES};
use super::{CloseFrame, Limits, Message, Opcode, Violation};

/// Reads the frames of one client.
///
/// After a [`Violation`] the stream has no meaning any more and the decoder must not be asked again.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Option<Box<Partial>>,
}

/// What was received of a message that is not whole.
#[derive(Debug, Default)]
struct Partial {
    header: SplitHeader,
    /// The frame whose header is read and whose payload is not.
    frame: Option<Frame>,
    message: Option<Unfinished>,
    /// Apart, since it may come between the fragments of the message.
    control: Option<Unfinished>,
}

/// The beginning of a header that was cut by the end of the input.
#[derive(Debug, Default)]
struct SplitHeader {
    bytes: [u8; MAX_HEADER_BYTES],
    length: usize,
}

/// A frame of which `remaining` payload bytes are still to come.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    remaining: usize,
    /// Turned so that its first byte belongs to the next payload byte.
    mask: [u8; 4],
}

/// The payload of one message as far as it is here, its fragments in one buffer. It grows with what
/// arrived, not with what was announced: a client that only promises gigabytes costs nothing.
#[derive(Debug)]
struct Unfinished {
    opcode: Opcode,
    bytes: Vec<u8>,
    /// How many frames began.
    frames: u32,
    /// Of a text: the bytes known to be UTF-8. At most a cut character lies behind them.
    valid: usize,
}

impl Decoder {
    /// A decoder in front of the first frame.
    pub const fn new() -> Self {
        Self { partial: None }
    }

    /// Whether no message is partly received.
    pub fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// Takes the next whole message off the front of `input`, unmasking in place.
    ///
    /// `None` when `input` is used up: what it held of an unfinished message is kept inside.
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: Limits,
    ) -> Result<Option<Message<'a>>, Violation> {
        while !input.is_empty() {
            let Some(mut frame) = self.next_frame(input, limits)? else {
                break;
            };
            let payload = frame.take_payload(input);
            let message = if frame.ends_message() && self.holds_nothing_of(frame.opcode) {
                Some(Message::new(frame.opcode, Cow::Borrowed(payload))?)
            } else {
                self.keep(frame, payload)?
            };
            if message.is_some() {
                // A control message leaves the data message around it where it is.
                self.partial.take_if(|partial| partial.message.is_none());
                return Ok(message);
            }
        }
        Ok(None)
    }

    /// The frame whose payload is next in `input`: the one begun earlier or, behind its header, a
    /// new one. `None` when the header is not whole.
    fn next_frame(
        &mut self,
        input: &mut &mut [u8],
        limits: Limits,
    ) -> Result<Option<Frame>, Violation> {
        if let Some(frame) = self.partial.as_mut().and_then(|partial| partial.frame.take()) {
            return Ok(Some(frame));
        }
        let Some(header) = self.read_header(input)? else {
            return Ok(None);
        };
        let message = self.partial.as_mut().and_then(|partial| partial.message.as_mut());
        let remaining = admit(&header, message, limits)?;
        let Header { opcode, fin, mask, .. } = header;
        Ok(Some(Frame { opcode, fin, remaining, mask }))
    }

    fn read_header(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>, Violation> {
        if self.partial.as_ref().is_none_or(|partial| partial.header.length == 0)
            && let Some((header, length)) = Header::parse(input)?
        {
            take_front(input, length);
            return Ok(Some(header));
        }
        self.partial.get_or_insert_default().header.read(input)
    }

    fn holds_nothing_of(&mut self, opcode: Opcode) -> bool {
        self.partial.as_mut().is_none_or(|partial| partial.unfinished(opcode).is_none())
    }

    /// Puts a piece of payload to what was kept before; a message if that makes one whole.
    fn keep(
        &mut self,
        frame: Frame,
        payload: &[u8],
    ) -> Result<Option<Message<'static>>, Violation> {
        let partial = self.partial.get_or_insert_default();
        let unfinished = partial.unfinished(frame.opcode);
        unfinished.get_or_insert_with(|| Unfinished::new(frame.opcode)).push(payload)?;
        let finished = unfinished.take_if(|_| frame.ends_message());
        if frame.remaining > 0 {
            partial.frame = Some(frame);
        }
        finished.map(|message| Message::new(message.opcode, Cow::Owned(message.bytes))).transpose()
    }
}

/// Counts a frame that may come now, and says how long its payload is.
///
/// Decided on the header alone, before a byte of payload is kept.
fn admit(
    header: &Header,
    message: Option<&mut Unfinished>,
    limits: Limits,
) -> Result<usize, Violation> {
    let kept = match (header.opcode, message) {
        (Opcode::Continuation, Some(message)) => {
            message.frames += 1;
            if message.frames > limits.max_fragments {
                return Err(Violation::TooManyFragments);
            }
            message.bytes.len()
        }
        (Opcode::Continuation, None) => {
            return Err(Violation::Protocol("continuation of no message"));
        }
        (Opcode::Text | Opcode::Binary, Some(_)) => {
            return Err(Violation::Protocol("new message inside a fragmented one"));
        }
        (Opcode::Text | Opcode::Binary, None) => 0,
        // Control frames have their own limit, which the header has passed.
        (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(header.length as usize),
    };
    usize::try_from(header.length)
        .ok()
        .filter(|&length| length <= limits.max_message_bytes.saturating_sub(kept))
        .ok_or(Violation::TooBig)
}

impl Partial {
    /// The message a frame with this opcode belongs to.
    fn unfinished(&mut self, opcode: Opcode) -> &mut Option<Unfinished> {
        if opcode.is_control() { &mut self.control } else { &mut self.message }
    }
}

impl SplitHeader {
    /// Fills up from `input`; a header when it is whole.
    fn read(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>, Violation> {
        let room = &mut self.bytes[self.length..];
        let copied = room.len().min(input.len());
        room[..copied].copy_from_slice(&input[..copied]);
        let Some((header, length)) = Header::parse(&self.bytes[..self.length + copied])? else {
            self.length += copied;
            take_front(input, copied);
            return Ok(None);
        };
        take_front(input, length - self.length);
        self.length = 0;
        Ok(Some(header))
    }
}

impl Frame {
    /// The part of the payload that is in `input`, unmasked.
    fn take_payload<'a>(&mut self, input: &mut &'a mut [u8]) -> &'a [u8] {
        let length = self.remaining.min(input.len());
        let payload = take_front(input, length);
        unmask(payload, self.mask);
        self.mask.rotate_left(length % 4);
        self.remaining -= length;
        payload
    }

    fn ends_message(&self) -> bool {
        self.fin && self.remaining == 0
    }
}

impl Unfinished {
    fn new(opcode: Opcode) -> Self {
        Self { opcode, bytes: Vec::new(), frames: 1, valid: 0 }
    }

    /// Appends, and refuses bytes that no continuation could make UTF-8 without waiting for it.
    fn push(&mut self, payload: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(payload);
        if self.opcode == Opcode::Text {
            match str::from_utf8(&self.bytes[self.valid..]) {
                Ok(text) => self.valid += text.len(),
                Err(cut) if cut.error_len().is_none() => self.valid += cut.valid_up_to(),
                Err(_) => return Err(Violation::InvalidUtf8),
            }
        }
        Ok(())
    }
}

impl<'a> Message<'a> {
    fn new(opcode: Opcode, payload: Cow<'a, [u8]>) -> Result<Self, Violation> {
        Ok(match opcode {
            Opcode::Text => Self::Text(parse_text(payload)?),
            Opcode::Binary => Self::Binary(payload),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
            Opcode::Close => Self::Close(CloseFrame::parse(&payload)?),
            Opcode::Continuation => unreachable!("a message is named by its first frame"),
        })
    }
}

fn parse_text(payload: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Violation> {
    match payload {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
    }
    .ok_or(Violation::InvalidUtf8)
}

fn take_front<'a>(input: &mut &'a mut [u8], length: usize) -> &'a mut [u8] {
    let (front, rest) = mem::take(input).split_at_mut(length);
    *input = rest;
    front
}

/// Eight bytes at a time, which the compiler turns into whole vector registers.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let mask = [a, b, c, d, a, b, c, d];
    let (words, tail) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in tail.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}
