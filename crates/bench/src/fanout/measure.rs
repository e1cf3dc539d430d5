//! How each row is measured: always with a server that has just been started.
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::dialect::Dialect;
use crate::generator::connect::connect;
use crate::generator::load::{self, Outcome, Pace, Plan};
use crate::generator::{Audience, acks};
use crate::process;
use crate::report::Metric::{
    BytesHeld, BytesPerSocket, Deliveries, DeliveriesPerCpuSecond, DeliveriesPerRead,
    GeneratorLoad, MembersAstray, Offered, OtherLoad, P50, P99, P999, ResidentMemory, Seconds,
};
use crate::report::Values;
use crate::servers::{Built, Running, Server};

/// Clients that come and go before memory is measured: what a server loads for the first of them
/// and keeps is no memory of its sockets.
const FIRST_GUESTS: usize = 100;

/// Part of one processor that others may use before a number is not worth much.
const DISTURBED: f64 = 0.1;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What a row measures.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    /// Deliveries per second when each message follows another at once.
    Capacity(Scene),
    /// Latency when messages are sent at fixed times, at half of a capacity in the same scene.
    Latency(Scene, HalfOf),
    /// Memory of sockets that say nothing, and what is still held when they are gone.
    Idle { sockets: usize },
    /// Time until all of them have their CONNECT answered.
    Arrival { sockets: usize },
    /// Round trip of a message's acknowledgement.
    Acks,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scene {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    /// In all rooms together.
    pub(crate) senders: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum HalfOf {
    Own,
    /// The same rate for all. Node does not count: it would make it a rate at which nobody waits.
    Slowest,
}

/// How long a measurement takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// Before memory is read.
    pub(crate) settle: Duration,
}

impl Timing {
    /// Long enough for compilers that compile while they run, and for clock ticks of 10 ms.
    pub(crate) const FULL: Self = Self {
        warm_up: Duration::from_secs(1),
        window: Duration::from_secs(2),
        settle: Duration::from_millis(1500),
    };
    pub(crate) const QUICK: Self = Self {
        warm_up: Duration::from_millis(100),
        window: Duration::from_millis(300),
        settle: Duration::from_millis(100),
    };
}

impl Measure {
    pub(crate) fn sockets(self) -> usize {
        match self {
            Self::Capacity(scene) | Self::Latency(scene, _) => scene.audience().sockets(),
            Self::Idle { sockets } | Self::Arrival { sockets } => sockets,
            Self::Acks => 1,
        }
    }

    /// The same with a tenth of the sockets.
    pub(crate) fn a_tenth(self) -> Self {
        match self {
            Self::Capacity(scene) => Self::Capacity(scene.a_tenth()),
            Self::Latency(scene, half) => Self::Latency(scene.a_tenth(), half),
            Self::Idle { sockets } => Self::Idle { sockets: sockets / 10 },
            Self::Arrival { sockets } => Self::Arrival { sockets: sockets / 10 },
            Self::Acks => Self::Acks,
        }
    }
}

impl Scene {
    fn audience(self) -> Audience {
        Audience::Rooms { rooms: self.rooms, members_per_room: self.members }
    }

    fn a_tenth(self) -> Self {
        match self.rooms {
            1 => Self { members: self.members / 10, ..self },
            rooms => Self { rooms: rooms / 10, senders: self.senders / 10, ..self },
        }
    }
}

