//! What is wrong with what a client is told: I6, and I8 to I10.

use checker::Invariant::{I6, I8, I9, I10};

use crate::assert_broken;
use crate::sound_stories::{farewell, restoration, talk, trouble};
use crate::story::Story;

// I6
#[test]
fn a_message_left_out_of_a_stream_breaks_i6() {
    assert_broken(I6, &talk().without("bob hears 3 sugar"));
}

#[test]
fn a_message_left_out_of_what_is_resumed_breaks_i6() {
    assert_broken(I6, &talk().without("carol resumes 3 sugar"));
}

#[test]
fn a_message_left_out_between_resumed_and_live_breaks_i6() {
    let story = talk().without("carol resumes 4 cake");
    assert_broken(I6, &story);
}

#[test]
fn a_message_told_twice_breaks_i6() {
    let story = talk().with("bob hears 3 sugar", &["bob hears 3 sugar", "bob hears 3 sugar"]);
    assert_broken(I6, &story);
}

#[test]
fn a_message_resumed_twice_breaks_i6() {
    let twice = ["carol resumes 3 sugar", "carol resumes 3 sugar"];
    assert_broken(I6, &talk().with("carol resumes 3 sugar", &twice));
}

#[test]
fn messages_in_the_wrong_order_break_i6() {
    assert_broken(I6, &talk().swapped("bob hears 3 sugar", "bob hears 4 cake"));
}

#[test]
fn a_member_who_is_told_live_before_the_backlog_breaks_i6() {
    let story = talk().swapped("carol resumes 3 sugar", "carol resumes 4 cake");
    assert_broken(I6, &story);
}

#[test]
fn a_message_to_somebody_who_is_not_in_the_room_breaks_i6() {
    let story = talk().with("bob unknown cake", &["bob unknown cake", "carol hears 3 sugar"]);
    assert_broken(I6, &story);
}

#[test]
fn a_resync_without_a_cause_breaks_i6() {
    let story = talk()
        .with("carol joins after 2 of 1", &["carol joins after 2 of 1", "carol resync 3 of 1"]);
    assert_broken(I6, &story);
}

#[test]
fn a_resync_that_nobody_asked_for_breaks_i6() {
    let story =
        trouble().with("carol joined 2 of 1", &["carol joined 2 of 1", "carol resync 2 of 1"]);
    let story =
        story.with("test reads-all 2 of 1", &["carol hears 2 milk", "test reads-all 2 of 1"]);
    assert_broken(I6, &story);
}

#[test]
fn another_epoch_without_a_resync_breaks_i6() {
    let story = restoration()
        .with("alice joins after 3 of 1", &["alice joins after 1 of 1"])
        .without("alice resync 1 of 2")
        .without("alice resumes 1 tea");
    assert_broken(I6, &story);
}

#[test]
fn a_join_without_a_cursor_that_tells_nothing_breaks_i6() {
    let story = talk().without("carol resumes 1 tea").without("carol resumes 2 milk");
    assert_broken(I6, &story);
}

#[test]
fn a_page_of_history_with_a_hole_breaks_i6() {
    let story = talk().with("bob finds 2 milk", &["bob finds 1 tea"]);
    assert_broken(I6, &story);
}

// I8
#[test]
fn a_join_that_ends_before_what_was_heard_breaks_i8() {
    let story = talk()
        .with(
            "carol joined 4 of 1",
            &["carol joined 4 of 1", "carol loses-connection", "carol joins", "END"],
        )
        .with("END", &["carol resumes 3 sugar", "carol joined 3 of 1", "carol hears 4 cake"]);
    assert_broken(I8, &story);
}

#[test]
fn a_page_of_history_that_ends_before_what_was_heard_breaks_i8() {
    let story = talk().with("bob reads 4 of 1", &["bob reads 3 of 1"]);
    assert_broken(I8, &story);
}

