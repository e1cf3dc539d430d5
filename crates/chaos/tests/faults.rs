//! A short run of every fault, with a seed that is always the same.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::time::Duration;

use chaos::{Program, Scale, Workload};

async fn survives(workload: Workload, seed: u64, seconds: u64) {
    let steered = workload.is_steered();
    let program = if steered { Program::steered() } else { Program::parlor() };
    let (length, patience) = (Duration::from_secs(seconds), Duration::from_mins(1));
    let scale = Scale { length, sockets: 320, readers: 100, patience };
    let verdict = workload.run(&program.unwrap(), seed, scale).await.unwrap();
    let (name, report) = (workload.name(), &verdict.report);
    assert!(verdict.is_clean(), "{name}: {report}\n{}", verdict.file.display());
    assert!(verdict.figures.acked > 0, "{name} proves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_forgets_nothing_that_it_acked() {
    survives(Workload::Kills, 1, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_end_says_goodbye_and_loses_nothing() {
    survives(Workload::Drains, 12, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_more_than_once_is_heard_once() {
    survives(Workload::Duplicates, 9, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_returning_clients_costs_a_few_questions_for_each_room() {
    survives(Workload::Storm, 10, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_costs_time_and_nothing_else() {
    survives(Workload::Network, 6, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_everybody_is_told_and_the_log_is_what_the_backup_had() {
    survives(Workload::Backup, 11, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_acked_is_lost() {
    survives(Workload::FullDisk, 3, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_changes_no_order_and_logs_nobody_out() {
    survives(Workload::Clock, 5, 4).await;
}

// Most of a minute: the program pings every 25 seconds, and waits for the answer for 20.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_vanish_are_found_and_leave_nothing_behind() {
    survives(Workload::HalfOpen, 7, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stop_cost_little_and_are_closed() {
    survives(Workload::Readers, 8, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_life_leaves_nothing_behind() {
    survives(Workload::Soak, 13, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_logged_out_hears_nothing_more() {
    survives(Workload::LogOuts, 14, 4).await;
}
