//! What takes too much, or too long: I11 and I12; and what a history says itself is too long.

use checker::Invariant::{I11, I12};
use checker::{Limits, judge};

use crate::sound_stories::{dictation, trouble};
use crate::story::Story;
use crate::{assert_broken, assert_sound, assert_unfit};

// I11
const BUSY: &str = "test uses before 20 30 8
                    test uses after 24 31 8
                    test uses after 22 30 8";

#[test]
fn memory_that_is_not_given_back_breaks_i11() {
    assert_sound(&Story::new(BUSY));
    let story = Story::new(BUSY).with("test uses after 22 30 8", &["test uses after 90 30 8"]);
    assert_broken(I11, &story);
}

#[test]
fn descriptors_that_stay_open_break_i11() {
    let story = Story::new(BUSY).with("test uses after 24 31 8", &["test uses after 24 131 8"]);
    assert_broken(I11, &story);
}

#[test]
fn tasks_that_never_end_break_i11() {
    let story = Story::new(BUSY).with("test uses after 22 30 8", &["test uses after 22 30 80"]);
    assert_broken(I11, &story);
}

// I12
#[test]
fn acks_that_take_long_while_nothing_is_broken_break_i12() {
    assert_broken(I12, &dictation().with("bob acked milk 2", &["wait 1500", "bob acked milk 2"]));
}

#[test]
fn acks_that_take_too_long_even_in_faults_break_i12() {
    assert_broken(I12, &trouble().with("wait 5000", &["wait 65000"]));
}

// Stated in the history
fn hesitation() -> Story {
    dictation().with("bob acked milk 2", &["wait 1500", "bob acked milk 2"])
}

#[test]
fn a_history_is_judged_under_the_limits_that_it_states() {
    let first = "alice joins";
    assert_broken(I12, &hesitation());
    assert_sound(&hesitation().with(first, &["test allows-acks 2000", first]));
    assert_sound(&dictation().with(first, &["test allows-acks 10", first]));
    assert_broken(I12, &dictation().with(first, &["test allows-acks 0", first]));
}

#[test]
fn limits_that_are_stated_too_late_are_unfit_and_change_nothing() {
    let last = "test row 3 cake";
    let story = hesitation().with(last, &["test allows-acks 2000", last]);
    assert_unfit(&story, "limits that are stated too late");
    assert_eq!(judge(&story.records(), Limits::default()).broken(), [I12]);
}
