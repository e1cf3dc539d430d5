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

#[cfg(test)]
mod tests {
    use super::*;

    fn assembly(expected: usize, max_total_bytes: usize) -> Assembly {
        Assembly::new("the text".to_owned(), expected, max_total_bytes)
    }

    #[test]
    fn attachments_are_kept_in_the_order_they_came() {
        let mut assembly = assembly(2, 10);
        assert_eq!(assembly.push(&[1, 2]), Ok(false));
        assert_eq!(assembly.push(&[]), Ok(true));
        let (text, attachments) = assembly.into_parts();
        assert_eq!(text, "the text");
        assert_eq!(attachments, [&[1, 2][..], &[]]);
    }

    #[test]
    fn attachments_are_too_big_together() {
        let mut assembly = assembly(3, 10);
        assert_eq!(assembly.push(&[0; 6]), Ok(false));
        assert_eq!(assembly.push(&[0; 5]), Err(AssemblyError::TooBig));
    }

    #[test]
    fn an_attachment_too_many_is_refused() {
        let mut assembly = assembly(1, 10);
        assert_eq!(assembly.push(&[1]), Ok(true));
        assert_eq!(assembly.push(&[2]), Err(AssemblyError::Unexpected));
    }
}
