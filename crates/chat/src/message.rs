//! Messages: what is said in a room.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cursor::{Epoch, Seq};
use crate::error::{Error, Field};
use crate::id::{ClientId, MessageId, RoomId};
use crate::text::is_visible;
use crate::time::Timestamp;
use crate::user::User;

/// Most bytes of a message's text, in UTF-8.
pub const BODY_MAX_BYTES: usize = 8192;

/// The text of a message: something, and not too much. Markdown, kept as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

/// A message in a room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// Its number on this server.
    pub id: MessageId,
    /// What its author's client called it.
    pub client_id: ClientId,
    /// Who said it.
    pub author: User,
    /// What they said.
    pub body: Body,
    /// When it was stored. Never before what precedes it in the room, nor before the room's creation.
    pub at: Timestamp,
}

/// A message about to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where it is said.
    pub room: RoomId,
    /// What its author's client calls it.
    pub client_id: ClientId,
    /// Who says it.
    pub author: User,
    /// What they say.
    pub body: Body,
    /// When it arrived.
    pub at: Timestamp,
}

/// What became of a [`NewMessage`]: the place it has in the log, now or since it was first sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the room.
    pub seq: Seq,
    /// Its number on this server.
    pub id: MessageId,
    /// When it was stored.
    pub at: Timestamp,
}

/// An event of a room's log. Edits, deletions and the like will be further kinds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged {
    /// Somebody said something.
    Message(Message),
}

/// Which part of a log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The events up to the head.
    Newest,
    /// The events that precede this one.
    Before(Seq),
    /// The events that follow this one.
    After(Seq),
}

/// A part of a room's log, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The life the log is in.
    pub epoch: Epoch,
    /// The last event of the log when this was read.
    pub head: Seq,
    /// The events asked for: of a `Page::After` the first ones, of the others the last ones.
    pub events: Vec<Logged>,
}

impl Body {
    /// The message in `text`, or what is wrong with it.
    ///
    /// It is kept as it was typed, but for what nobody typed on purpose: empty lines before it, white space after it,
    /// and control characters, as in text copied from a terminal. Lines end with `\n`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = without_controls(text);
        let text = without_empty_lines(text.trim_end());
        // First, because looking at each character takes long enough for somebody to misuse it.
        if text.len() > BODY_MAX_BYTES {
            return Err(too_long(text.len()));
        }
        if !is_visible(text) {
            return Err(invalid("Please write something first: this message is empty.".to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// A text that was checked before it was stored.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Logged {
    /// The room it belongs to.
    pub fn room(&self) -> RoomId {
        let Self::Message(message) = self;
        message.room
    }

    /// Its place there.
    pub fn seq(&self) -> Seq {
        let Self::Message(message) = self;
        message.seq
    }
}

fn without_controls(text: &str) -> Cow<'_, str> {
    let is_stray = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_stray) {
        return Cow::Borrowed(text);
    }
    // Some of them are white space, and so keep words apart.
    let lines =
        text.replace("\r\n", "\n").replace(|c: char| is_stray(c) && c.is_whitespace(), "\n");
    Cow::Owned(lines.replace(is_stray, ""))
}

/// Leading spaces of the first line stay: they may be those of code.
fn without_empty_lines(text: &str) -> &str {
    let indented = text.trim_start();
    let start = text.len() - indented.len();
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    &text[line..]
}

fn too_long(bytes: usize) -> Error {
    let excess = bytes - BODY_MAX_BYTES;
    invalid(format!(
        "This message is {excess} bytes too long. {BODY_MAX_BYTES} are the limit; please send it in parts."
    ))
}

fn invalid(sentence: String) -> Error {
    Error::Invalid(Field::Body, sentence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(text: &str) -> String {
        Body::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).as_str().to_owned()
    }

    fn refusal(text: &str) -> String {
        Body::parse(text).map(|body| panic!("{body:?}")).unwrap_err().to_string()
    }

    #[test]
    fn a_message_is_kept_as_it_was_typed() {
        for text in [
            "hi",
            "    let x = 1;\n\n\ty",
            "o\u{308}",
            "<b>&amp;",
            "\u{202e}backwards",
            "👩‍👩‍👧‍👦",
            "\u{a0}.",
        ] {
            assert_eq!(body(text), text);
        }
    }

    #[test]
    fn empty_lines_before_and_white_space_after_are_dropped() {
        assert_eq!(body("\n \n\t\n  code\n more \n\n \t"), "  code\n more");
    }

    #[test]
    fn lines_end_with_a_line_feed_and_control_characters_go() {
        assert_eq!(body("one\r\ntwo\rthree\n\r\nfour\u{c}five"), "one\ntwo\nthree\n\nfour\nfive");
        assert_eq!(body("\u{1b}[31mred\u{1b}[0m\u{0}\u{7}\u{7f}!"), "[31mred[0m!");
    }

    #[test]
    fn a_message_that_shows_nothing_is_refused() {
        for text in [
            "",
            " ",
            "\n\n",
            "\u{0}",
            "\u{200b}",
            "\u{2800}\u{2800}",
            "\u{3164}",
            "\u{202e} \u{2066}",
            "\u{feff}",
        ] {
            assert!(refusal(text).contains("this message is empty"), "{text:?}");
        }
    }

    #[test]
    fn a_message_has_at_most_8192_bytes_as_it_is_kept() {
        let most = "é".repeat(4096);
        assert_eq!(body(&format!("\n\n{most} \r\n\n")), most);
        assert!(refusal(&format!("{most}é")).contains("2 bytes too long"));
        assert!(refusal(&"a".repeat(1_000_000)).contains("991808 bytes too long"));
    }

    proptest! {
        #[test]
        fn a_message_read_again_is_the_same_message(text in "([ \t\r\n]|\\PC|.){0,60}") {
            if let Ok(body) = Body::parse(&text) {
                prop_assert_eq!(Body::parse(body.as_str()), Ok(body));
            }
        }
    }
}
