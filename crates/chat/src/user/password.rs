//! Passwords: long enough, not what everybody tries first, and otherwise anybody's own business.

use std::fmt;

use passwords::analyzer::is_common_password;

use super::Name;
use crate::error::{Error, Field};

/// Fewest characters of a password, as code points: OWASP ASVS 6.2.1, NIST SP 800-63B.
pub const PASSWORD_MIN_CHARACTERS: usize = 8;
/// Most bytes of a password. Long enough for any sentence, short enough to hash.
pub const PASSWORD_MAX_BYTES: usize = 1024;

/// Fewest characters a password has beside its owner's name and that of the product: one more than a year has.
const OWN_CHARACTERS: usize = 5;
const PRODUCT: &str = "parlor";

/// A password somebody typed, of a length that can be worked with, byte for byte. Never shown, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A password's hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl Password {
    /// The password in `text`, if it follows the rules for a new one of the person called `name`. `field` is the input
    /// it was typed into.
    ///
    /// There are no rules about capitals, digits or symbols; but it is none of the 47,000 that are used most (OWASP
    /// ASVS 6.2.4), and not made of what stands above it in the form (ASVS 6.2.11).
    pub fn choose(text: String, field: Field, name: &Name) -> Result<Self, Error> {
        let sentence = if text.chars().count() < PASSWORD_MIN_CHARACTERS {
            "This password is too short. Please use 8 characters or more; a few words in a row are good."
        } else if text.len() > PASSWORD_MAX_BYTES {
            "This password is too long. 1,024 bytes are the limit."
        } else if is_common(&text) {
            "This password is one of the first that others would try. Please choose another; a few words in a row are \
             good."
        } else if own_characters(&text, name) < OWN_CHARACTERS {
            "This password is little more than a name that others would try first. Please choose another; a few words \
             in a row are good."
        } else {
            return Ok(Self(text));
        };
        Err(Error::Invalid(field, sentence.to_owned()))
    }

    /// The password in `text`, to be compared with one chosen before. No rule but its length, which may have changed.
    pub fn offered(text: String) -> Result<Self, Error> {
        if text.len() > PASSWORD_MAX_BYTES { Err(Error::WrongCredentials) } else { Ok(Self(text)) }
    }

    /// Its bytes, for hashing.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn is_common(text: &str) -> bool {
    is_common_password(text) || is_common_password(text.to_lowercase())
}

/// How many characters are left without the name's and the product's.
fn own_characters(text: &str, name: &Name) -> usize {
    let name = name.as_str().to_lowercase();
    text.to_lowercase().replace(&name, "").replace(PRODUCT, "").chars().count()
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<Password, String> {
        let alice = Name::parse("Alice").unwrap();
        Password::choose(text.to_owned(), Field::Password, &alice)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_is_taken_byte_for_byte() {
        let nul = "eight\0or more";
        let spaces = "  two  spaces  ";
        let ligature = "\u{fb01}ve o\u{308}rtchen";
        let most = "é".repeat(512);
        for text in [
            "kq4zpz1x",
            "correct horse battery staple",
            "пароль мой",
            "密码是很长的一句",
            nul,
            spaces,
            ligature,
            &most,
        ] {
            assert_eq!(choose(text).unwrap().as_bytes(), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_password_has_8_characters_and_at_most_1024_bytes() {
        assert!(choose("kq4zpz1").unwrap_err().contains("8 characters or more"));
        assert!(choose("密码是很长的句").unwrap_err().contains("8 characters or more"));
        assert!(choose(&"é".repeat(513)).unwrap_err().contains("1,024 bytes"));
        assert!(choose(&"kq4zpz1x".repeat(125_000)).unwrap_err().contains("1,024 bytes"));
    }

    #[test]
    fn what_everybody_tries_first_is_refused_whatever_its_case() {
        for text in [
            "password",
            "PASSWORD",
            "Password1",
            "12345678",
            "qwertyuiop",
            "iloveyou",
            "SunShine1",
            "11111111",
        ] {
            assert!(choose(text).unwrap_err().contains("others would try"), "{text}");
        }
    }

    #[test]
    fn little_but_a_name_is_refused() {
        for text in
            ["alicealice", "ALICE123", "alice1990", "AliceParlor", "parlorParlor", "parlor2026"]
        {
            assert!(choose(text).unwrap_err().contains("others would try"), "{text}");
        }
        assert!(choose("alice likes tea").is_ok());
    }

    #[test]
    fn a_password_offered_at_the_door_is_only_bounded() {
        assert!(Password::offered("1".to_owned()).is_ok());
        assert_eq!(Password::offered("1".repeat(1025)), Err(Error::WrongCredentials));
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown =
            format!("{:?} {:?}", choose("kq4zpz1x").unwrap(), PasswordHash("kq4zpz1x".into()));
        assert!(!shown.contains("kq4"));
    }
}
