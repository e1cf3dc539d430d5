//! A binary packet in parts: its text came, its attachments are on the way.

use std::error::Error;
use std::fmt;

use bytes::Bytes;

/// Waits for the attachments of one packet.
#[derive(Debug)]
pub struct Assembly {
    text: String,
    attachments: Vec<Bytes>,
    expected: usize,
    bytes_left: usize,
}

/// Why an attachment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssemblyError {
    /// The attachments of the packet are more bytes than are accepted.
    TooBig,
    /// All attachments are here already.
    Unexpected,
}

impl Assembly {
    /// `expected` attachments belong to `text`; together they may have `max_total_bytes`.
    pub fn new(text: String, expected: usize, max_total_bytes: usize) -> Self {
        Self { text, attachments: Vec::new(), expected, bytes_left: max_total_bytes }
    }

    /// Takes the next attachment; whether it was the last.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, AssemblyError> {
        if self.attachments.len() == self.expected {
            return Err(AssemblyError::Unexpected);
        }
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or(AssemblyError::TooBig)?;
        self.attachments.push(Bytes::copy_from_slice(bytes));
        Ok(self.attachments.len() == self.expected)
    }

    /// The text and its attachments, in the order of their numbers.
    pub fn into_parts(self) -> (String, Vec<Bytes>) {
        (self.text, self.attachments)
    }
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooBig => "attachments are too big",
            Self::Unexpected => "more attachments than announced",
        })
    }
}

impl Error for AssemblyError {}