#[test]
fn a_page_of_history_that_ends_before_what_was_read_breaks_i8() {
    let story = talk().with(
        "bob finds 3 sugar",
        &["bob finds 3 sugar", "bob asks-for-history", "bob reads 3 of 1", "bob finds 1 tea"],
    );
    assert_broken(I8, &story);
}

#[test]
fn a_log_that_was_taken_back_without_another_epoch_breaks_i8() {
    let story = Story::new(
        "alice joins
         alice joined 0 of 1
         alice sends tea
         alice hears 1 tea
         alice sends milk
         alice hears 2 milk
         alice acked tea 1
         alice acked milk 2
         alice loses-connection
         test restores 5
         alice joins after 2 of 1
         alice resync 1 of 1
         alice resumes 1 tea
         alice joined 1 of 1
         test reads-all 1 of 1
         test row 1 tea",
    );
    assert_broken(I8, &story);
}

#[test]
fn an_epoch_that_runs_backwards_breaks_i8() {
    let story = restoration().with(
        "alice sends tea",
        &[
            "alice asks-for-history",
            "alice reads 0 of 2",
            "alice asks-for-history",
            "alice reads 0 of 1",
            "alice sends tea",
        ],
    );
    assert_broken(I8, &story);
}

// I9
#[test]
fn a_message_more_than_a_second_after_revocation_breaks_i9() {
    assert_broken(I9, &farewell().with("wait 900", &["wait 1000"]));
}

#[test]
fn a_message_to_another_client_of_somebody_who_is_out_breaks_i9() {
    let story = Story::new(
        "bob joins
         bob joined 0 of 1
         bob left
         alice joins
         alice joined 0 of 1
         alice's-phone joins
         alice's-phone joined 0 of 1
         alice revoked-everywhere
         alice loses-connection
         wait 2000
         bob sends tea
         alice's-phone hears 1 tea
         bob acked tea 1
         test reads-all 1 of 1
         test row 1 tea",
    );
    assert_broken(I9, &story);
}

#[test]
fn an_ack_more_than_a_second_after_revocation_breaks_i9() {
    let story = Story::new(
        "alice joins
         alice joined 0 of 1
         alice left
         alice revoked
         wait 1500
         alice sends tea
         alice acked tea 1
         test reads-all 1 of 1
         test row 1 tea",
    );
    assert_broken(I9, &story);
}

#[test]
fn a_join_more_than_a_second_after_revocation_breaks_i9() {
    assert_broken(I9, &farewell().without("carol logs-in"));
}

#[test]
fn history_more_than_a_second_after_revocation_breaks_i9() {
    let story = farewell()
        .with("carol logs-in", &["carol asks-for-history", "carol reads 1 of 1", "carol logs-in"]);
    assert_broken(I9, &story);
}

// I10
#[test]
fn a_client_that_does_not_hear_the_last_message_breaks_i10() {
    assert_broken(I10, &talk().without("bob hears 4 cake"));
}

#[test]
fn a_client_that_does_not_come_back_breaks_i10() {
    let story = trouble().without("carol joins after 1 of 1");
    assert_broken(I10, &story.without("carol resumes 2 milk").without("carol joined 2 of 1"));
}

#[test]
fn a_client_that_comes_back_late_breaks_i10() {
    assert_broken(I10, &trouble().with("wait 1000", &["wait 31000"]));
}

#[test]
fn a_client_that_was_late_when_something_else_broke_breaks_i10() {
    let story =
        trouble().with("wait 1000", &["wait 31000", "test breaks disk", "wait 1", "test heals"]);
    assert_broken(I10, &story);
}

#[test]
fn a_client_that_ends_in_calm_before_it_has_caught_up_breaks_i10() {
    let story = trouble().with("carol joins after 1 of 1", &["carol ends"]);
    let story = story.without("carol resumes 2 milk").without("carol joined 2 of 1");
    assert_broken(I10, &story);
}
