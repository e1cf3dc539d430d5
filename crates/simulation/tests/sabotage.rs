//! Every promise broken on purpose is seen to be broken. One after the other: a sabotage is of the whole process.

use std::collections::BTreeSet;

use checker::Invariant;
use server::sabotage::Sabotage;
use simulation::{Keep, run};

/// Steps of an episode before it is healed.
const STEPS: u64 = 3000;
/// A sabotage that is not seen in so many seeds is not seen.
const SEEDS: u64 = 100;

#[test]
fn every_sabotage_is_caught() {
    let promises = [
        (Sabotage::AckBeforeCommit, Invariant::I1),
        (Sabotage::AckOnFailure, Invariant::I1),
        (Sabotage::NoDedupe, Invariant::I3),
        (Sabotage::NumberSkipped, Invariant::I4),
        (Sabotage::ClockOrders, Invariant::I7),
        (Sabotage::ForgetsOne, Invariant::I6),
        (Sabotage::MemberBeforeBacklog, Invariant::I6),
        (Sabotage::ToldTwice, Invariant::I6),
        (Sabotage::NoRevocation, Invariant::I9),
    ];
    for (sabotage, promise) in promises {
        Sabotage::choose(Some(sabotage));
        let broken = |seed| BTreeSet::from_iter(run(seed, STEPS, Keep::Nothing).report.broken());
        let caught = (1..=SEEDS).find(|seed| broken(*seed).contains(&promise));
        Sabotage::choose(None);
        assert!(caught.is_some(), "{} is not seen in {SEEDS} seeds", sabotage.name());
        println!("{}: {promise:?}, seed {}", sabotage.name(), caught.unwrap_or_default());
    }
}
