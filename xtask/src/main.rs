//! Developer commands: `cargo xtask <command>`. Each is a list of steps that reads as a table of contents.
//! Nothing but the standard library, because this is compiled before anything else in a fresh clone.

mod programs;
mod report;
mod step;
mod tally;
mod workspace;

use std::env;
use std::process::ExitCode;

use programs::{
    CARGO_DENY, CARGO_FUZZ, CHROMIUM, CLIPPY, CPLUSPLUS, EMOJI, MAKE, NODE, NPM, PYTHON, Program,
    RUSTFMT,
};
use report::run_all;
use step::{Step, step};
use tally::Tally;

const USAGE: &str = "\
cargo xtask <command>

  test                           everything: formatting, lints, advisories, tests, real clients, a browser
  screenshots                    a picture of every view into target/screenshots, and those of the README
  fuzz [target] [--seconds N]    one fuzz target or each of them, for 60 seconds unless told otherwise
  bench [arguments]              the load generator, built for speed; `bench --help` is its manual
  chaos [arguments]              the program under faults, built for speed; `chaos --help` is its manual
  powercut [arguments]           the store on a disk that loses power; `powercut --help` is its manual
  simulate [arguments]           live rooms, store and sessions under one seed; `simulate --help` is its manual
  doctor                         the programs these commands need, and which of them are here";

const TESTING: [Program; 8] = [RUSTFMT, CLIPPY, MAKE, NODE, NPM, PYTHON, CHROMIUM, CARGO_DENY];
const SHOWING: [Program; 4] = [NODE, NPM, CHROMIUM, EMOJI];
const MEASURING: [Program; 3] = [MAKE, NODE, NPM];
const FUZZING: [Program; 2] = [CPLUSPLUS, CARGO_FUZZ];
const FUZZ_SECONDS: u32 = 60;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(&words).unwrap_or_else(|sentence| {
        eprintln!("{sentence}");
        ExitCode::FAILURE
    })
}

fn run(words: &[&str]) -> Result<ExitCode, String> {
    match words {
        ["test"] => {
            programs::ensure(&TESTING)?;
            Ok(run_all(&test()))
        }
        ["screenshots"] => {
            programs::ensure(&SHOWING)?;
            Ok(run_all(&screenshots()))
        }
        ["fuzz", options @ ..] => {
            let steps = fuzz(options)?;
            programs::ensure(&FUZZING)?;
            Ok(run_all(&steps))
        }
        ["bench", arguments @ ..] => {
            programs::ensure(&MEASURING)?;
            bench(arguments).run_in_the_open()
        }
        ["chaos", arguments @ ..] => {
            programs::ensure(&MEASURING)?;
            chaos(arguments).run_in_the_open()
        }
        ["powercut", arguments @ ..] => {
            programs::ensure(&MEASURING)?;
            powercut(arguments).run_in_the_open()
        }
        ["simulate", arguments @ ..] => {
            programs::ensure(&MEASURING)?;
            simulate(arguments).run_in_the_open()
        }
        ["doctor"] => Ok(programs::list(&[&TESTING[..], &[EMOJI], &FUZZING[..]].concat())),
        _ => Err(USAGE.to_owned()),
    }
}

fn test() -> Vec<Step> {
    let mut steps = packages();
    steps.extend([
        step("formatting", "cargo fmt --all --check"),
        step("lints", "cargo clippy --workspace --all-targets -- -D warnings"),
        step("documentation", "cargo doc --workspace --no-deps --document-private-items")
            .with_env("RUSTDOCFLAGS", "-D warnings"),
        step("licences and sources", "cargo deny check licenses bans sources"),
        step("advisories for Rust", "cargo deny check advisories")
            .unless_offline("failed to fetch advisory database"),
        step("types, lints and formatting of the page", "npm run check").within("web"),
        step("formatting of the browser tests", "npm run check").within("e2e"),
    ]);
    steps.extend(audits());
    steps.extend([
        step("tests", "cargo test --workspace --no-fail-fast").counted_by(Tally::of_cargo),
        step("tests of the page", "npm test").within("web").counted_by(Tally::of_vitest),
        // With the program that the tests above have built.
        step("two people in a browser", "npm test").within("e2e").counted_by(Tally::of_node),
    ]);
    steps
}

fn screenshots() -> Vec<Step> {
    let mut steps = packages();
    steps.extend([
        step("program", "cargo build --package server --bins --examples"),
        step("pictures", "npm run screenshots").within("e2e"),
    ]);
    steps
}

/// Fetches what the page and the browser tests are made with, where it is not there yet. The page's build would do it
/// too, but not before the formatting is looked at.
fn packages() -> Vec<Step> {
    let stale = ["web", "e2e"].into_iter().filter(|directory| !workspace::is_installed(directory));
    stale
        .map(|directory| {
            step(&format!("packages for {directory}"), "npm ci --no-audit --no-fund")
                .within(directory)
        })
        .collect()
}

fn audits() -> impl Iterator<Item = Step> {
    workspace::directories_with("package-lock.json").into_iter().map(|directory| {
        let name = format!("advisories for {}", directory.display());
        step(&name, "npm audit --package-lock-only")
            .within(directory)
            .unless_offline("audit endpoint returned an error")
    })
}

fn fuzz(options: &[&str]) -> Result<Vec<Step>, String> {
    let (target, seconds) = match options {
        [] => (None, None),
        ["--seconds", seconds] => (None, Some(seconds)),
        [target] => (Some(target), None),
        [target, "--seconds", seconds] | ["--seconds", seconds, target] => {
            (Some(target), Some(seconds))
        }
        _ => return Err(USAGE.to_owned()),
    };
    let seconds = seconds.map_or(Ok(FUZZ_SECONDS), |text| {
        text.parse().map_err(|_| format!("--seconds takes a whole number, not “{text}”"))
    })?;
    let targets = match target {
        Some(target) => vec![(*target).to_owned()],
        None => workspace::stems_in("crates/volley/fuzz/fuzz_targets"),
    };
    Ok(targets.iter().map(|target| fuzz_one(target, seconds)).collect())
}

fn fuzz_one(target: &str, seconds: u32) -> Step {
    step(target, &format!("cargo fuzz run {target} -- -max_total_time={seconds}"))
        .within("crates/volley")
        // Sanitizers hide behind an unstable flag, no reason to ask for a second toolchain.
        .with_env("RUSTC_BOOTSTRAP", "1")
}

fn bench(arguments: &[&str]) -> Step {
    step("bench", "cargo run --release --package bench --").and(arguments)
}

fn chaos(arguments: &[&str]) -> Step {
    step("chaos", "cargo run --release --package chaos --").and(arguments)
}

fn powercut(arguments: &[&str]) -> Step {
    step("powercut", "cargo run --release --package powercut --").and(arguments)
}

fn simulate(arguments: &[&str]) -> Step {
    step("simulate", "cargo run --release --package simulation --").and(arguments)
}
