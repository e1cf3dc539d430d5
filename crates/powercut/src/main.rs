//! Many seeds: `cargo xtask powercut --seeds 10000`. One of them again: `cargo xtask powercut --from 4711 --seeds 1`.

use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{Parser, ValueEnum};
use powercut::{Weather, run_all};

/// How many trials go by between two lines of progress.
const PROGRESS: u64 = 1000;

/// Lets the store live through power cuts, killed processes, failing calls and full disks, one seed after the other.
#[derive(Parser)]
struct Options {
    /// What happens to the disk.
    #[arg(long, value_enum, default_value = "storms")]
    weather: Kind,
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many threads. As many as there are processors, unless told otherwise.
    #[arg(long)]
    jobs: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Power cuts and killed processes, sometimes after calls that fail.
    Storms,
    /// Calls that fail, once, a few times, or from then on.
    Breakdowns,
    /// Full disks.
    Floods,
    /// Power cuts on a disk that lies about syncs. Has to go wrong.
    Lies,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let weather = match options.weather {
        Kind::Storms => Weather::Storms,
        Kind::Breakdowns => Weather::Breakdowns,
        Kind::Floods => Weather::Floods,
        Kind::Lies => Weather::Lies,
    };
    let jobs = options.jobs.or_else(|| available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let seeds = options.from..options.from + options.seeds;
    let tally = run_all(weather, seeds, jobs, |tally| {
        if tally.seeds.is_multiple_of(PROGRESS) {
            eprintln!("{} seeds, {} violations", tally.seeds, tally.violations.len());
        }
    });
    print!("{tally}");
    for (seed, violation) in &tally.violations {
        println!("seed {seed}: {violation}");
    }
    if tally.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
