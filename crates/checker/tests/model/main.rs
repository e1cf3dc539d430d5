//! Histories of a model of the chat, drawn at random. If it keeps its promises, the checker finds nothing. Each bug in it,
//! and each change to what it has recorded, is found.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod mutations;
mod world;

use std::time::Duration;

use checker::Invariant::{self, I1, I2, I3, I4, I5, I6, I7, I8, I9, I10};
use checker::{Limits, Record, Report, history, judge};
use proptest::collection::vec;
use proptest::prelude::*;
use world::{Bug, Draw};

/// How long something takes is not modelled.
fn report(records: &[Record]) -> Report {
    let long = Duration::from_hours(1);
    judge(
        records,
        Limits { ack: long, ack_in_faults: long, convergence: long, ..Limits::default() },
    )
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    vec(any::<Draw>(), 0..600)
}

/// Draws that are the same in every run.
fn seeded(seed: u64) -> Vec<Draw> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_be_bytes();
        [bytes[0], bytes[1], bytes[2]]
    };
    (0..1500).map(next).collect()
}

/// Without restores, which may take back what was wrong, and without second joins, which may hear things twice.
fn plain(mut draws: Vec<Draw>) -> Vec<Draw> {
    draws.retain(|draw| draw[0] % 40 < 37);
    draws
}

proptest! {
    #[test]
    fn a_chat_that_keeps_its_promises_is_found_clean(draws in draws()) {
        let report = report(&world::history(&draws, None));
        prop_assert!(report.is_clean(), "{report}");
    }

    #[test]
    fn whatever_is_changed_in_a_clean_history_is_found(
        draws in draws(),
        which in 0..mutations::ALL.len(),
        pick in any::<usize>(),
    ) {
        let records = world::history(&plain(draws), None);
        let mutation = mutations::ALL[which];
        if let Some(changed) = mutation.of(&records, pick) {
            let report = report(&changed);
            prop_assert!(!report.is_clean(), "{mutation:?}\n{report}");
        }
    }

    #[test]
    fn a_history_is_the_same_after_it_was_written_and_read(draws in draws()) {
        let records = world::history(&draws, None);
        let mut file = Vec::new();
        for record in &records {
            history::write(&mut file, record).unwrap();
        }
        prop_assert_eq!(history::read(&file[..]).unwrap(), records);
    }
}

#[test]
fn the_model_does_everything_that_there_is_to_be_checked() {
    let records: Vec<Record> =
        (0..50).flat_map(|seed| world::history(&seeded(seed), None)).collect();
    let census = world::census(&records);
    let kinds = [
        "ack", "unknown", "refusal", "live", "resumed", "history", "resync", "restore", "lost",
        "healed",
    ];
    for kind in kinds {
        assert!(census.get(kind).is_some_and(|&count| count >= 20), "{kind}: {census:?}");
    }
}

#[test]
fn every_mutation_can_be_made() {
    let histories: Vec<_> =
        (0..50).map(|seed| world::history(&plain(seeded(seed))[..300], None)).collect();
    for mutation in mutations::ALL {
        let made = histories.iter().filter(|records| mutation.of(records, 7).is_some()).count();
        assert!(made >= 5, "{mutation:?}: {made}");
    }
}

/// What a chat with a bug records is judged broken, for this reason among others, in many of 40 histories.
#[track_caller]
fn assert_found(bug: Bug, invariant: Invariant) {
    let needs_restores = matches!(bug, Bug::HidesTheResync | Bug::RestoresInSilence);
    let breaks = |seed: &u64| {
        let draws = seeded(*seed);
        let draws = if needs_restores { draws } else { plain(draws) };
        report(&world::history(&draws, Some(bug))).tally(invariant).violations > 0
    };
    let found = (0..40).filter(breaks).count();
    assert!(found >= 10, "{bug:?} breaks {invariant:?} in {found} of 40 histories");
}

#[test]
fn a_chat_that_acks_and_forgets_is_found() {
    assert_found(Bug::AcksAndForgets, I1);
}

#[test]
fn a_chat_that_invents_messages_is_found() {
    assert_found(Bug::Invents, I2);
}

#[test]
fn a_chat_that_stores_repetitions_twice_is_found() {
    assert_found(Bug::StoresTwice, I3);
}

#[test]
fn a_chat_that_skips_numbers_is_found() {
    assert_found(Bug::SkipsNumbers, I4);
    assert_found(Bug::SkipsNumbers, I6);
}

#[test]
fn a_chat_that_tells_others_something_else_is_found() {
    assert_found(Bug::TellsOthersElse, I5);
}

#[test]
fn a_chat_that_forgets_one_when_somebody_comes_back_is_found() {
    assert_found(Bug::ForgetsOne, I6);
}

#[test]
fn a_chat_that_tells_twice_is_found() {
    assert_found(Bug::TellsTwice, I6);
}

#[test]
fn a_chat_that_tells_the_newest_first_is_found() {
    assert_found(Bug::TellsNewestFirst, I6);
}

#[test]
fn a_chat_that_hides_that_it_was_restored_is_found() {
    assert_found(Bug::HidesTheResync, I6);
}

#[test]
fn a_chat_that_puts_messages_before_others_is_found() {
    assert_found(Bug::PutsBefore, I7);
}

#[test]
fn a_chat_that_turns_back_the_clock_is_found() {
    assert_found(Bug::TurnsBackTheClock, I7);
}

#[test]
fn a_chat_that_shows_old_pages_is_found() {
    assert_found(Bug::ShowsOldPages, I8);
}

#[test]
fn a_chat_that_is_restored_without_another_epoch_is_found() {
    assert_found(Bug::RestoresInSilence, I8);
}

#[test]
fn a_chat_that_goes_on_after_revocation_is_found() {
    assert_found(Bug::GoesOnAfterRevocation, I9);
}

#[test]
fn a_chat_that_forgets_who_is_there_is_found() {
    assert_found(Bug::ForgetsMembers, I10);
}
