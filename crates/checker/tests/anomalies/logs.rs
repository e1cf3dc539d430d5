//! What is wrong with a log: I1 to I5, and I7.

use checker::Invariant::{I1, I2, I3, I4, I5, I7};

use crate::sound_stories::{dictation, restoration, talk};
use crate::story::Story;
use crate::{assert_broken, assert_sound};

// I1
#[test]
fn an_acked_send_that_the_log_lost_at_its_end_breaks_i1() {
    let story = dictation().with("test reads-all 3 of 1", &["test reads-all 2 of 1"]);
    assert_broken(I1, &story.without("test row 3 cake"));
}

#[test]
fn an_acked_send_that_everybody_heard_and_the_log_lost_breaks_i1() {
    let story = talk()
        .with("bob unknown cake", &["bob acked cake 4"])
        .with(
            "test reads-all 4 of 1",
            &["alice ends", "bob ends", "carol ends", "test reads-all 3 of 1"],
        )
        .without("test row 4 cake");
    assert_broken(I1, &story);
}

#[test]
fn an_acked_send_that_the_server_shows_and_the_file_lacks_breaks_i1() {
    let both = dictation().with(
        "test row 3 cake",
        &["test row 3 cake", "test opens-all 2 of 1", "test row 1 tea", "test row 2 milk"],
    );
    assert_broken(I1, &both);
}

#[test]
fn what_was_acked_before_the_backup_and_is_gone_after_the_restore_breaks_i1() {
    assert_broken(I1, &restoration().with("test restores 6", &["test restores 9"]));
}

#[test]
fn what_was_acked_after_the_restore_and_is_gone_breaks_i1() {
    let story = restoration()
        .with("test reads-all 2 of 2", &["alice ends", "test reads-all 1 of 2"])
        .without("test row 2 sugar@200");
    assert_broken(I1, &story);
}

// I2
#[test]
fn a_message_that_nobody_sent_breaks_i2() {
    let story = dictation().with("test reads-all 3 of 1", &["test reads-all 4 of 1"]);
    assert_broken(I2, &story.with("test row 3 cake", &["test row 3 cake", "test row 4 ghost"]));
}

#[test]
fn a_text_that_nobody_sent_breaks_i2() {
    let story = dictation()
        .with("bob acked cake 3", &["bob unknown cake"])
        .with("test row 3 cake", &["test row 3 cake/pie"]);
    assert_broken(I2, &story);
}

#[test]
fn a_refused_send_that_is_stored_breaks_i2() {
    let story = talk().with("bob unknown cake", &["bob refused cake"]);
    assert_broken(I2, &story);
}

#[test]
fn a_message_in_a_room_to_which_it_was_not_sent_breaks_i2() {
    let story = talk().with(
        "bob asks-for-history",
        &[
            "bob joins in cellar",
            "bob resumes 1 tea in cellar",
            "bob joined 1 of 1 in cellar",
            "bob ends",
            "bob asks-for-history",
        ],
    );
    assert_broken(I2, &story);
}

#[test]
fn a_message_heard_before_it_was_sent_breaks_i2() {
    let story = talk().without("alice hears 4 cake");
    let story = story.with("bob sends cake", &["alice hears 4 cake", "bob sends cake"]);
    assert_broken(I2, &story);
}

// I3
#[test]
fn a_repetition_that_is_stored_twice_breaks_i3() {
    let story = dictation().with("test reads-all 3 of 1", &["test reads-all 4 of 1"]);
    assert_broken(I3, &story.with("test row 3 cake", &["test row 3 cake", "test row 4 cake"]));
}

#[test]
fn a_repetition_that_is_acked_as_another_breaks_i3() {
    let story = dictation().with("bob unknown cake", &["bob acked cake 4"]);
    let story = story.with("test reads-all 3 of 1", &["test reads-all 4 of 1"]);
    let story = story.with("test row 3 cake", &["test row 3 pie", "test row 4 cake"]);
    let story = story.with("bob sends milk", &["bob sends pie", "bob sends milk"]);
    assert_broken(I3, &story);
}

#[test]
fn a_repetition_that_is_heard_twice_breaks_i3() {
    let twice = &["alice hears 4 cake", "alice hears 5 cake"];
    let story = talk().with("alice hears 4 cake", twice);
    assert_broken(I3, &story);
}

// I4
#[test]
fn a_number_that_is_left_out_breaks_i4() {
    let story = dictation()
        .with("bob acked cake 3", &["bob acked cake 4"])
        .with("test reads-all 3 of 1", &["test reads-all 4 of 1"])
        .with("test row 3 cake", &["test row 4 cake"]);
    assert_broken(I4, &story);
}

#[test]
fn a_log_that_begins_with_two_breaks_i4() {
    let story = Story::new(
        "alice joins
         alice joined 0 of 1
         alice left
         alice sends tea
         alice acked tea 2
         test reads-all 2 of 1
         test row 2 tea",
    );
    assert_broken(I4, &story);
}

