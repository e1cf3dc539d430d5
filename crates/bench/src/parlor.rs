//! Parlor as a whole: real sessions, a durable database in a folder of its own on the disk, everything in
//! one run, beside what volley's own example reaches in the same minutes.
mod house;
mod measure;
mod options;
mod report;

use anyhow::Result;

use self::house::{House, Size};
use self::measure::{Measure, Round};
pub(crate) use self::options::Options;
use crate::dialect::ClientIds::{self, Random, TimeFirst};
use crate::fanout::{Timing, raise_descriptor_limit};
use crate::report::{Results, in_short};
use crate::servers::Server;

/// A line of the table.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    title: &'static str,
    measure: Measure,
}

const ROWS: [Row; 15] = [
    row("1", "ack of a durable message, 1 client", Measure::Acks),
    row("2", "64 senders in 64 rooms, 1 in flight each", posts(1, TimeFirst)),
    row("3", "64 senders in 64 rooms, 8 in flight each", posts(8, TimeFirst)),
    row("3r", "the same, client ids that are random", posts(8, Random)),
    row("4", "1 room × 1,000, 4 senders", Measure::FanOut { senders: 4 }),
    row("5", "1 room × 1,000, 100 senders", Measure::FanOut { senders: 100 }),
    row("6", "10,000 sockets in 1 room", Measure::Joined { rooms: 1 }),
    row("7", "10,000 sockets in 100 rooms", Measure::Joined { rooms: 100 }),
    row("8", "room of 1,000,000, entered first after the start", Measure::FirstEntry),
    row("9", "room of 1,000,000, entered by others after that", Measure::Entry),
    row("10", "50 messages anywhere in 1,000,000, by HTTP", Measure::Pages),
    row("11", "start to ready, empty folder", Measure::EmptyStart),
    row("12", "start to ready, room of 1,000,000", Measure::LargeStart),
    row("13", "program", Measure::Program),
    row("14", "the page's first load", Measure::Page),
];

const fn row(name: &'static str, title: &'static str, measure: Measure) -> Row {
    Row { name, title, measure }
}

const fn posts(in_flight: usize, ids: ClientIds) -> Measure {
    Measure::Posts { in_flight, ids }
}

/// Measures everything and prints the report.
pub(crate) fn run(options: &Options) -> Result<()> {
    let scale = Scale::of(options.timing);
    raise_descriptor_limit(scale.sockets)?;
    eprintln!("build volley and parlor");
    let volley = Server::Volley.build()?;
    eprintln!("prepare {} people and {} messages", scale.size.people, scale.size.messages);
    let house = House::prepare(Server::Parlor.build()?, scale.size)?;
    let round = Round { house: &house, volley: &volley, timing: options.timing, scale };
    let mut results = Results::default();
    for number in 1..=options.rounds {
        for row in options.rows.iter().filter_map(|name| ROWS.iter().find(|row| row.name == *name))
        {
            play(number, *row, &round, options, &mut results);
        }
    }
    report::print(&results, [house.into_built(), volley], options);
    Ok(())
}

/// One row of one round.
fn play(number: usize, row: Row, round: &Round<'_>, options: &Options, results: &mut Results) {
    eprint!("{number}/{}  {:2} {:48}  ", options.rounds, row.name, row.title);
    match round.measure(row.measure) {
        Ok(found) => {
            for (server, values) in found {
                eprint!("{server}: {}  ", in_short(&values));
                results.record(row.name, server, &values);
            }
            eprintln!();
        }
        Err(error) => {
            eprintln!("failed: {error:#}");
            results.fail(row.name, Server::Parlor, &error);
        }
    }
}

/// How many there are of everything.
#[derive(Clone, Copy)]
struct Scale {
    size: Size,
    /// In the rows with many sockets.
    sockets: usize,
    members: usize,
    rooms: usize,
    senders: usize,
    /// Starts of the server in one round, where it is they that are measured.
    starts: usize,
    /// People who enter a room one after the other.
    entries: usize,
}

impl Scale {
    fn of(timing: Timing) -> Self {
        if timing == Timing::QUICK {
            let size = Size { people: 50, rooms: 100, messages: 10_000 };
            return Self {
                size,
                sockets: 1_000,
                members: 100,
                rooms: 64,
                senders: 64,
                starts: 2,
                entries: 50,
            };
        }
        Self {
            size: Size { people: 500, rooms: 100, messages: 1_000_000 },
            sockets: 10_000,
            members: 1_000,
            rooms: 64,
            senders: 64,
            starts: 11,
            entries: 500,
        }
    }
}
