//! Each test takes a sound history and puts one thing into it that must not be. It must be found under its own
//! invariant, and under no other.

mod limits;
mod logs;
mod sound;
mod sound_stories;
mod story;
mod streams;

use checker::{Invariant, Limits, judge};
use story::Story;

#[track_caller]
pub(crate) fn assert_sound(story: &Story) {
    let report = judge(&story.records(), Limits::default());
    assert!(report.is_clean(), "{report}");
}

#[track_caller]
pub(crate) fn assert_broken(invariant: Invariant, story: &Story) {
    let report = judge(&story.records(), Limits::default());
    assert_eq!(report.broken(), [invariant], "{report}");
    assert!(report.mistakes.is_empty(), "{report}");
}

/// It is a mistake of the test that tells the story, and the report says so.
#[track_caller]
pub(crate) fn assert_unfit(story: &Story, mistake: &str) {
    let report = judge(&story.records(), Limits::default());
    assert!(report.mistakes.iter().any(|one| one.contains(mistake)), "{report}");
    assert!(!report.is_clean());
}
