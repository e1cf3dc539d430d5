//! What an episode is like: how many take part, how fast they are, and what goes wrong. A seed that knows few kinds of
//! trouble gets deeper into each than one that knows them all.

use std::ops::Range;
use std::time::Duration;

use chat::Rate;
use server::live::EventRates;

use crate::nature::Nature;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Connections are lost, with what is on its way.
    Cuts,
    /// Clients do not read for a while.
    Stalls,
    /// The engine has too much to send.
    Overload,
    /// The disk is slow.
    SlowDisk,
    /// The disk fails.
    BrokenDisk,
    /// Somebody sets the server's clock.
    ClockSteps,
    /// The server is killed.
    Crashes,
    /// The server is asked to end.
    Drains,
    /// The server is killed, and the database put back to an earlier state.
    Restores,
}

impl Trouble {
    /// All kinds.
    pub(crate) const ALL: [Self; 9] = [
        Self::Cuts,
        Self::Stalls,
        Self::Overload,
        Self::SlowDisk,
        Self::BrokenDisk,
        Self::ClockSteps,
        Self::Crashes,
        Self::Drains,
        Self::Restores,
    ];

    /// What it is called in a history.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cuts => "cut",
            Self::Stalls => "stall",
            Self::Overload => "overload",
            Self::SlowDisk => "slow disk",
            Self::BrokenDisk => "broken disk",
            Self::ClockSteps => "clock step",
            Self::Crashes => "crash",
            Self::Drains => "drain",
            Self::Restores => "restore",
        }
    }
}

/// An episode as it was drawn.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many people there are.
    pub(crate) people: usize,
    /// How many clients they have in all.
    pub(crate) clients: usize,
    /// How many rooms.
    pub(crate) rooms: usize,
    /// How many messages there are in each room from the beginning.
    pub(crate) past: usize,
    /// How long a client waits between one thing and the next, more or less.
    pub(crate) tempo: Duration,
    /// How long something takes on the way.
    pub(crate) latency: Range<Duration>,
    /// What goes wrong.
    pub(crate) troubles: Vec<Trouble>,
    /// How long it takes until the next thing goes wrong, more or less.
    pub(crate) strikes_every: Duration,
    /// A client ends a session, its own or others of the same person, once in so many moves; 0 is never.
    pub(crate) revokes_once_in: u32,
    /// Of ten moves of a client, how many are something it says.
    pub(crate) talkativeness: usize,
    /// How much a person may say: as much as the server allows by itself, or so much that nobody is ever refused.
    pub(crate) rates: EventRates,
}

impl Plan {
    /// Whether this kind of trouble comes.
    pub(crate) fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }

    /// Draws a plan.
    pub(crate) fn draw(nature: &Nature) -> Self {
        let people = 1 + nature.below(4);
        let clients = people + nature.below(6);
        // From 5 ms to 5 s, as many of the fast as of the slow.
        let tempo = Duration::from_millis(5).mul_f64(10_f64.powf(nature.below(300) as f64 / 100.0));
        let slowest = [5, 50, 500][nature.below(3)];
        let mut troubles = Trouble::ALL.to_vec();
        troubles.retain(|_| nature.once_in(2));
        Self {
            people,
            clients,
            rooms: 1 + nature.below(3),
            past: [0, 0, 60, 300][nature.below(4)],
            tempo,
            latency: Duration::from_micros(100)..Duration::from_millis(slowest),
            troubles,
            strikes_every: tempo * u32::try_from(3 + nature.below(30)).expect("it is small"),
            revokes_once_in: [0, 40, 200][nature.below(3)],
            talkativeness: 1 + nature.below(9),
            rates: if nature.once_in(3) { EventRates::default() } else { boundless() },
        }
    }
}

fn boundless() -> EventRates {
    let rate = Rate { burst: 100_000, per_second: 100_000.0 };
    EventRates { messages: rate, others: rate }
}
