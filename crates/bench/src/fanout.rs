//! The comparison: the rows of its table, and the turns in which servers are measured.
mod measure;
mod options;

use anyhow::{Result, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

pub(crate) use self::measure::Timing;
use self::measure::{HalfOf, Measure, Round, Scene};
pub(crate) use self::options::{Options, Style};
use crate::report::{self, Results};
use crate::servers::Built;

/// A line of the table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    measure: Measure,
}

/// A few people talk to many: what a fan-out server is for, and the scene of the latency rows.
const TALK: Scene = scene(1, 1_000, 4);

pub(crate) const ROWS: [Row; 9] = [
    row("1", "1 room × 1,000, 4 senders", Measure::Capacity(TALK)),
    row("2", "1 room × 1,000, 100 senders", Measure::Capacity(scene(1, 1_000, 100))),
    row("3", "100 rooms × 10, 100 senders", Measure::Capacity(scene(100, 10, 100))),
    row("4", "1 room × 10,000, 4 senders", Measure::Capacity(scene(1, 10_000, 4))),
    row("5a", "row 1 at half of its own rate", Measure::Latency(TALK, HalfOf::Own)),
    row("5b", "row 1 at half of the slowest's", Measure::Latency(TALK, HalfOf::Slowest)),
    row("6", "15,000 idle sockets", Measure::Idle { sockets: 15_000 }),
    row("7", "10,000 clients connect", Measure::Arrival { sockets: 10_000 }),
    row("8", "ack to 1 client alone", Measure::Acks),
];

/// What a server opens beside its sockets, generously.
const OTHER_FILES: usize = 200;

impl Row {
    /// The same with a tenth of the sockets.
    fn a_tenth(self) -> Self {
        Self { measure: self.measure.a_tenth(), ..self }
    }
}

const fn row(name: &'static str, title: &'static str, measure: Measure) -> Row {
    Row { name, title, measure }
}

const fn scene(rooms: usize, members: usize, senders: usize) -> Scene {
    Scene { rooms, members, senders }
}

/// Measures what the options ask for and prints the report.
pub(crate) fn run(options: &Options) -> Result<()> {
    let sockets = options.rows.iter().map(|row| row.measure.sockets());
    raise_descriptor_limit(sockets.max().unwrap_or(0))?;
    let built = build(options);
    ensure!(!built.is_empty(), "there is no server to measure");
    let mut results = Results::default();
    for number in 1..=options.rounds {
        play(number, options, &built, &mut results);
    }
    report::print(&results, &built, options);
    Ok(())
}

/// Lets this process, and the servers that it starts, open as many files as the rows need.
pub(crate) fn raise_descriptor_limit(sockets: usize) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let needed = (sockets + OTHER_FILES) as u64;
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= needed),
        "{needed} open files are needed: raise the hard limit (ulimit -Hn) or choose other --rows"
    );
    Ok(())
}

/// The servers that there are. One that cannot be built is left out, aloud.
fn build(options: &Options) -> Vec<Built> {
    let mut built = Vec::new();
    for server in &options.servers {
        eprintln!("build {server}");
        match server.build() {
            Ok(server) => built.push(server),
            Err(error) => eprintln!("{server} is left out: {error:#}"),
        }
    }
    built
}

/// One round: every row with every server. The servers take turns, so that a slow minute of the
/// machine hits all of them.
fn play(number: usize, options: &Options, built: &[Built], results: &mut Results) {
    let mut round = Round::new(options.timing, built);
    for row in &options.rows {
        for built in built {
            let server = built.server;
            eprint!("{number}/{}  {:2} {:30}  {server:12}  ", options.rounds, row.name, row.title);
            match round.measure(row.measure, built) {
                Ok(values) => {
                    eprintln!("{}", report::in_short(&values));
                    results.record(row.name, server, &values);
                }
                Err(error) => {
                    eprintln!("failed: {error:#}");
                    results.fail(row.name, server, &error);
                }
            }
        }
    }
}
