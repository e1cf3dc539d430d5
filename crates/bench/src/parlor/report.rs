//! What was measured, beside what is wanted.
use super::{Options, ROWS};
use crate::fanout::Timing;
use crate::report::Metric::{
    BytesPerSocket, Deliveries, FileSize, Messages, P50, ResidentMemory, Transferred,
};
use crate::report::goals::{Goal, at_least, at_most};
use crate::report::{Results, Table, machine, three_digits};
use crate::servers::Server::{Parlor, Volley};
use crate::servers::{Built, Server};

pub(super) fn print(results: &Results, built: [Built; 2], options: &Options) {
    println!("{}", medians(results).render(options.style));
    for failure in results.failures() {
        println!("- failed: {failure}");
    }
    if options.timing == Timing::FULL {
        for goal in goals(results) {
            println!("- {}", goal.verdict());
        }
    }
    println!();
    for fact in machine::facts(&built, options.rounds, options.timing) {
        println!("- {fact}");
    }
}

/// A line for each thing that a row measures.
fn medians(results: &Results) -> Table {
    let servers: [Server; 2] = [Parlor, Volley];
    let mut table = Table::new(&["", "row", "measured"], &servers);
    for row in ROWS {
        let (mut name, mut title) = (row.name, row.title);
        for metric in results.metrics_of(row.name) {
            let cells = servers.iter().map(|server| {
                results.median(row.name, metric, *server).map_or("–".to_owned(), three_digits)
            });
            table.add([name, title, metric.label()], cells);
            (name, title) = ("", "");
        }
    }
    table
}

fn goals(results: &Results) -> Vec<Goal> {
    let own = |row, metric| results.median(row, metric, Parlor);
    let fan_out = |row| results.ratio(row, Deliveries, Parlor, Volley);
    let what = str::to_owned;
    vec![
        at_most(2_000.0, own("1", P50), what("row 1: µs to a durable acknowledgement, p50")),
        at_least(20_000.0, own("2", Messages), what("row 2: durable messages/s, 1 in flight")),
        at_least(20_000.0, own("3", Messages), what("row 3: durable messages/s, 8 in flight")),
        at_least(0.8, fan_out("4"), what("row 4: deliveries/s of volley")),
        at_least(0.8, fan_out("5"), what("row 5: deliveries/s of volley")),
        at_most(4096.0, own("6", BytesPerSocket), what("row 6: bytes per joined socket")),
        at_most(4096.0, own("7", BytesPerSocket), what("row 7: bytes per joined socket")),
        at_most(2_000.0, own("8", P50), what("row 8: µs to enter a room that is not open, p50")),
        at_most(2_000.0, own("9", P50), what("row 9: µs to enter a room that is open, p50")),
        at_most(50_000.0, own("11", P50), what("row 11: µs to start, p50")),
        at_most(50_000.0, own("12", P50), what("row 12: µs to start with much data, p50")),
        at_most(15.0, own("11", ResidentMemory), what("row 11: MiB of an idle server")),
        at_most(15.0, own("13", FileSize), what("row 13: MiB of the program")),
        at_most(150.0, own("14", Transferred), what("row 14: KiB of the page")),
    ]
}
