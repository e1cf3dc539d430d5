//! Names of all peoples, and names nobody is given.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const NAMES: [&str; 40] = [
    "alice",
    "Bob",
    "carol_92",
    "O'Brien",
    "J. R. Ewing",
    "Jean-Luc",
    "Zoë",
    "Łukasz",
    "Nguyễn Văn Đức",
    "Håkon",
    "İbrahim",
    "ISIL",
    "Şişli",
    "Straße",
    "Ñandú",
    "Gal·la",
    "Алёна",
    "Юлія",
    "Ђорђе",
    "Ελένη",
    "Γιώργος",
    "გიორგი",
    "Արամ",
    "محمد",
    "علی‌رضا",
    "שרה",
    "חיים ויצמן",
    "राधा",
    "क्षितिज",
    "ශ්‍රීමා",
    "தமிழ்",
    "สมชาย",
    "ພອນ",
    "བསྟན་འཛིན",
    "李小龍",
    "〇二三",
    "さくら",
    "マリー・キュリー",
    "김민수",
    "አበበ",
];

fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    match Name::parse(text) {
        Err(error) => error.to_string(),
        Ok(name) => panic!("{text:?} was accepted as {name:?}"),
    }
}

#[test]
fn names_of_all_peoples_are_accepted_as_they_are() {
    for text in NAMES {
        assert_eq!(name(text).as_str(), text.nfkc().collect::<String>());
    }
    for mixed in ["Ken 健", "田中 Taro", "ユキyuki", "민수 Kim", "007"] {
        assert_eq!(name(mixed).as_str(), mixed);
    }
}

#[test]
fn names_of_different_people_have_different_keys() {
    let mut keys: Vec<NameKey> = NAMES.iter().map(|text| name(text).key()).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    keys.dedup();
    assert_eq!(keys.len(), NAMES.len());
    assert_ne!(name("José").key(), name("Jose").key());
}

#[test]
fn a_name_is_trimmed_and_has_single_spaces() {
    assert_eq!(name("  alice \t\u{3000} b.\n").as_str(), "alice b.");
    assert_eq!(name("ａｌｉｃｅ").as_str(), "alice");
    assert_eq!(name("①").as_str(), "1");
}

#[test]
fn look_alikes_share_a_key() {
    let alike: [&[&str]; 9] = [
        &[
            "admin",
            "Admin",
            "ADMIN",
            "adm1n",
            "admln",
            "AdmIn",
            "ａｄｍｉｎ",
            "adrnin",
            "admi\u{307}n",
        ],
        // All of Cyrillic letters, so no mixture gives it away.
        &["scope", "SCOPE", "ѕсоре"],
        &["Straße", "STRASSE", "strasse"],
        &["Σίσυφος", "ΣΊΣΥΦΟΣ", "σίσυφοσ"],
        &["bob", "BOB", "b0b"],
        &["isil", "ISIL", "ısıl", "1s1l", "lsiI"],
        &["O'Brien", "O’Brien"],
        &["İbrahim", "ibrahim", "Ibrahim"],
        &["علی‌رضا", "علیرضا"],
    ];
    for names in alike {
        for other in names {
            assert_eq!(name(names[0]).key(), name(other).key(), "{} {other}", names[0]);
        }
    }
}

#[test]
fn names_that_look_alike_in_capitals_have_a_key_in_common() {
    let meet = |a: &str, b: &str| name(a).keys().iter().any(|key| name(b).keys().contains(key));
    for (latin, other) in [
        ("TOM", "ТОМ"),
        ("Tom", "ΤΟΜ"),
        ("KATE", "КАТЕ"),
        ("Max", "ΜΑΧ"),
        ("ANNA", "ΑΝΝΑ"),
        ("Eve", "ᎬᏙᎬ"),
        ("bob", "ВОВ"),
    ] {
        assert!(meet(latin, other), "{latin} {other}");
    }
    for (one, another) in [("Tom", "Тоня"), ("Anna", "Анна"), ("Olga", "Ольга")] {
        assert!(!meet(one, another), "{one} {another}");
    }
    assert_eq!(name("ТОМ").keys()[0], name("том").key());
}

