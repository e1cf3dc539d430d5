//! Measures volley beside its peers, and Parlor as a whole. `cargo xtask bench` runs it; what it measures,
//! and how to read it, is in `docs/benchmarks.md`.
mod dialect;
mod fanout;
mod generator;
mod parlor;
mod poller;
mod process;
mod raw;
mod report;
mod servers;
mod wire;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
bench fanout [options]    all rows with all servers: one table of medians, ratios, goals
    --rows 1,2,5          only these rows
    --servers volley,raw  only these servers (volley raw socketioxide bun node)
    --rounds N            every row N times with every server, in turns (3)
    --quick               a tenth of the sockets, short windows: whether it works, not how fast
    --markdown            the report as Markdown
bench parlor [options]    Parlor as a whole, with a durable database: one table of medians, and its goals
    --rows 1,2,5          only these rows
    --rounds N            every row N times, in turns (3)
    --quick               a tenth of the people, short windows: whether it works, not how fast
    --markdown            the report as Markdown
bench raw --listen HOST:PORT    the raw lower bound, as a server";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    if std::env::args().skip(1).any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(lexopt::Arg::Value(command)) if command == "fanout" => {
            fanout::run(&fanout::Options::parse(arguments)?)
        }
        Some(lexopt::Arg::Value(command)) if command == "parlor" => {
            parlor::run(&parlor::Options::parse(arguments)?)
        }
        Some(lexopt::Arg::Value(command)) if command == "raw" => raw::serve(raw::parse(arguments)?),
        _ => bail!("which measurement?\n\n{USAGE}"),
    }
}
