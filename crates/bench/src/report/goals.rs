//! What volley promises, held against what was measured.
use super::results::{Metric, Results};
use super::three_digits;
use crate::servers::Server::{self, Bun, Node, Raw, Socketioxide, Volley};

/// Rows that are about deliveries per second.
const FAN_OUT: [&str; 4] = ["1", "2", "3", "4"];
/// Rows that are about latency at half of a capacity.
const HALF_CAPACITY: [&str; 2] = ["5a", "5b"];
const PEERS: [Server; 3] = [Socketioxide, Bun, Node];

/// A line for each goal.
pub(crate) fn verdicts(results: &Results) -> Vec<String> {
    let times = |row, peer| results.ratio(row, Metric::Deliveries, Volley, peer);
    let mut goals = Vec::new();
    for row in FAN_OUT {
        goals.push(at_least(0.85, times(row, Raw), format!("row {row}: deliveries/s of raw")));
    }
    for (peer, bound) in [(Socketioxide, 2.0), (Bun, 1.5), (Node, 6.0)] {
        goals.push(at_least(bound, times("1", peer), format!("row 1: deliveries/s of {peer}")));
    }
    for row in HALF_CAPACITY {
        let p99 = |server| results.median(row, Metric::P99, server);
        let best = PEERS.into_iter().filter_map(p99).min_by(f64::total_cmp);
        let ratio = p99(Volley).zip(best).map(|(own, best)| own / best);
        goals.push(at_most(1.0, ratio, format!("row {row}: p99 of the best peer")));
    }
    let socket = results.median("6", Metric::BytesPerSocket, Volley);
    let held = results.median("6", Metric::BytesHeld, Volley);
    let part_held = held.zip(socket).map(|(held, socket)| held / socket);
    let ack = results.median("8", Metric::P50, Volley);
    goals.push(at_most(1536.0, socket, "row 6: bytes per idle socket".to_owned()));
    goals.push(at_most(0.2, part_held, "row 6: part still held after all left".to_owned()));
    goals.push(at_most(100.0, ack, "row 8: µs to an acknowledgement, p50".to_owned()));
    goals.iter().map(Goal::verdict).collect()
}

pub(crate) struct Goal {
    bound: Bound,
    measured: Option<f64>,
    what: String,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

pub(crate) fn at_least(bound: f64, measured: Option<f64>, what: String) -> Goal {
    Goal { bound: Bound::AtLeast(bound), measured, what }
}

pub(crate) fn at_most(bound: f64, measured: Option<f64>, what: String) -> Goal {
    Goal { bound: Bound::AtMost(bound), measured, what }
}

impl Goal {
    pub(crate) fn verdict(&self) -> String {
        let (sign, bound) = match self.bound {
            Bound::AtLeast(bound) => ('≥', bound),
            Bound::AtMost(bound) => ('≤', bound),
        };
        let goal = format!("{} {sign} {bound}", self.what);
        let Some(measured) = self.measured else {
            return format!("not measured: {goal}");
        };
        let missing = match self.bound {
            Bound::AtLeast(bound) => 1.0 - measured / bound,
            Bound::AtMost(bound) => measured / bound - 1.0,
        };
        let shown = three_digits(measured);
        if missing <= 0.0 {
            format!("met: {goal} ({shown})")
        } else {
            format!("missed by {:.1} %: {goal} ({shown})", missing * 100.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_says_by_how_much_it_was_missed() {
        let verdict = |goal: Goal| goal.verdict();
        let what = || "ratio".to_owned();
        assert_eq!(verdict(at_least(2.0, Some(2.5), what())), "met: ratio ≥ 2 (2.50)");
        assert_eq!(verdict(at_least(2.0, Some(1.5), what())), "missed by 25.0 %: ratio ≥ 2 (1.50)");
        assert_eq!(
            verdict(at_most(100.0, Some(110.0), what())),
            "missed by 10.0 %: ratio ≤ 100 (110)"
        );
        assert_eq!(verdict(at_most(1.0, None, what())), "not measured: ratio ≤ 1");
    }

    #[test]
    fn latency_is_held_against_the_best_peer_and_never_against_raw() {
        let mut results = Results::default();
        for (server, p99) in [(Volley, 80.0), (Raw, 10.0), (Bun, 100.0), (Node, 900.0)] {
            results.record("5a", server, &vec![(Metric::P99, p99)]);
        }
        let verdicts = verdicts(&results);
        assert!(verdicts.contains(&"met: row 5a: p99 of the best peer ≤ 1 (0.800)".to_owned()));
    }
}