#[test]
fn a_number_that_is_read_twice_breaks_i4() {
    let story = dictation();
    assert_broken(I4, &story.with("test row 3 cake", &["test row 3 cake", "test row 3 cake"]));
}

#[test]
fn a_head_beyond_the_last_message_breaks_i4() {
    assert_broken(I4, &dictation().with("test reads-all 3 of 1", &["test reads-all 4 of 1"]));
}

#[test]
fn a_number_zero_breaks_i4() {
    let story = Story::new(
        "alice sends tea
         alice joins
         alice resumes 0 tea
         alice joined 0 of 1
         test reads-all 0 of 1",
    );
    assert_broken(I4, &story);
}

#[test]
fn a_number_beyond_all_that_was_ever_sent_breaks_i4() {
    let story = Story::new(
        "alice sends tea
         alice joins
         alice resumes 99999999999 tea
         alice joined 99999999999 of 1
         alice ends
         test reads-all 0 of 1",
    );
    assert_broken(I4, &story);
}

// I5
#[test]
fn a_text_that_differs_between_clients_breaks_i5() {
    assert_broken(I5, &talk().with("carol resumes 3 sugar", &["carol resumes 3 sugar/salt"]));
}

#[test]
fn a_time_that_differs_between_live_and_history_breaks_i5() {
    assert_broken(I5, &talk().with("bob finds 3 sugar", &["bob finds 3 sugar@31"]));
}

#[test]
fn an_ack_that_differs_from_what_is_heard_breaks_i5() {
    assert_broken(I5, &talk().with("bob acked milk 2", &["bob acked milk@21 2"]));
}

#[test]
fn two_clients_that_hear_in_different_orders_break_i5() {
    let story = talk()
        .with("bob hears 3 sugar", &["bob hears 3 cake"])
        .with("bob hears 4 cake", &["bob hears 4 sugar"]);
    assert_broken(I5, &story);
}

#[test]
fn an_unacked_message_that_was_heard_and_is_not_in_the_log_breaks_i5() {
    let story = talk()
        .with(
            "test reads-all 4 of 1",
            &["alice ends", "bob ends", "carol ends", "test reads-all 3 of 1"],
        )
        .without("test row 4 cake");
    assert_broken(I5, &story);
}

#[test]
fn a_file_that_differs_from_what_the_server_shows_breaks_i5() {
    let story = dictation().with("bob acked milk 2", &["bob unknown milk"]).with(
        "test row 3 cake",
        &[
            "test row 3 cake",
            "test opens-all 3 of 1",
            "test row 1 tea",
            "test row 2 milk@19",
            "END",
        ],
    );
    assert_broken(I5, &story.with("END", &["test row 3 cake"]));
}

#[test]
fn what_was_heard_on_a_connection_that_was_lost_before_it_had_joined_counts_too() {
    let heard = |milk| {
        let again = ["carol joins after 0 of 1", "carol resumes 1 tea", "carol resumes 2 milk"];
        let story = talk().without("carol joined 2 of 1").with("carol resumes 2 milk", &[milk]);
        story.with("carol joins after 2 of 1", &again)
    };
    assert_sound(&heard("carol resumes 2 milk"));
    assert_broken(I5, &heard("carol resumes 2 milk@21"));
}

#[test]
fn a_restored_log_without_a_message_in_the_middle_breaks_i5() {
    // Sugar is there without milk, which came before it.
    let story = restoration()
        .with("alice resync 1 of 2", &["alice resync 2 of 2"])
        .with("alice joined 1 of 2", &["alice resumes 2 sugar@30", "alice joined 2 of 2"])
        .without("alice hears 2 sugar@200")
        .with("alice acked sugar@200 2", &["alice acked sugar@30 2"])
        .with("test row 2 sugar@200", &["test row 2 sugar@30"]);
    assert_broken(I5, &story);
}

// I7
#[test]
fn a_message_before_one_that_was_acked_when_it_was_sent_breaks_i7() {
    let story = dictation()
        .with("alice acked tea 1", &["alice acked tea 2"])
        .with("bob acked milk 2", &["bob acked milk 1"])
        .with("test row 1 tea", &["test row 1 milk"])
        .with("test row 2 milk", &["test row 2 tea"]);
    assert_broken(I7, &story);
}

#[test]
fn an_unacked_message_before_one_that_was_acked_when_it_was_sent_breaks_i7() {
    let story = dictation()
        .with("alice acked tea 1", &["alice acked tea 2"])
        .with("bob acked milk 2", &["bob unknown milk"])
        .with("test row 1 tea", &["test row 1 milk"])
        .with("test row 2 milk", &["test row 2 tea"]);
    assert_broken(I7, &story);
}

#[test]
fn time_that_runs_backwards_in_a_room_breaks_i7() {
    let story = dictation()
        .with("bob acked cake 3", &["bob acked cake@15 3"])
        .with("test row 3 cake", &["test row 3 cake@15"]);
    assert_broken(I7, &story);
}
