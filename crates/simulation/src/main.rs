//! Simulates, seed after seed, and prints what was found.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::{Keep, Outcome, Tally, run};

/// Live rooms, store and sessions under one seed.
#[derive(Debug, Parser)]
struct Options {
    /// Stop after this many steps.
    #[arg(long, value_name = "NUMBER")]
    steps: Option<u64>,
    /// Stop after this many simulated hours.
    #[arg(long, value_name = "NUMBER")]
    hours: Option<f64>,
    /// The first seed.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many seeds at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    threads: usize,
    /// Steps of one episode, before it is healed.
    #[arg(long, value_name = "NUMBER", default_value_t = 5000)]
    episode: u64,
    /// Run the first seed alone, and print what happened in it.
    #[arg(long)]
    replay: bool,
}

/// What all threads share.
struct Course {
    options: Options,
    next: AtomicU64,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    tally: Tally,
    failed: Vec<u64>,
    said_at: u64,
}

/// After this many failing seeds there is no point in going on.
const ENOUGH: usize = 10;
/// Progress is told every so many steps.
const TOLD_EVERY: u64 = 5_000_000;

#[expect(clippy::disallowed_methods, reason = "the time that simulating takes is a figure")]
fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.steps.is_none() && options.hours.is_none() {
        options.steps = Some(1_000_000);
    }
    if options.replay {
        return replay(&options);
    }
    let started = Instant::now();
    let next = AtomicU64::new(options.seed);
    let course = Course { options, next, done: Mutex::default() };
    thread::scope(|scope| {
        for _ in 0..course.options.threads {
            scope.spawn(|| course.goes_on());
        }
    });
    let Done { tally, failed, .. } =
        course.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let took = started.elapsed().as_secs_f64();
    println!("{tally}");
    println!(
        "{:.0} steps/s, {:.2} simulated hours/s, {took:.1} s",
        tally.steps as f64 / took,
        tally.passed.as_secs_f64() / 3600.0 / took
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(options: &Options) -> ExitCode {
    let outcome = run(options.seed, options.episode, Keep::Everything);
    for record in &outcome.history {
        println!("{record}");
    }
    println!("{outcome}");
    if outcome.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Course {
    fn goes_on(&self) {
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let outcome = run(seed, self.options.episode, Keep::Nothing);
            let outcome = if outcome.is_clean() {
                outcome
            } else {
                run(seed, self.options.episode, Keep::Everything)
            };
            if !self.takes(&outcome) {
                return;
            }
        }
    }

    /// Counts an episode; `false` when there have been enough.
    fn takes(&self, outcome: &Outcome) -> bool {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.tally += outcome.tally;
        if !outcome.is_clean() {
            done.failed.push(outcome.seed);
            println!("{outcome}");
            println!(
                "to see it again: cargo run --release -p simulation -- --replay --seed {} --episode {}\n",
                outcome.seed, self.options.episode
            );
        }
        let Tally { steps, passed, violations, episodes, .. } = done.tally;
        if steps / TOLD_EVERY > done.said_at {
            done.said_at = steps / TOLD_EVERY;
            let hours = passed.as_secs_f64() / 3600.0;
            println!("{episodes} seeds, {steps} steps, {hours:.1} hours, {violations} violations");
        }
        let is_enough = self.options.steps.is_some_and(|most| steps >= most)
            || self
                .options
                .hours
                .is_some_and(|most| passed >= Duration::from_secs_f64(most * 3600.0))
            || done.failed.len() >= ENOUGH;
        !is_enough
    }
}
