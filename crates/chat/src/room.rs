//! Rooms: a name, an address, and a log.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::cursor::{Epoch, Seq};
use crate::error::{Error, Field};
use crate::id::{RoomId, UserId};
use crate::text::{is_invisible, is_visible, piles_marks, single_spaced};
use crate::time::Timestamp;

/// Fewest and most characters of a room's name.
pub const ROOM_NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=80;

/// Most bytes of a room's name: 80 of almost anything, and few of the emoji that are put together from many.
pub const ROOM_NAME_MAX_BYTES: usize = 1024;

/// A room as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its address.
    pub id: RoomId,
    /// What it is called. Two rooms may have the same name.
    pub name: RoomName,
    /// The life its log is in.
    pub epoch: Epoch,
    /// The last event of its log.
    pub head: Seq,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something was last said in it, if ever.
    pub last_message_at: Option<Timestamp>,
}

/// A room's name, one line that can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoomName(String);

/// A text as a search sees it: two that differ in case only are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchKey(String);

const COMBINING_DOT_ABOVE: char = '\u{307}';

/// A room about to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// The address it will have.
    pub id: RoomId,
    /// What it will be called.
    pub name: RoomName,
    /// Who asked for it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Which rooms are asked for. They come by their last activity (their last message or their creation), newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomQuery {
    /// Only rooms whose names contain this, whatever its case.
    pub search: Option<String>,
    /// Only rooms after this place, as said by [`RoomList::next`].
    pub after: Option<(Timestamp, RoomId)>,
    /// No more than this many.
    pub limit: usize,
}

/// Some rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomList {
    /// They, by their last activity, newest first.
    pub rooms: Vec<Room>,
    /// How many there are in all that match the search.
    pub total: u64,
    /// Where the list goes on, if it does.
    pub next: Option<(Timestamp, RoomId)>,
}

impl Room {
    /// When something last happened here.
    pub fn last_activity(&self) -> Timestamp {
        self.last_message_at.unwrap_or(self.created_at)
    }
}

impl RoomName {
    /// The name in `text`: one line, in Unicode's form NFC, with single spaces and without what cannot be seen, other
    /// than what joins emoji and letters. Or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // A name is made shorter below, but never by this much.
        if text.len() > 4 * ROOM_NAME_MAX_BYTES {
            return Err(too_long());
        }
        let shown: String = text.chars().filter(|&c| is_shown(c)).nfc().collect();
        let name = single_spaced(&shown);
        if !is_visible(&name) {
            return Err(invalid("Please give the room a name."));
        }
        if piles_marks(name.nfd()) {
            return Err(invalid("This name has too many accents on one letter. Please use fewer."));
        }
        let characters = name.graphemes(true).count();
        if !ROOM_NAME_CHARACTERS.contains(&characters) || name.len() > ROOM_NAME_MAX_BYTES {
            return Err(too_long());
        }
        Ok(Self(name))
    }

    /// A name that was checked before it was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a [`SearchKey`] is looked for in.
    pub fn search_key(&self) -> SearchKey {
        SearchKey::of(&self.0)
    }
}

impl SearchKey {
    /// What remains of `text` when its case is taken away.
    pub fn of(text: &str) -> Self {
        // Up and down again, so that ß meets SS, and character by character, so that Σ is the same at a word's end.
        // İ becomes i and a dot; nobody types the dot.
        let folded = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        Self(folded.filter(|&character| character != COMBINING_DOT_ABOVE).collect())
    }

    /// What the store keeps and looks through.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it stays in a room's name. White space becomes one space later; joiners, variation selectors and tags are
/// what emoji are made of.
fn is_shown(c: char) -> bool {
    let is_part_of_emoji =
        matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}');
    c.is_whitespace() || is_part_of_emoji || !(c.is_control() || is_invisible(c))
}

fn too_long() -> Error {
    invalid("A room's name has 1 to 80 characters. Please choose a shorter one.")
}

fn invalid(sentence: &str) -> Error {
    Error::Invalid(Field::RoomName, sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> String {
        RoomName::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).0
    }

    fn refusal(text: &str) -> String {
        RoomName::parse(text).map(|name| panic!("{name:?}")).unwrap_err().to_string()
    }

    #[test]
    fn a_room_is_called_anything_that_fits_on_a_line() {
        for text in [
            "Lobby",
            "#general: <b>&\"'",
            "Кухня и kitchen",
            "مطبخ",
            "台所 🍳",
            "👩‍👩‍👧‍👦 home",
            "❤️",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "علی‌رضا",
            "!",
        ] {
            assert_eq!(name(text), text);
        }
    }

    #[test]
    fn a_room_name_is_one_trimmed_line_without_hidden_characters() {
        assert_eq!(name("  the\r\n lobby\t\u{2028}room "), "the lobby room");
        assert_eq!(name("\u{feff}lob\u{ad}by\u{200b}\u{0}"), "lobby");
        assert_eq!(name("\u{202e}lobby\u{2066} \u{200f}room\u{2069}"), "lobby room");
        assert_eq!(name("o\u{308}l"), "öl");
    }

    #[test]
    fn a_room_name_that_shows_nothing_is_refused() {
        for text in ["", " ", "\n", "\u{200d}\u{fe0f}", "\u{2800}", "\u{3164}", "\u{0}\u{1b}"] {
            assert_eq!(refusal(text), "Please give the room a name.", "{text:?}");
        }
    }

    #[test]
    fn a_room_name_has_at_most_80_characters_as_people_count_them() {
        for character in ["a", "字", "क्षि", "👍🏽"] {
            assert!(RoomName::parse(&character.repeat(80)).is_ok(), "{character}");
            assert!(refusal(&character.repeat(81)).contains("1 to 80 characters"), "{character}");
        }
        assert!(refusal(&"👩‍".repeat(1000)).contains("1 to 80 characters"));
        assert!(refusal(&"a".repeat(1_000_000)).contains("1 to 80 characters"));
        assert!(refusal("z\u{301}\u{302}\u{303}\u{304}\u{306}").contains("too many accents"));
    }

    proptest! {
        #[test]
        fn a_room_name_read_again_is_the_same_name(text in "([a-z ]|\\p{M}|\\p{C}|.){0,20}") {
            if let Ok(name) = RoomName::parse(&text) {
                prop_assert_eq!(RoomName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
