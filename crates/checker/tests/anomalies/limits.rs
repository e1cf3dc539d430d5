//! What takes too much, or too long: I11 and I12.

use checker::Invariant::{I11, I12};

use crate::sound_stories::{dictation, trouble};
use crate::story::Story;
use crate::{assert_broken, assert_sound};

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