#[test]
fn scripts_that_look_alike_are_not_mixed() {
    // Cyrillic а, Cyrillic і, Greek ο, Armenian օ.
    for text in ["аdmin", "admіn", "bοb", "bօb", "Иван Smith", "가я", "さくраら"] {
        assert!(refusal(text).contains("mixes letters of"), "{text}: {}", refusal(text));
    }
    assert!(refusal("аdmin").contains("Cyrillic and Latin"));
}

#[test]
fn what_cannot_be_seen_is_refused() {
    for c in [
        '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{3164}',
        '\u{115f}', '\u{fe0f}', '\u{34f}',
    ] {
        for text in [format!("ali{c}ce"), format!("alice{c}"), format!("{c}alice")] {
            assert!(refusal(&text).contains("cannot be seen"), "{text:?}: {}", refusal(&text));
        }
    }
    for c in ['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200e}', '\u{200f}', '\u{61c}'] {
        assert!(refusal(&format!("alice{c}ecila")).contains("direction"));
    }
}

#[test]
fn every_kind_of_refusal_says_what_to_do() {
    assert!(refusal("alice\u{0}").contains("U+0000, a control character"));
    assert!(refusal("\u{e000}alice").contains("every computer"));
    assert!(refusal("alice\u{378}").contains("not a known character"));
    assert!(refusal("alice 👍").contains("cannot contain “👍”"));
    assert!(refusal("<alice>").contains("cannot contain “<”"));
    assert!(refusal("مـحمد").contains("cannot contain"));
    assert!(refusal("\u{301}alice").contains("stands on no letter"));
    assert!(refusal("a\u{316}\u{301}\u{302}\u{303}\u{304}").contains("too many accents"));
    for empty in ["", " ", "\u{3000}", "...", "- -"] {
        assert!(refusal(empty).contains("at least one letter or digit"), "{empty:?}");
    }
}

#[test]
fn a_name_has_at_most_32_characters_as_people_count_them() {
    for letter in ["a", "字", "क्षि", "ệ"] {
        assert!(Name::parse(&letter.repeat(32)).is_ok(), "{letter}");
        assert!(refusal(&letter.repeat(33)).contains("1 to 32 characters"), "{letter}");
    }
    assert!(refusal(&"a".repeat(1_000_000)).contains("1 to 32 characters"));
    // One letter can be written with so many bytes only by piling things on it.
    assert!(refusal(&format!("a{}", "\u{301}\u{302}".repeat(100))).contains("too many accents"));
}

/// Stored keys are compared with new ones, so a key must not change unnoticed, not even by a newer Unicode.
#[test]
fn the_keys_of_all_characters_are_those_of_version_1() {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for c in ('\0'..=char::MAX).filter(|&c| check_character(c).is_ok()) {
        let key = NameKey::of(c.encode_utf8(&mut [0; 4]));
        assert_eq!(NameKey::of(key.as_str()), key, "{c}");
        for byte in key.as_str().bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(
        (NAME_KEY_VERSION, hash),
        (1, 486_602_457_757_919_826),
        "keys differ from those in people's databases: raise NAME_KEY_VERSION and migrate them"
    );
}

fn names() -> impl Strategy<Value = String> {
    let pieces = select(&NAMES[..]).prop_map(str::to_owned);
    let letters = prop_oneof![
        pieces,
        "[a-zA-Z0-9 ._'-]{0,6}",
        "\\PC{0,3}",
        "[ilI1oO0|ⅰıİΙιІіӏ]{0,4}",
        "\\p{M}{0,2}"
    ];
    proptest::collection::vec(letters, 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_name_read_again_is_the_same_name(text in names()) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn the_key_of_a_key_is_that_key(text in names()) {
        let key = NameKey::of(&text);
        prop_assert_eq!(NameKey::of(key.as_str()), key);
    }

    #[test]
    fn case_makes_no_difference(text in names()) {
        // Decomposed, because a capital Ω has its iota beside it: marks in no canonical order would land on that.
        let upper = text.nfkd().collect::<String>().to_uppercase();
        prop_assert_eq!(NameKey::of(&text), NameKey::of(&upper));
    }

    #[test]
    fn nothing_that_is_typed_is_a_panic(text in any::<String>()) {
        let _ = Name::parse(&text);
    }
}
