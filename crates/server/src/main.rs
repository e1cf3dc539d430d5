//! `parlor`: everything is in the library, so that tests start the same server.

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, getrlimit, setrlimit};
use server::{Clock, Command, CommandLine, Config, Parlor, Random, StartError};
use tokio::runtime::Runtime;

/// The engine frees what a connection held when it ends; this allocator hands it on to the system, where the usual one
/// keeps it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    #[cfg(feature = "sabotage")]
    server::sabotage::Sabotage::choose_from_environment();
    let CommandLine { config, command } = CommandLine::parse();
    server::log::start(config.log, config.log_level);
    let ended = match command {
        None => serve(&config).map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string()),
        Some(command) => run(command),
    };
    ended.unwrap_or_else(|sentence| {
        eprintln!("{sentence}");
        ExitCode::FAILURE
    })
}

/// Does something else than to serve. Interrupted, it leaves nothing half done.
#[tokio::main(flavor = "current_thread")]
async fn run(command: Command) -> Result<ExitCode, String> {
    let stop = stop_signal().map_err(|error| error.to_string())?;
    let work =
        tokio::task::spawn_blocking(move || command.run(&Clock::system(), &Random::system()));
    let done = tokio::select! {
        done = work => done.map_err(|error| error.to_string())?,
        () = stop => {
            let left = Command::give_up();
            eprintln!("Interrupted.{}", left.err().map(|error| format!(" {error}.")).unwrap_or_default());
            // Without waiting for the work, which nothing would tell to end.
            std::process::exit(1);
        }
    };
    let done = done.map_err(|error| error.to_string())?;
    println!("{}", done.said);
    Ok(if done.is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(config: &Config) -> Result<(), StartError> {
    let runtime = Runtime::new()?;
    let served = runtime.block_on(serve_until_told(config));
    // Whoever still waits for the disk then has waited for long enough.
    runtime.shutdown_background();
    served
}

async fn serve_until_told(config: &Config) -> Result<(), StartError> {
    allow_many_connections();
    let parlor = Parlor::open(config, Clock::system(), Random::system()).await?;
    let stop = stop_signal()?;
    println!("Parlor is at {}", parlor.url());
    parlor.serve(stop).await;
    Ok(())
}

/// Each connection is an open file, and most systems start a program with a low limit that it may raise by itself.
fn allow_many_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Resolves when somebody wants the server to end: a service manager by SIGTERM, a person by Ctrl+C.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
