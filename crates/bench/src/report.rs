//! What was measured, as a table of medians, ratios to volley, and goals met or missed.
pub(crate) mod goals;
pub(crate) mod machine;
mod results;
mod table;

pub(crate) use self::results::{Metric, Results, Values, in_short};
pub(crate) use self::table::Table;
use crate::fanout::{Options, ROWS, Timing};
use crate::servers::{Built, Server};

/// Metrics that have a line in the table of ratios.
const COMPARED: [Metric; 6] = [
    Metric::Deliveries,
    Metric::DeliveriesPerCpuSecond,
    Metric::P50,
    Metric::P99,
    Metric::BytesPerSocket,
    Metric::Seconds,
];

/// Prints the whole report.
pub(crate) fn print(results: &Results, built: &[Built], options: &Options) {
    let servers: Vec<Server> = built.iter().map(|built| built.server).collect();
    println!("{}", medians(results, &servers).render(options.style));
    for failure in results.failures() {
        println!("- failed: {failure}");
    }
    if servers.contains(&Server::Volley) {
        println!("volley's value divided by the other's:\n");
        println!("{}", ratios(results, &servers).render(options.style));
    }
    if servers.contains(&Server::Volley) && options.timing == Timing::FULL {
        for verdict in goals::verdicts(results) {
            println!("- {verdict}");
        }
    }
    println!();
    for fact in machine::facts(built, options.rounds, options.timing) {
        println!("- {fact}");
    }
}

/// A line for each thing that a row measures, a column for each server.
fn medians(results: &Results, servers: &[Server]) -> Table {
    let mut table = Table::new(&["", "row", "measured"], servers);
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

fn ratios(results: &Results, servers: &[Server]) -> Table {
    let others: Vec<Server> =
        servers.iter().copied().filter(|server| *server != Server::Volley).collect();
    let mut table = Table::new(&["", "row", "measured"], &others);
    for row in ROWS {
        let compared = |metric: &Metric| COMPARED.contains(metric);
        for metric in results.metrics_of(row.name).into_iter().filter(compared) {
            let cells = others.iter().map(|server| {
                let ratio = results.ratio(row.name, metric, Server::Volley, *server);
                ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}×"))
            });
            table.add([row.name, row.title, metric.label()], cells);
        }
    }
    table
}

/// As many digits as a median of a few rounds is worth: `1,230,000`, `45.6`, `0.789`.
pub(crate) fn three_digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..1.0 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        size => {
            let unit = 10f64.powf(size.log10().floor() - 2.0);
            grouped((value / unit).round() * unit)
        }
    }
}

fn grouped(whole: f64) -> String {
    let digits = format!("{whole:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        if left.is_multiple_of(3) && at > 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_three_digits() {
        for (value, shown) in [
            (0.0, "0"),
            (0.0123, "0.012"),
            (0.789, "0.789"),
            (4.567, "4.57"),
            (45.67, "45.7"),
            (456.7, "457"),
            (9_999.0, "10,000"),
            (1_234_567.0, "1,230,000"),
            (-123_456.0, "-123,000"),
        ] {
            assert_eq!(three_digits(value), shown);
        }
    }
}
