//! What names and messages have in common as texts: what of them can be seen.

use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// Most marks on one letter. Tibetan and Hebrew get by with four; text that climbs out of its line does not. The number
/// is that of UTS 39, section 5.4.
const MARKS: usize = 4;

/// Whether it takes up no space, or only space: joiners, direction controls, fillers, variation selectors.
pub(crate) fn is_invisible(c: char) -> bool {
    // UTS 39 leaves out of a skeleton what Unicode calls default ignorable. Braille's blank cell is ink-free too.
    !c.is_ascii() && (skeleton(c.encode_utf8(&mut [0; 4])).next().is_none() || c == '\u{2800}')
}

/// Whether it controls the direction of the text that follows.
pub(crate) fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether there is anything to see.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(c))
}

/// Whether marks are piled on a letter, or the same one is repeated, as no language does it. `text` is decomposed.
pub(crate) fn piles_marks(text: impl Iterator<Item = char>) -> bool {
    let (mut marks, mut last) = (0, None);
    for c in text {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS || (marks > 1 && last == Some(c)) {
            return true;
        }
        last = Some(c);
    }
    false
}

/// The words of a text with one space between them.
pub(crate) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_invisible() {
        let fillers = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}', '\u{e0041}'];
        let format =
            ['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2060}', '\u{fe0f}', '\u{feff}'];
        assert!(fillers.into_iter().chain(format).all(is_invisible));
        assert!(!['a', ' ', 'ß', '字', '👍', '\u{301}'].into_iter().any(is_invisible));
        for text in ["", " \n", "\u{200b}", "\u{2800}\u{3164} \u{202e}", "\0\u{1b}"] {
            assert!(!is_visible(text), "{text:?}");
        }
        assert!(is_visible("\u{202e}x"));
    }

    #[test]
    fn piled_marks_are_told_from_those_of_languages() {
        for text in ["Việt Nam", "ཧཱུྃ", "שָׁלוֹם", "กำลังใจ", "क्षत्रिय"]
        {
            assert!(!piles_marks(text.chars()), "{text}");
        }
        assert!(piles_marks("a\u{301}\u{302}\u{303}\u{304}\u{306}".chars()));
        assert!(piles_marks("a\u{301}\u{301}".chars()));
    }
}
