//! What happens to a connection and when, drawn from a seed.

use std::num::NonZeroUsize;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::conditions::{Conditions, Direction, Flow, Travel};

/// How connections fail. The same seed gives the same script to the connection of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Decides everything.
    pub seed: u64,
    /// The time between two changes, on average.
    pub pace: Duration,
    /// The longest latency, and the longest jitter.
    pub latency: Duration,
    /// What is drawn from. One that stands there twice is drawn twice as often.
    pub kinds: &'static [Kind],
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything travels as it should, for a while.
    Calm,
    /// Latency and jitter.
    Delay,
    /// Small pieces.
    Split,
    /// Few bytes per second.
    Trickle,
    /// One or both directions stop for a while.
    Stall,
    /// The connection is reset.
    Reset,
    /// From now on one direction, or both, lose everything, and nobody is told.
    Vanish,
    /// One side is told that the other has closed.
    End,
}

/// What happens to one connection: after how long, what. It ends with what a connection does not survive.
#[derive(Debug)]
pub struct Script {
    schedule: Schedule,
    draws: StdRng,
    over: bool,
}

/// A change in the life of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// From now on bytes travel like this.
    Change(Conditions),
    /// It is reset.
    Reset,
}

impl Schedule {
    /// Mostly delays, pieces and stalls of some tenths of a second; now and then something that ends the connection.
    pub const KINDS: &[Kind] = &[
        Kind::Calm,
        Kind::Calm,
        Kind::Delay,
        Kind::Delay,
        Kind::Split,
        Kind::Split,
        Kind::Trickle,
        Kind::Stall,
        Kind::Stall,
        Kind::Reset,
        Kind::Vanish,
        Kind::End,
    ];

    /// Everything there is, a change about every half second.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            pace: Duration::from_millis(500),
            latency: Duration::from_millis(100),
            kinds: Self::KINDS,
        }
    }

    /// What happens to the connection with this number.
    pub fn script(self, connection: u64) -> Script {
        // Any mixing will do that gives neighbours different scripts.
        let seed = self.seed ^ connection.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Script { schedule: self, draws: StdRng::seed_from_u64(seed), over: false }
    }
}

impl Iterator for Script {
    type Item = (Duration, Step);

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let kind = *self.schedule.kinds.choose(&mut self.draws)?;
        // As the decay of atoms: many short times, some long ones.
        let share: f64 = self.draws.random_range(0.001..1.0);
        let wait = self.schedule.pace.mul_f64(-share.ln());
        let step = match kind {
            Kind::Reset => Step::Reset,
            _ => Step::Change(self.draw(kind)),
        };
        self.over = matches!(kind, Kind::Reset | Kind::Vanish | Kind::End);
        Some((wait, step))
    }
}

impl Script {
    fn draw(&mut self, kind: Kind) -> Conditions {
        let travel = match kind {
            Kind::Calm | Kind::Reset => return Conditions::default(),
            Kind::Delay => Travel {
                latency: self.up_to(self.schedule.latency),
                jitter: self.up_to(self.schedule.latency),
                ..Travel::default()
            },
            Kind::Split => Travel {
                pieces: NonZeroUsize::new(self.draws.random_range(1..=64)),
                ..Travel::default()
            },
            Kind::Trickle => Travel {
                bytes_per_second: Some(self.draws.random_range(100..=10_000)),
                ..Travel::default()
            },
            Kind::Stall => Flow::Stalls.into(),
            Kind::Vanish => Flow::Vanishes.into(),
            Kind::End => {
                // Closed both ways is closed.
                let direction = [Direction::Up, Direction::Down][self.draws.random_range(0..2)];
                return Conditions::only(direction, Flow::Ends.into());
            }
        };
        match self.draws.random_range(0..3) {
            0 => Conditions::only(Direction::Up, travel),
            1 => Conditions::only(Direction::Down, travel),
            _ => Conditions::both(travel),
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.draws.random_range(0.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(seed: u64, connection: u64) -> Vec<(Duration, Step)> {
        Schedule::new(seed).script(connection).take(100).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_scripts_and_others_give_others() {
        assert_eq!(steps(7, 1), steps(7, 1));
        assert_ne!(steps(7, 1), steps(7, 2));
        assert_ne!(steps(7, 1), steps(8, 1));
    }

    #[test]
    fn a_script_ends_with_what_a_connection_does_not_survive() {
        let fatal = |step: &Step| match step {
            Step::Reset => true,
            Step::Change(conditions) => [conditions.up, conditions.down]
                .iter()
                .any(|travel| matches!(travel.flow, Flow::Vanishes | Flow::Ends)),
        };
        for seed in 0..100 {
            let steps = steps(seed, seed);
            let (last, before) = steps.split_last().expect("a script is not empty");
            assert!(fatal(&last.1));
            assert!(!before.iter().any(|(_, step)| fatal(step)));
        }
    }

    #[test]
    fn changes_come_at_their_pace() {
        let schedule = Schedule { kinds: &[Kind::Stall, Kind::Calm], ..Schedule::new(3) };
        let total: Duration = schedule.script(1).take(1000).map(|(wait, _)| wait).sum();
        let average = total / 1000;
        assert!(average > schedule.pace.mul_f64(0.8) && average < schedule.pace.mul_f64(1.2));
    }
}
