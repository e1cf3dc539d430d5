//! What looks wrong and is right, and what proves nothing.

use checker::Invariant::I5;
use checker::{Limits, judge};

use crate::sound_stories::{dictation, talk, trouble};
use crate::story::Story;
use crate::{assert_broken, assert_sound, assert_unfit};

// What looks wrong and is right.
#[test]
fn a_send_whose_fate_is_unknown_may_be_stored_or_not() {
    let story = dictation().with("bob acked cake 3", &["bob unknown cake"]);
    assert_sound(&story);
    let gone = story.with("test reads-all 3 of 1", &["test reads-all 2 of 1"]);
    assert_sound(&gone.without("test row 3 cake"));
}

#[test]
fn sends_that_overlap_may_be_stored_in_any_order() {
    assert_sound(&Story::new(
        "alice joins
         alice joined 0 of 1
         alice left
         bob joins
         bob joined 0 of 1
         bob left
         alice sends tea
         bob sends milk
         alice acked tea 2
         bob acked milk 1
         test reads-all 2 of 1
         test row 1 milk
         test row 2 tea",
    ));
}

#[test]
fn a_client_that_joins_again_starts_again_from_its_cursor() {
    let story = talk().with(
        "alice hears 3 sugar",
        &["alice joins after 1 of 1", "alice hears 3 sugar", "alice resumes 2 milk", "AGAIN"],
    );
    assert_sound(&story.with("AGAIN", &["alice resumes 3 sugar", "alice joined 3 of 1"]));
}

#[test]
fn a_client_that_has_read_on_in_history_joins_again_from_there() {
    assert_sound(&Story::new(
        "alice joins
         alice joined 0 of 1
         bob joins
         bob joined 0 of 1
         alice sends tea
         alice hears 1 tea
         alice acked tea 1
         bob asks-for-history
         bob reads 1 of 1
         bob finds 1 tea
         bob joins after 1 of 1
         bob joined 1 of 1
         test reads-all 1 of 1
         test row 1 tea",
    ));
}

#[test]
fn what_was_heard_before_a_restore_may_be_gone_however_late_the_connection_is_lost() {
    assert_sound(&Story::new(
        "alice joins
         alice joined 0 of 1
         alice sends tea
         alice unknown tea
         alice loses-connection
         carol joins
         carol resumes 1 tea
         test restores 1
         carol loses-connection
         alice joins
         alice joined 0 of 2
         carol joins
         carol joined 0 of 2
         test reads-all 0 of 2",
    ));
}

#[test]
fn a_join_that_arrives_twice_is_dealt_with_twice() {
    let story = talk().with("carol joins after 2 of 1", &["carol joins after 2 of 1"; 2]).with(
        "carol joined 4 of 1",
        &["carol joined 4 of 1", "carol resumes 3 sugar", "carol resumes 4 cake", "AGAIN"],
    );
    assert_sound(&story.with("AGAIN", &["carol joined 4 of 1"]));
}

#[test]
fn a_refusal_of_another_text_leaves_the_first_in_place() {
    let story = dictation().with(
        "bob acked milk 2",
        &["bob sends milk/oats", "bob refused milk/oats", "bob acked milk 2"],
    );
    assert_sound(&story);
}

#[test]
fn another_text_that_is_acked_as_the_first_breaks_i5() {
    let story = dictation().with(
        "bob acked milk 2",
        &["bob acked milk 2", "bob sends milk/oats", "bob acked milk/oats 2"],
    );
    assert_broken(I5, &story);
}

#[test]
fn a_client_that_is_behind_when_something_else_breaks_may_take_its_time() {
    let story =
        trouble().with("test heals", &["test heals", "test breaks disk", "wait 90000", "END"]);
    assert_sound(&story.with("END", &["test heals"]));
}

// What proves nothing.

#[test]
fn a_history_whose_rooms_were_not_read_is_unfit() {
    assert_unfit(&Story::new("alice sends tea"), "was never read in full");
}

#[test]
fn a_history_that_ends_in_a_fault_is_unfit() {
    assert_unfit(&Story::new("test breaks disk"), "still broken in the end");
}

#[test]
fn an_answer_to_nothing_is_unfit() {
    assert_unfit(&dictation().without("alice sends tea"), "an ack of what was not sent");
    let refused = Story::new("bob refused milk");
    assert_unfit(&refused, "a refusal of what was not sent");
    let unknown = Story::new("bob unknown milk");
    assert_unfit(&unknown, "it is unknown what became of what was not sent");
    let join = talk().without("carol joins after 2 of 1");
    assert_unfit(&join, "a join is answered that was not sent");
    let page = talk().without("bob asks-for-history");
    assert_unfit(&page, "a page of history that was not asked for");
}

#[test]
fn an_answer_about_something_else_is_unfit() {
    let other = dictation().with("bob acked milk 2", &["bob acked milk/oats 2"]);
    assert_unfit(&other, "an ack of a text that was not sent");
    let rooms = dictation().with("bob unknown cake", &["bob sends cake in cellar"]);
    assert_unfit(&rooms, "was sent to two rooms");
    let stranger = Story::new(
        "alice sends tea
         alice acked tea 1",
    );
    assert_unfit(&stranger, "an ack to somebody who has not joined");
}

#[test]
fn messages_of_a_page_that_was_not_given_are_unfit() {
    let story = talk().without("bob reads 4 of 1");
    assert_unfit(&story, "a message of a page of history that was not read");
}

#[test]
fn a_room_that_is_not_read_once_and_in_one_go_is_unfit() {
    let twice = dictation().with("test row 3 cake", &["test row 3 cake", "test reads-all 0 of 1"]);
    assert_unfit(&twice, "read in full for the second time");
    let row =
        dictation().with("test reads-all 3 of 1", &["test row 1 pie", "test reads-all 3 of 1"]);
    assert_unfit(&row, "a row of a room that is not being read");
    let late = dictation().without("bob acked cake 3");
    let late = late.with("test row 3 cake", &["test row 3 cake", "bob acked cake 3"]);
    assert_unfit(&late, "an ack after the room was read in full");
}

#[test]
fn a_cursor_beyond_what_a_client_has_heard_is_unfit() {
    let story = talk().with("carol joins after 2 of 1", &["carol joins after 3 of 1"]);
    let story = story.without("carol resumes 3 sugar");
    assert_unfit(&story, "a cursor beyond what the client has");
}

#[test]
fn resources_with_nothing_to_compare_them_with_are_unfit() {
    assert_unfit(&Story::new("test uses after 1 1 1"), "resources without a baseline");
}

#[test]
fn records_out_of_order_are_unfit() {
    let mut records = dictation().records();
    records.swap(1, 2);
    let report = judge(&records, Limits::default());
    assert!(report.mistakes.iter().any(|mistake| mistake.contains("it is earlier")), "{report}");
}

#[test]
fn a_surprise_is_not_clean_and_helps_to_explain_what_else_befell_its_client() {
    let story =
        talk().with("bob asks-for-history", &["bob surprised late", "bob asks-for-history"]);
    let report = judge(&story.records(), Limits::default());
    assert!(report.broken().is_empty() && !report.is_clean(), "{report}");
    assert_eq!(report.surprises.len(), 1);

    let story = story.with("bob finds 2 milk", &["bob finds 1 tea"]);
    let report = judge(&story.records(), Limits::default());
    assert!(report.violations[0].records.contains(&report.surprises[0]), "{report}");
}
