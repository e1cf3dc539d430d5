//! A Parlor whose clock stands until it is moved: each line on its standard input is a number of milliseconds, and answered. The
//! screenshots have a morning's conversation with it in a moment.

use std::error::Error;
use std::io::stdin;
use std::time::Duration;

use chat::Timestamp;
use clap::Parser;
use server::{Clock, Config, Parlor, Random};

/// A Thursday in April 2027, 6:40 in UTC.
const START: Timestamp = Timestamp(1_808_980_800_000);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::standing_at(START);
    let parlor = Parlor::open(&Config::parse(), clock.clone(), Random::system()).await?;
    println!("Parlor is at {}", parlor.url());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let lines = stdin().lines().map_while(Result::ok);
        for milliseconds in lines.map_while(|line| line.parse().ok()) {
            clock.advance(Duration::from_millis(milliseconds));
            println!("It is {}", clock.now().0);
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
