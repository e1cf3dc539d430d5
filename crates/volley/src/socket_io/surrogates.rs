//! Half of a surrogate pair: a character cut in two, as the strings of JavaScript can be and those of Rust cannot.

/// `json` with each `\uXXXX` that is half of a pair without the other replaced by U+FFFD, or `None` if there is none.
///
/// A stock client that cuts a text in the middle of an emoji sends such a half. To refuse it would end the connection of
/// somebody who has typed nothing wrong, and again each time the client tries again.
pub fn well_formed(json: &str) -> Option<String> {
    let mut repaired: Option<String> = None;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        at += found;
        let unit = escaped_unit(json, at);
        let next = unit.and_then(|_| escaped_unit(json, at + ESCAPE));
        match (unit, next) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                let repaired = repaired.get_or_insert_with(|| json.to_owned());
                repaired.replace_range(at..at + ESCAPE, r"\ufffd");
                at += ESCAPE;
            }
            (Some(_), _) => at += ESCAPE,
            // Any other escape: its second character is not the start of one, and is one byte in what is JSON.
            (None, _) => at = json.len().min(json.ceil_char_boundary(at + 2)),
        }
    }
    repaired
}

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The UTF-16 unit that is escaped at this place.
fn escaped_unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(r"\u")?;
    let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_becomes_the_replacement_character() {
        assert_eq!(well_formed(r#"["a\ud83d"]"#).as_deref(), Some(r#"["a\ufffd"]"#));
        assert_eq!(well_formed(r#"["\udc00é"]"#).as_deref(), Some(r#"["\ufffdé"]"#));
        let two = r#"["\ud83d\ud83d\ude00\ude00"]"#;
        assert_eq!(well_formed(two).as_deref(), Some(r#"["\ufffd\ud83d\ude00\ufffd"]"#));
    }

    #[test]
    fn what_is_whole_stays_as_it_is() {
        for json in [
            r#"["\ud83d\ude00"]"#,
            r#"["\u00e9\n\\"]"#,
            r#"["\\ud83d"]"#,
            r#"["no escape"]"#,
            r"\",
            r"\u",
            r"\ud8",
            "\\é",
        ] {
            assert_eq!(well_formed(json), None, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_repaired_needs_no_repair(json in r#"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\.|[a-z"é]){0,20}"#) {
            let repaired = well_formed(&json).unwrap_or(json);
            proptest::prop_assert_eq!(well_formed(&repaired), None);
        }
    }
}
