//! `cargo xtask chaos`: faults for as long as wanted, and a table of what came of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chaos::{Program, Scale, Verdict, Workload, table};
use lexopt::{Arg, ValueExt};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

const USAGE: &str = "\
cargo xtask chaos [--minutes N] [--seed S] [--only T1,T6] [--round SECONDS] [--program FILE]

  --minutes N       how long, 10 unless told otherwise
  --seed S          decides what is done when; drawn and printed if it is not given
  --only T1,T6      these faults and no others
  --round SECONDS   how long a Parlor lives before its history is judged, 60 unless told otherwise
  --sockets N       connections that come back in a storm, 10,000 unless told otherwise
  --readers N       readers that stop, 1,000 unless told otherwise
  --program FILE    a `parlor` that is built already
  --once            one round, with exactly this seed: how a violation is replayed";

/// How long the last client may take to be where it should be when nothing is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// After so many rounds on end that could not be done, the next will not be either.
const MOST_IN_VAIN: usize = 3;

struct Options {
    length: Duration,
    seed: u64,
    workloads: Vec<Workload>,
    scale: Scale,
    program: Option<PathBuf>,
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode> {
    let Some(options) = parse(lexopt::Parser::from_env())? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    chaos::allow_many_connections()?;
    println!("build parlor");
    let program = match &options.program {
        Some(file) => Program::at(file.clone()),
        None => Program::parlor()?,
    };
    let is_needed = options.workloads.iter().any(|workload| workload.is_steered());
    let steered = if is_needed { Program::steered()? } else { program.clone() };
    println!("seed {}", options.seed);
    let mut draws = StdRng::seed_from_u64(options.seed);
    let (begun, mut rounds, mut broken) = (Instant::now(), Vec::new(), 0);
    let mut in_vain = 0;
    'rounds: loop {
        let mut workloads = options.workloads.clone();
        workloads.shuffle(&mut draws);
        for workload in workloads {
            let seed = if options.once { options.seed } else { draws.random() };
            let minute = begun.elapsed().as_secs() / 60;
            println!("{minute:3} min  {:4}{} (seed {seed})", workload.name(), workload.title());
            let program = if workload.is_steered() { &steered } else { &program };
            match workload.run(program, seed, options.scale).await {
                Ok(verdict) => {
                    tell(&verdict);
                    if !verdict.is_clean() {
                        println!("         {}", replay(workload, seed, options.scale));
                    }
                    broken += usize::from(!verdict.is_clean());
                    in_vain = 0;
                    rounds.push((workload, verdict));
                }
                Err(error) => {
                    println!("         could not be done: {error:#}");
                    println!("         {}", replay(workload, seed, options.scale));
                    broken += 1;
                    in_vain += 1;
                }
            }
            if in_vain == MOST_IN_VAIN || options.once || begun.elapsed() >= options.length {
                break 'rounds;
            }
        }
    }
    println!("\n{}", table(&rounds));
    let done = rounds.len();
    println!(
        "{done} histories judged, {broken} broken, in {} s; seed {}",
        begun.elapsed().as_secs(),
        options.seed
    );
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What came of a round.
fn tell(verdict: &Verdict) {
    let figures = &verdict.figures;
    println!(
        "         {} acked, {} heard, {} connections lost, whole again within {:.0} ms: {}",
        figures.acked,
        figures.live + figures.resumed,
        figures.lost,
        figures.convergence.longest().as_secs_f64() * 1e3,
        if verdict.is_clean() { "kept" } else { "BROKEN" },
    );
    if verdict.is_clean() {
        return;
    }
    println!("{}", verdict.report);
    println!("         history: {}", verdict.file.display());
}

fn replay(workload: Workload, seed: u64, scale: Scale) -> String {
    let Scale { length, sockets, readers, .. } = scale;
    let (name, seconds) = (workload.name(), length.as_secs());
    format!(
        "replay: cargo xtask chaos --only {name} --seed {seed} --once --round {seconds} --sockets {sockets} --readers {readers}"
    )
}

fn parse(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options {
        length: Duration::from_mins(10),
        seed: rand::rng().random_range(0..1 << 32),
        workloads: Workload::ALL.to_vec(),
        scale: Scale {
            length: Duration::from_mins(1),
            sockets: 10_000,
            readers: 1_000,
            patience: PATIENCE,
        },
        program: None,
        once: false,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("minutes") => {
                options.length = Duration::from_secs_f64(60.0 * arguments.value()?.parse::<f64>()?);
            }
            Arg::Long("seed") => options.seed = arguments.value()?.parse()?,
            Arg::Long("only") => options.workloads = named(&arguments.value()?.string()?)?,
            Arg::Long("round") => {
                options.scale.length = Duration::from_secs(arguments.value()?.parse()?);
            }
            Arg::Long("sockets") => options.scale.sockets = arguments.value()?.parse()?,
            Arg::Long("readers") => options.scale.readers = arguments.value()?.parse()?,
            Arg::Long("program") => options.program = Some(arguments.value()?.into()),
            Arg::Long("once") => options.once = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn named(names: &str) -> Result<Vec<Workload>> {
    let find = |name: &str| {
        let found = Workload::ALL.into_iter().find(|workload| workload.name() == name);
        found.with_context(|| format!("there is no fault {name}"))
    };
    names.split(',').map(find).collect()
}
