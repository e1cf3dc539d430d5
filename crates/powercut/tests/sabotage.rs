//! A proof that cannot fail proves nothing: each promise is broken on purpose, and the same trials have to notice.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use powercut::{Weather, run_all};
use server::sabotage::Sabotage;

/// So many trials are enough to find out.
const SEEDS: u64 = 60;

/// A sabotage is the whole process's: one after the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// By somebody who says so in these words.
fn is_found_out(sabotage: Sabotage, words: &str) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    Sabotage::choose(Some(sabotage));
    let tally = run_all(Weather::Storms, 0..SEEDS, available_parallelism().unwrap().into(), |_| {});
    Sabotage::choose(None);
    let found = tally.violations.iter().filter(|(_, found)| found.to_string().contains(words));
    let found = found.count();
    assert!(found > 0, "{} is not noticed:\n{tally}", sabotage.name());
    println!("{}: noticed in {found} of {SEEDS} trials", sabotage.name());
}

#[test]
fn commits_that_do_not_wait_for_the_disk_are_found_out() {
    is_found_out(Sabotage::NoSync, "was acked");
}

#[test]
fn acks_that_do_not_wait_for_the_commit_are_found_out() {
    is_found_out(Sabotage::AckBeforeCommit, "was acked");
}

#[test]
fn acks_of_commits_that_failed_are_found_out() {
    is_found_out(Sabotage::AckOnFailure, "was acked");
}

#[test]
fn repeats_that_become_new_messages_are_found_out() {
    is_found_out(Sabotage::NoDedupe, "was acked as");
}

#[test]
fn a_number_that_is_left_out_is_found_out() {
    is_found_out(Sabotage::NumberSkipped, "has gaps");
}
