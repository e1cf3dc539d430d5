//! Every promise broken on purpose is seen to be broken. One after the other: a sabotage is of the whole process.

use std::collections::BTreeSet;

use checker::Invariant;
use server::sabotage::Sabotage;
use simulation::{Keep, run};

/// Steps of an episode before it is healed.
const STEPS: u64 = 3000;
/// A sabotage that is not seen in so many seeds is not seen.
const SEEDS: u64 = 100;

/// What is seen to be broken, by what can be seen here.
fn broken_by(sabotage: Sabotage) -> Option<Invariant> {
    Some(match sabotage {
        Sabotage::AckBeforeCommit | Sabotage::AckOnFailure => Invariant::I1,
        Sabotage::NoDedupe => Invariant::I3,
        Sabotage::NumberSkipped => Invariant::I4,
        Sabotage::ForgetsOne | Sabotage::MemberBeforeBacklog | Sabotage::ToldTwice => Invariant::I6,
        Sabotage::ClockOrders => Invariant::I7,
        Sabotage::NoRevocation => Invariant::I9,
        // The disk beneath the store, the engine's queues and the end of the process are not in it.
        Sabotage::NoSync | Sabotage::UnboundedQueue | Sabotage::NoDrain => return None,
    })
}

#[test]
fn every_sabotage_is_caught() {
    for &sabotage in Sabotage::ALL {
        let Some(promise) = broken_by(sabotage) else { continue };
        Sabotage::choose(Some(sabotage));
        let broken = |seed| BTreeSet::from_iter(run(seed, STEPS, Keep::Nothing).report.broken());
        let caught = (1..=SEEDS).find(|seed| broken(*seed).contains(&promise));
        Sabotage::choose(None);
        assert!(caught.is_some(), "{} is not seen in {SEEDS} seeds", sabotage.name());
        println!("{}: {promise:?}, seed {}", sabotage.name(), caught.unwrap_or_default());
    }
}
