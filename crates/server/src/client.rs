//! What logs in, in a few words: "Firefox on Linux", so that people tell their sessions apart.

use chat::CLIENT_MAX_BYTES;

/// What browsers call themselves, the more particular ones first: all say Mozilla, most say Safari, many say Chrome.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];
/// And where they run, again the more particular ones first.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];
/// Most characters of what is shown as it came.
const SHOWN_CHARACTERS: usize = 60;

/// A few words for a `User-Agent`. What is not a browser is shown as it calls itself, as far as it can be shown.
pub fn in_a_few_words(user_agent: Option<&str>) -> String {
    let user_agent = user_agent.unwrap_or_default().trim();
    if user_agent.starts_with("Mozilla/") {
        let named = |names: &[(&str, &'static str)]| {
            names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
        };
        return match (named(&BROWSERS), named(&SYSTEMS)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(browser), None) => browser.to_owned(),
            (None, Some(system)) => format!("A browser on {system}"),
            (None, None) => "A browser".to_owned(),
        };
    }
    // A header's text is visible ASCII, so a character is a byte.
    const { assert!(SHOWN_CHARACTERS <= CLIENT_MAX_BYTES) };
    let shown: String = user_agent.chars().take(SHOWN_CHARACTERS).collect();
    if shown.is_empty() { "A program".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_name_and_system() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
                "Safari on Mac",
            ),
            ("Mozilla/5.0 (Haiku)", "A browser"),
        ] {
            assert_eq!(in_a_few_words(Some(user_agent)), words);
        }
    }

    #[test]
    fn programs_are_called_what_they_call_themselves() {
        assert_eq!(in_a_few_words(Some("weather-bot/2.1")), "weather-bot/2.1");
        assert_eq!(in_a_few_words(Some(&"x".repeat(500))).len(), SHOWN_CHARACTERS);
        assert_eq!(in_a_few_words(Some("  ")), "A program");
        assert_eq!(in_a_few_words(None), "A program");
    }
}
