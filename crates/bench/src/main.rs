//! Measures volley beside its peers.
mod poller;
mod raw;
mod wire;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
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
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(lexopt::Arg::Value(command)) if command == "raw" => raw::serve(raw::parse(arguments)?),
        _ => bail!("which measurement?\n\n{USAGE}"),
    }
}
