//! Negative controls: a server that breaks one promise on purpose has to be caught by the workload that is there for it. If
//! one of them stays green, the workload proves nothing.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::time::Duration;

use chaos::{Program, Scale, Workload};
use checker::Invariant;

/// A control that is caught at once is not tried again; one that is not has bad luck at most this often.
const ATTEMPTS: u64 = 3;

/// A workload finds what a server does that breaks this promise; the test fails if it does not, or finds something else.
async fn catches(workload: Workload, seconds: u64, sabotage: &str, sign: Sign) {
    let program = Program::steered().unwrap().with("PARLOR_SABOTAGE", sabotage);
    // Not all that is broken heals.
    let (length, patience) = (Duration::from_secs(seconds), Duration::from_secs(5));
    let scale = Scale { length, sockets: 320, readers: 100, patience };
    for seed in 1..=ATTEMPTS {
        let verdict = workload.run(&program, seed, scale).await.unwrap();
        // Nobody wants to keep the histories of these.
        std::fs::remove_file(&verdict.file).ok();
        let shows = match sign {
            Sign::Broken(invariant) => verdict.report.tally(invariant).violations > 0,
            Sign::Said(words) => {
                let mut surprises = verdict.report.surprises.iter();
                surprises.any(|surprise| surprise.to_string().contains(words))
            }
        };
        if shows {
            return;
        }
    }
    panic!("{} does not notice {sabotage}", workload.name());
}

/// By what a broken promise is known.
#[derive(Clone, Copy)]
enum Sign {
    Broken(Invariant),
    Said(&'static str),
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_before_the_commit_is_noticed_when_the_disk_is_full() {
    catches(Workload::FullDisk, 3, "ack-before-commit", Sign::Broken(Invariant::I1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_that_becomes_a_message_is_noticed() {
    catches(Workload::Duplicates, 3, "no-dedupe", Sign::Broken(Invariant::I3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_left_out_is_noticed() {
    catches(Workload::Kills, 2, "number-skipped", Sign::Broken(Invariant::I4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_time_runs_back_with_the_clock_is_noticed() {
    catches(Workload::Clock, 3, "clock-orders", Sign::Broken(Invariant::I7)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_returning_client_is_not_told_is_noticed() {
    for sabotage in ["forgets-one", "told-twice"] {
        catches(Workload::Kills, 4, sabotage, Sign::Broken(Invariant::I6)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_without_a_bound_is_noticed() {
    catches(Workload::Readers, 3, "unbounded-queue", Sign::Said("stopped readers are closed"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_a_goodbye_is_noticed() {
    catches(Workload::Drains, 6, "no-drain", Sign::Said("were told of the end")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_of_what_a_full_disk_did_not_take_is_noticed() {
    catches(Workload::FullDisk, 4, "ack-on-failure", Sign::Broken(Invariant::I1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_live_before_what_was_missed_is_noticed() {
    catches(Workload::Network, 8, "member-before-backlog", Sign::Broken(Invariant::I6)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_hears_on_after_its_end_is_noticed() {
    catches(Workload::LogOuts, 1, "no-revocation", Sign::Broken(Invariant::I9)).await;
}