/// One turn through the rows, and the capacities that were found in it.
pub(crate) struct Round<'a> {
    timing: Timing,
    built: &'a [Built],
    capacities: BTreeMap<(Server, Scene), f64>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(timing: Timing, built: &'a [Built]) -> Self {
        Self { timing, built, capacities: BTreeMap::new() }
    }

    pub(crate) fn measure(&mut self, measure: Measure, built: &Built) -> Result<Values> {
        match measure {
            Measure::Capacity(scene) => self.capacity_row(scene, built),
            Measure::Latency(scene, half) => self.latency_row(scene, half, built),
            Measure::Idle { sockets } => self.idle_row(sockets, built),
            Measure::Arrival { sockets } => arrival_row(sockets, built),
            Measure::Acks => self.acks_row(built),
        }
    }

    fn capacity_row(&mut self, scene: Scene, built: &Built) -> Result<Values> {
        let outcome = self.load(scene, Pace::Closed, built)?;
        self.capacities.insert((built.server, scene), outcome.deliveries_per_second);
        let mut values = vec![
            (Deliveries, outcome.deliveries_per_second),
            (DeliveriesPerCpuSecond, outcome.deliveries_per_cpu_second),
            (DeliveriesPerRead, outcome.deliveries_per_read),
            (GeneratorLoad, outcome.generator_load * 100.0),
            (ResidentMemory, outcome.resident_bytes as f64 / MEBIBYTE),
        ];
        values.extend(remarks(&outcome));
        Ok(values)
    }

    fn latency_row(&mut self, scene: Scene, half: HalfOf, built: &Built) -> Result<Values> {
        let own = self.capacity(scene, built)?;
        let rate = match half {
            HalfOf::Own => own / 2.0,
            HalfOf::Slowest => self.slowest_capacity(scene)? / 2.0,
        };
        if rate > own {
            return Ok(vec![]);
        }
        let pace = Pace::Open { interval: scene.members as f64 / rate };
        let outcome = self.load(scene, pace, built)?;
        let micros = |quantile| outcome.latency.value_at_quantile(quantile) as f64 / 1e3;
        let mut values =
            vec![(Offered, rate), (P50, micros(0.5)), (P99, micros(0.99)), (P999, micros(0.999))];
        values.extend(remarks(&outcome));
        Ok(values)
    }

    fn capacity(&mut self, scene: Scene, built: &Built) -> Result<f64> {
        if let Some(capacity) = self.capacities.get(&(built.server, scene)) {
            return Ok(*capacity);
        }
        self.capacity_row(scene, built)?;
        Ok(self.capacities[&(built.server, scene)])
    }

    fn slowest_capacity(&mut self, scene: Scene) -> Result<f64> {
        let mut slowest = f64::INFINITY;
        let built = self.built;
        for built in built.iter().filter(|built| built.server != Server::Node) {
            let capacity = self.capacity(scene, built);
            slowest =
                slowest.min(capacity.with_context(|| format!("capacity of {}", built.server))?);
        }
        Ok(slowest)
    }

    fn load(&self, scene: Scene, pace: Pace, built: &Built) -> Result<Outcome> {
        let Timing { warm_up, window, .. } = self.timing;
        let server = start(built)?;
        let (mut crowd, _) = connect(server.address, scene.audience(), &Dialect::COMPARISON)?;
        let plan = Plan { senders: scene.senders, pace, warm_up, window };
        let outcome = load::run(&mut crowd, &plan, server.process())?;
        let astray = outcome.members_astray;
        ensure!(
            astray == 0 || !built.server.promises_order(),
            "{astray} members saw another order"
        );
        Ok(outcome)
    }

    fn idle_row(&self, sockets: usize, built: &Built) -> Result<Values> {
        let settle = self.timing.settle;
        let server = start(built)?;
        let process = server.process();
        let (mut first, _) = connect(
            server.address,
            Audience::Idle { sockets: FIRST_GUESTS },
            &Dialect::COMPARISON,
        )?;
        first.rest(settle)?;
        drop(first);
        sleep(settle);
        let empty = process.resident_bytes()? as f64;

        let (mut crowd, _) =
            connect(server.address, Audience::Idle { sockets }, &Dialect::COMPARISON)?;
        crowd.rest(settle)?;
        let full = process.resident_bytes()? as f64;
        drop(crowd);
        sleep(2 * settle);
        let left = process.resident_bytes()? as f64;

        let per_socket = |bytes| bytes / sockets as f64;
        Ok(vec![(BytesPerSocket, per_socket(full - empty)), (BytesHeld, per_socket(left - empty))])
    }

    fn acks_row(&self, built: &Built) -> Result<Values> {
        let server = start(built)?;
        let alone = Audience::Rooms { rooms: 1, members_per_room: 1 };
        let (mut crowd, _) = connect(server.address, alone, &Dialect::COMPARISON)?;
        let trips = acks::round_trips(&mut crowd, self.timing.warm_up, self.timing.window)?;
        let micros = |quantile| trips.value_at_quantile(quantile) as f64 / 1e3;
        Ok(vec![(P50, micros(0.5)), (P99, micros(0.99))])
    }
}

/// What is worth a line only where there is something to say.
fn remarks(outcome: &Outcome) -> Values {
    let mut remarks = Values::new();
    if outcome.members_astray > 0 {
        remarks.push((MembersAstray, outcome.members_astray as f64));
    }
    if outcome.other_load > DISTURBED {
        remarks.push((OtherLoad, outcome.other_load * 100.0));
    }
    remarks
}

/// Starts a server; it may use every processor, and the generator keeps to one.
fn start(built: &Built) -> Result<Running> {
    process::keep_beside(|| built.start())
}

fn arrival_row(sockets: usize, built: &Built) -> Result<Values> {
    let server = start(built)?;
    let (_crowd, arrival) =
        connect(server.address, Audience::Idle { sockets }, &Dialect::COMPARISON)?;
    let micros = |quantile| arrival.each.value_at_quantile(quantile) as f64 / 1e3;
    Ok(vec![(Seconds, arrival.elapsed.as_secs_f64()), (P50, micros(0.5)), (P99, micros(0.99))])
}
