//! Everything that was measured, in all rounds.
use std::collections::BTreeMap;

use super::three_digits;
use crate::servers::Server;

/// What a number says. In the order in which the table shows them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Metric {
    Messages,
    Deliveries,
    DeliveriesAsLong,
    DeliveriesUnasked,
    DeliveriesPerCpuSecond,
    DeliveriesPerRead,
    GeneratorLoad,
    ResidentMemory,
    Offered,
    Seconds,
    P50,
    P99,
    P999,
    BytesPerSocket,
    BytesHeld,
    FileSize,
    Transferred,
    MembersAstray,
    OtherLoad,
}

impl Metric {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Messages => "messages/s",
            Self::Deliveries => "deliveries/s",
            Self::DeliveriesAsLong => "the same, frames as long as Parlor's",
            Self::DeliveriesUnasked => "the same, no acknowledgements",
            Self::FileSize => "MiB",
            Self::Transferred => "KiB, compressed",
            Self::DeliveriesPerCpuSecond => "deliveries per CPU second",
            Self::DeliveriesPerRead => "deliveries per read",
            Self::ResidentMemory => "resident memory, MiB",
            Self::GeneratorLoad => "generator busy, %",
            Self::Offered => "offered deliveries/s",
            Self::Seconds => "all of them, s",
            Self::P50 => "p50, µs",
            Self::P99 => "p99, µs",
            Self::P999 => "p99.9, µs",
            Self::BytesPerSocket => "bytes per socket",
            Self::BytesHeld => "still held after all left",
            Self::OtherLoad => "other processes busy, %",
            Self::MembersAstray => "members in another order",
        }
    }
}

/// What one measurement found.
pub(crate) type Values = Vec<(Metric, f64)>;

/// A few words for the one who waits.
pub(crate) fn in_short(values: &Values) -> String {
    let words = values.iter().map(|(metric, value)| {
        let label = metric.label();
        format!("{} {label}", three_digits(*value))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// By row, metric and server: one number for each round.
#[derive(Default)]
pub(crate) struct Results {
    numbers: BTreeMap<(&'static str, Metric, Server), Vec<f64>>,
    failures: Vec<String>,
}

impl Results {
    pub(crate) fn record(&mut self, row: &'static str, server: Server, values: &Values) {
        for (metric, value) in values {
            self.numbers.entry((row, *metric, server)).or_default().push(*value);
        }
    }

    pub(crate) fn fail(&mut self, row: &'static str, server: Server, error: &anyhow::Error) {
        self.failures.push(format!("row {row}, {server}: {error:#}"));
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// What was measured in this row, of any server.
    pub(crate) fn metrics_of(&self, row: &str) -> Vec<Metric> {
        let mut metrics: Vec<Metric> =
            self.numbers.keys().filter(|key| key.0 == row).map(|key| key.1).collect();
        metrics.dedup();
        metrics
    }

    pub(crate) fn median(&self, row: &'static str, metric: Metric, server: Server) -> Option<f64> {
        median(self.numbers.get(&(row, metric, server))?)
    }

    /// The median of one server divided by that of another.
    pub(crate) fn ratio(
        &self,
        row: &'static str,
        metric: Metric,
        server: Server,
        other: Server,
    ) -> Option<f64> {
        Some(self.median(row, metric, server)? / self.median(row, metric, other)?)
    }
}

/// Of an even number of values, the mean of the two in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_out_of_line_does_not_move_the_median() {
        assert_eq!(median(&[5.0, 900.0, 4.0]), Some(5.0));
        assert_eq!(median(&[4.0, 6.0]), Some(5.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_ratio_needs_both_servers() {
        let mut results = Results::default();
        results.record("1", Server::Volley, &vec![(Metric::Deliveries, 300.0)]);
        assert_eq!(results.ratio("1", Metric::Deliveries, Server::Volley, Server::Raw), None);
        results.record("1", Server::Raw, &vec![(Metric::Deliveries, 200.0)]);
        assert_eq!(results.ratio("1", Metric::Deliveries, Server::Volley, Server::Raw), Some(1.5));
    }

    #[test]
    fn a_row_knows_what_was_measured_in_it() {
        let mut results = Results::default();
        results.record("8", Server::Raw, &vec![(Metric::P99, 2.0), (Metric::P50, 1.0)]);
        results.record("8", Server::Bun, &vec![(Metric::P50, 1.0)]);
        assert_eq!(results.metrics_of("8"), [Metric::P50, Metric::P99]);
        assert_eq!(results.metrics_of("7"), []);
    }
}
