//! Some hundred seeds: every promise is kept, and what a seed gave once it gives again.

use simulation::{Keep, Tally, run};

/// Steps of an episode before it is healed.
const STEPS: u64 = 3000;
/// Enough for every kind of trouble, in seconds.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=300;

#[test]
fn whatever_goes_wrong_every_promise_is_kept() {
    let mut tally = Tally::default();
    for seed in SEEDS {
        let outcome = run(seed, STEPS, Keep::Nothing);
        assert!(
            outcome.is_clean(),
            "{outcome}\nto see it again: cargo run -p simulation -- --replay --seed {seed} --episode {STEPS}"
        );
        tally += outcome.tally;
    }
    // What did not happen was not tried.
    let Tally { acked, repeated, resumed, resyncs, lagging, revocations, .. } = tally;
    let Tally { crashes, drains, restores, lost, .. } = tally;
    let tried =
        [acked, repeated, resumed, resyncs, lagging, revocations, crashes, drains, restores, lost];
    assert!(tried.iter().all(|count| *count > 0), "{tally}");
}

#[test]
fn a_seed_gives_the_same_history_every_time() {
    for seed in [1, 7, 42, 1_000_003] {
        let once = run(seed, STEPS, Keep::Everything);
        let again = run(seed, STEPS, Keep::Everything);
        assert!(once.history.len() > 100, "{}", once.history.len());
        assert!(once.history == again.history, "seed {seed}");
        assert_eq!(once.tally, again.tally);
    }
    let other = run(2, STEPS, Keep::Everything);
    assert_ne!(
        run(1, STEPS, Keep::Everything).history.last().unwrap(),
        other.history.last().unwrap()
    );
}
