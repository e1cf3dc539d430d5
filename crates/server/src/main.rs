//! `parlor`: everything is in the library, so that tests start the same server.

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, getrlimit, setrlimit};
use server::{Clock, Config, Parlor, Random, StartError};

/// The engine frees what a connection held when it ends; this allocator hands it on to the system, where the usual one
/// keeps it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    #[cfg(feature = "sabotage")]
    server::sabotage::Sabotage::choose_from_environment();
    let config = Config::parse();
    server::log::start(config.log, config.log_level);
    allow_many_connections();
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: &Config) -> Result<(), StartError> {
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
