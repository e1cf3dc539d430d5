//! A Parlor whose time of day is set forward and back while people talk: each line on its standard input is a number of
//! milliseconds, with a minus or without. It ends when there are no more lines. With the feature `sabotage` it breaks the
//! promise that `PARLOR_SABOTAGE` names.

use std::error::Error;
use std::io::stdin;

use clap::Parser;
use server::{Clock, CommandLine, Parlor, Random};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "sabotage")]
    server::sabotage::Sabotage::choose_from_environment();
    let CommandLine { config, .. } = CommandLine::parse();
    server::log::start(config.log, config.log_level);
    let clock = Clock::system();
    let parlor = Parlor::open(&config, clock.clone(), Random::system()).await?;
    println!("Parlor is at {}", parlor.url());
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let lines = stdin().lines().map_while(Result::ok);
        for milliseconds in lines.map_while(|line| line.parse::<i64>().ok()) {
            clock.set_by(milliseconds);
        }
        drop(stop);
    });
    parlor
        .serve(async {
            let _ = stopped.await;
        })
        .await;
    Ok(())
}
