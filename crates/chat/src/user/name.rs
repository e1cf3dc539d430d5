//! Names of people: in any script, but each of them one that can be read, typed, and told from every other.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::skeleton;
use unicode_segmentation::UnicodeSegmentation;

use crate::error::{Error, Field};
use crate::text::{is_direction_control, is_invisible, piles_marks, single_spaced};

/// Fewest and most characters of a name, as people count them.
pub const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=32;
/// Most bytes of a name. In some scripts what people call a character takes twelve, and none needs more than sixteen.
pub const NAME_MAX_BYTES: usize = 512;
/// Which algorithm makes a [`NameKey`]. Stored keys of another one have to be made anew from the names.
pub const NAME_KEY_VERSION: u32 = 1;

/// What may stand between letters: what ASCII has for it, and what Catalan, Armenian, Hebrew, Tibetan and Japanese do.
/// (UTS 39, table 3a, without the colon: “bob: hello” is not a name.)
const PUNCTUATION: &str = " -_.'’·֊‐‧׳״་゠・";
/// Letters by their category that only stretch others. (RFC 5892, section 2.6.)
const STRETCHERS: [char; 2] = ['\u{640}', '\u{7fa}'];
const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
/// The canonical combining class of signs that join consonants in Indic scripts.
const VIRAMA: u8 = 9;

/// A name that can be shown, and told from every other. Checked where it enters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// What names have in common that people would take for each other. Each is one person's on a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameKey(String);

impl Name {
    /// The name in `text`, in Unicode's form NFKC and with single spaces, or what is wrong with it.
    ///
    /// Letters, marks and digits of any script are welcome, as long as it is one script (or those that Chinese,
    /// Japanese and Korean are written with, and Latin beside them). Emoji and symbols are not: too many of them look
    /// alike. Reserved names there are none: nobody here is trusted for what they are called.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > 2 * NAME_MAX_BYTES {
            return Err(too_long());
        }
        let name = single_spaced(&text.nfkc().collect::<String>());
        check_characters(&name)?;
        check_marks(&name)?;
        if !name.chars().any(|c| is_letter(c) || is_digit(c)) {
            return Err(invalid("Please choose a name with at least one letter or digit."));
        }
        if !NAME_CHARACTERS.contains(&name.graphemes(true).count()) || name.len() > NAME_MAX_BYTES {
            return Err(too_long());
        }
        check_scripts(&name)?;
        Ok(Self(name))
    }

    /// A name that was checked before it was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// What somebody who types this name is looked for by.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }

    /// Everything it shares with names that look like it: its key, and those of what it looks like as it is written and
    /// in capitals. The Cyrillic `ТОМ` looks like `TOM` and, in small letters, like nothing else. Two names with one key
    /// between them cannot both be on a server.
    pub fn keys(&self) -> Vec<NameKey> {
        let capitals: String = self.0.nfkd().flat_map(char::to_uppercase).collect();
        let looks = [skeleton(&self.0).collect(), skeleton(&capitals).collect::<String>()];
        let mut keys = vec![self.key()];
        for key in looks.iter().map(|look| NameKey::of(look)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameKey {
    /// What the store keeps and compares.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Case folding and the confusable skeleton of UTS 39, repeated until nothing changes, so that either finds what
    /// the other brought to light.
    ///
    /// `i`, `l`, `I` and `1` are all one: `I` is a capital `i` and looks like an `l`, which looks like a `1`. So nobody
    /// can be `AIice` where there is an Alice, and Kari cannot join Karl. The first matters more.
    fn of(name: &str) -> Self {
        let mut key = name.to_owned();
        loop {
            let next = merged(&key);
            if next == key {
                return Self(key);
            }
            key = next;
        }
    }
}

fn merged(text: &str) -> String {
    // Up and down again is how ß meets ss, and the two small sigmas each other.
    let upper = text.nfkd().flat_map(char::to_uppercase);
    let folded: String = upper.flat_map(char::to_lowercase).collect();
    let mut key = String::with_capacity(folded.len());
    for c in skeleton(&folded) {
        match c {
            'i' => key.push('l'),
            // A dot on what has one, or has just lost it.
            '\u{307}' if key.ends_with(['l', 'j']) => {}
            c => key.push(c),
        }
    }
    key
}

fn check_characters(name: &str) -> Result<(), Error> {
    let (mut before, mut rest) = (None, name.chars());
    while let Some(c) = rest.next() {
        if !is_joint(before, c, rest.clone().next()) {
            check_character(c)?;
        }
        before = Some(c);
    }
    Ok(())
}

fn check_character(c: char) -> Result<(), Error> {
    // First, because Unicode counts some fillers as letters.
    let trouble = if is_direction_control(c) {
        "which changes the direction of text"
    } else if is_invisible(c) {
        "which cannot be seen"
    } else if is_letter(c) || is_mark(c) || is_digit(c) || PUNCTUATION.contains(c) {
        return Ok(());
    } else {
        match c.general_category() {
            GeneralCategory::Control => "a control character",
            GeneralCategory::PrivateUse => "which looks different on every computer",
            GeneralCategory::Unassigned => "which is not a known character",
            _ => {
                return Err(invalid(format!(
                    "A name cannot contain “{c}”. Please use letters and digits, of any script, spaces, and - _ . '"
                )));
            }
        }
    };
    let code = u32::from(c);
    Err(invalid(format!("This name contains U+{code:04X}, {trouble}. Please leave that out.")))
}

fn is_letter(c: char) -> bool {
    let is_letter = c.general_category_group() == GeneralCategoryGroup::Letter
        || c.general_category() == GeneralCategory::LetterNumber;
    is_letter && !STRETCHERS.contains(&c)
}

/// Those that enclose others are symbols.
fn is_mark(c: char) -> bool {
    is_combining_mark(c) && c.general_category() != GeneralCategory::EnclosingMark
}

fn is_digit(c: char) -> bool {
    c.general_category() == GeneralCategory::DecimalNumber
}

/// Whether it is one of the two invisible characters that some languages are written with, in a place where it shows:
/// after a virama (as in Sinhala), or, the one that keeps letters apart, between Arabic letters (as in Persian).
/// (RFC 5892, appendices A.1 and A.2.) The key ignores them.
fn is_joint(before: Option<char>, c: char, after: Option<char>) -> bool {
    let is_arabic =
        |c: Option<char>| c.is_some_and(|c| c.script() == Script::Arabic && is_letter(c));
    let after_virama = before.is_some_and(|c| canonical_combining_class(c) == VIRAMA);
    match c {
        JOINER => after_virama,
        NON_JOINER => after_virama || (is_arabic(before) && is_arabic(after)),
        _ => false,
    }
}

fn check_marks(name: &str) -> Result<(), Error> {
    let mut can_bear = false;
    for c in name.chars() {
        let mark = is_combining_mark(c);
        if mark && !can_bear {
            return Err(invalid(
                "An accent in this name stands on no letter. Please type it anew.",
            ));
        }
        can_bear = mark || is_letter(c) || is_invisible(c);
    }
    if piles_marks(name.nfd()) {
        return Err(invalid("This name has too many accents on one letter. Please use fewer."));
    }
    Ok(())
}

/// One script, or what UTS 39 calls highly restrictive: Latin beside Chinese, Japanese or Korean.
fn check_scripts(name: &str) -> Result<(), Error> {
    let mut others = AugmentedScriptSet::default();
    for set in name.chars().map(AugmentedScriptSet::for_char) {
        if set.is_all() || !set.base.contains_script(Script::Latin) {
            others.intersect_with(set);
        }
    }
    if !AugmentedScriptSet::for_str(name).is_empty() || others.hanb || others.jpan || others.kore {
        return Ok(());
    }
    let scripts = name.chars().map(|c| c.script());
    let scripts: BTreeSet<&str> = scripts
        .filter(|script| !matches!(script, Script::Common | Script::Inherited))
        .map(Script::full_name)
        .collect();
    let scripts = Vec::from_iter(scripts).join(" and ");
    Err(invalid(format!(
        "This name mixes letters of {scripts}, which can look the same. Please use one script."
    )))
}

fn too_long() -> Error {
    invalid("A name has 1 to 32 characters. Please choose a shorter one.")
}

fn invalid(sentence: impl Into<String>) -> Error {
    Error::Invalid(Field::Name, sentence.into())
}

#[cfg(test)]
mod tests;
