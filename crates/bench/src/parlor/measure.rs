//! How each row is measured: always with a server that has just been started.
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Scale;
use super::house::{House, Web};
use crate::dialect::{ClientIds, Dialect};
use crate::fanout::Timing;
use crate::generator::connect::connect;
use crate::generator::load::{self, Outcome, Pace, Plan};
use crate::generator::{Audience, acks, opening};
use crate::report::Metric::{
    BytesPerSocket, Deliveries, DeliveriesAsLong, DeliveriesPerRead, DeliveriesUnasked, FileSize,
    GeneratorLoad, Messages, OtherLoad, P50, P99, ResidentMemory, Seconds, Transferred,
};
use crate::report::Values;
use crate::servers::{Built, Running, Server};

/// Clients that come and go before memory is measured: what a server loads for the first of them
/// and keeps is no memory of its sockets.
const FIRST_GUESTS: usize = 100;
/// Pages asked for in one round.
const PAGES: u64 = 500;
/// What a client is told of a room that it enters without a cursor.
const NEWEST: usize = 50;
/// Part of one processor that others may use before a number is not worth much.
const DISTURBED: f64 = 0.1;
/// The value that makes a frame of volley's example as long as one of Parlor's, which also says in which
/// room, by whom, when, and under which numbers.
const AS_LONG: usize = 338;

const KIBIBYTE: f64 = 1024.0;
const MEBIBYTE: f64 = 1024.0 * KIBIBYTE;

/// What a row measures.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    /// Round trip of a durable message's acknowledgement.
    Acks,
    /// Durable messages per second.
    Posts {
        in_flight: usize,
        ids: ClientIds,
    },
    /// Deliveries per second in one room, Parlor's and volley's.
    FanOut {
        senders: usize,
    },
    /// Memory of sockets that have joined, and how long they need.
    Joined {
        rooms: usize,
    },
    /// Entering a large room that nobody has open, in a server that has done nothing yet.
    FirstEntry,
    /// Entering it when somebody has.
    Entry,
    /// Reading it somewhere.
    Pages,
    EmptyStart,
    LargeStart,
    Program,
    Page,
}

/// What is needed to measure.
pub(super) struct Round<'a> {
    pub(super) house: &'a House,
    pub(super) volley: &'a Built,
    pub(super) timing: Timing,
    pub(super) scale: Scale,
}

type Found = Vec<(Server, Values)>;

impl Round<'_> {
    pub(super) fn measure(&self, measure: Measure) -> Result<Found> {
        let values = match measure {
            Measure::Acks => self.acks()?,
            Measure::Posts { in_flight, ids } => self.posts(in_flight, ids)?,
            Measure::FanOut { senders } => return self.fan_out(senders),
            Measure::Joined { rooms } => self.joined(rooms)?,
            Measure::FirstEntry => self.first_entry()?,
            Measure::Entry => self.entry()?,
            Measure::Pages => self.pages()?,
            Measure::EmptyStart => self.empty_start()?,
            Measure::LargeStart => self.large_start()?,
            Measure::Program => {
                let size = self.house.built().program().metadata()?.len();
                vec![(FileSize, size as f64 / MEBIBYTE)]
            }
            Measure::Page => {
                let open = self.house.open_empty()?;
                let bytes = Web::new(open.server.address).first_load()?;
                vec![(Transferred, bytes as f64 / KIBIBYTE)]
            }
        };
        Ok(vec![(Server::Parlor, values)])
    }

    fn acks(&self) -> Result<Values> {
        let open = self.house.open()?;
        let alone = Audience::Rooms { rooms: 1, members_per_room: 1 };
        let dialect = self.house.dialect(ClientIds::TimeFirst);
        let (mut crowd, _) = connect(open.server.address, alone, &dialect)?;
        let trips = acks::round_trips(&mut crowd, self.timing.warm_up, self.timing.window)?;
        Ok(vec![
            (P50, trips.value_at_quantile(0.5) as f64 / 1e3),
            (P99, trips.value_at_quantile(0.99) as f64 / 1e3),
        ])
    }

    fn posts(&self, in_flight: usize, ids: ClientIds) -> Result<Values> {
        let Scale { rooms, senders, .. } = self.scale;
        let open = self.house.open()?;
        let audience = Audience::Rooms { rooms, members_per_room: senders / rooms };
        let dialect = self.house.dialect(ids);
        let pace = Pace::Acknowledged { in_flight };
        let outcome = self.load(&open.server, audience, &dialect, senders, pace)?;
        let mut values = vec![
            (Messages, outcome.deliveries_per_second),
            (P50, outcome.latency.value_at_quantile(0.5) as f64 / 1e3),
            (P99, outcome.latency.value_at_quantile(0.99) as f64 / 1e3),
        ];
        values.extend(remarks(&outcome));
        Ok(values)
    }

    /// volley with messages as short as everywhere else, then as long as Parlor's, and Parlor; with senders who do as
    /// the page does. Then Parlor with senders who ask for no acknowledgement.
    fn fan_out(&self, senders: usize) -> Result<Found> {
        let audience = Audience::Rooms { rooms: 1, members_per_room: self.scale.members };
        let measure = |server: &Running, dialect: &Dialect, pace: Pace| {
            self.load(server, audience, dialect, senders, pace)
        };
        let as_page = Pace::Acknowledged { in_flight: 1 };
        let short = measure(&self.volley.start()?, &Dialect::COMPARISON, as_page)?;
        let long = Dialect::Rooms { value_length: AS_LONG };
        let long = measure(&self.volley.start()?, &long, as_page)?;
        let dialect = self.house.dialect(ClientIds::TimeFirst);
        let own = measure(&self.house.open()?.server, &dialect, as_page)?;
        let unasked = measure(&self.house.open()?.server, &dialect, Pace::Closed)?;
        let of = |outcome: &Outcome| {
            let mut values = vec![
                (Deliveries, outcome.deliveries_per_second),
                (DeliveriesPerRead, outcome.deliveries_per_read),
            ];
            values.extend(remarks(outcome));
            values
        };
        let (mut parlor, mut volley) = (of(&own), of(&short));
        parlor.push((DeliveriesUnasked, unasked.deliveries_per_second));
        volley.push((DeliveriesAsLong, long.deliveries_per_second));
        Ok(vec![(Server::Parlor, parlor), (Server::Volley, volley)])
    }

    fn load(
        &self,
        server: &Running,
        audience: Audience,
        dialect: &Dialect,
        senders: usize,
        pace: Pace,
    ) -> Result<Outcome> {
        let Timing { warm_up, window, .. } = self.timing;
        let (mut crowd, _) = connect(server.address, audience, dialect)?;
        let plan = Plan { senders, pace, warm_up, window };
        let outcome = load::run(&mut crowd, &plan, server.process())?;
        ensure!(outcome.members_astray == 0, "members saw another order");
        Ok(outcome)
    }

    fn joined(&self, rooms: usize) -> Result<Values> {
        let settle = self.timing.settle;
        let open = self.house.open()?;
        let (address, process) = (open.server.address, open.server.process());
        let dialect = self.house.dialect(ClientIds::TimeFirst);
        // They only come by: who joins pays for it, and these people will do so once more.
        let (mut first, _) = connect(address, Audience::Idle { sockets: FIRST_GUESTS }, &dialect)?;
        first.rest(settle)?;
        drop(first);
        sleep(settle);
        let empty = process.resident_bytes()? as f64;

        let sockets = self.scale.sockets;
        let audience = Audience::Rooms { rooms, members_per_room: sockets / rooms };
        let (mut crowd, arrival) = connect(address, audience, &dialect)?;
        crowd.rest(2 * settle)?;
        let full = process.resident_bytes()? as f64;
        Ok(vec![
            (BytesPerSocket, (full - empty) / sockets as f64),
            (Seconds, arrival.elapsed.as_secs_f64()),
        ])
    }

    fn first_entry(&self) -> Result<Values> {
        let trips = (0..self.scale.starts).map(|_| {
            let trips = self.enter(1)?;
            Ok(trips[0])
        });
        Ok(quantiles(trips.collect::<Result<_>>()?))
    }

    fn entry(&self) -> Result<Values> {
        let trips = self.enter(self.scale.entries + 1)?;
        Ok(quantiles(trips[1..].to_vec()))
    }

    /// People enter the large room.
    fn enter(&self, people: usize) -> Result<Vec<Duration>> {
        let open = self.house.open_large()?;
        let audience = Audience::Idle { sockets: people };
        let (mut crowd, _) = connect(open.server.address, audience, &self.house.large_room())?;
        opening::enter_one_by_one(&mut crowd, NEWEST)
    }

    fn pages(&self) -> Result<Values> {
        let open = self.house.open_large()?;
        let web = Web::new(open.server.address);
        let step = self.scale.size.messages / PAGES;
        let pages = (1..PAGES).map(|page| {
            // Here and there: 7 and the number of pages have no common divisor.
            let before = NEWEST as u64 + 1 + (page * 7 % PAGES) * step;
            self.house.page(&web, page as usize, before)
        });
        Ok(quantiles(pages.collect::<Result<_>>()?))
    }

    /// What an idle server holds is read of the last one.
    fn empty_start(&self) -> Result<Values> {
        let mut starts = Vec::new();
        let mut resident = 0;
        for number in 1..=self.scale.starts {
            let open = self.house.open_empty()?;
            starts.push(open.start);
            if number == self.scale.starts {
                sleep(self.timing.settle);
                resident = open.server.process().resident_bytes()?;
            }
        }
        let mut values = quantiles(starts);
        values.push((ResidentMemory, resident as f64 / MEBIBYTE));
        Ok(values)
    }

    fn large_start(&self) -> Result<Values> {
        let starts = (0..self.scale.starts).map(|_| {
            let open = self.house.open_large()?;
            let start = open.start;
            open.server.end()?;
            Ok(start)
        });
        Ok(quantiles(starts.collect::<Result<_>>()?))
    }
}

/// What is worth a line only where there is something to say.
fn remarks(outcome: &Outcome) -> Values {
    let mut remarks = vec![(GeneratorLoad, outcome.generator_load * 100.0)];
    if outcome.other_load > DISTURBED {
        remarks.push((OtherLoad, outcome.other_load * 100.0));
    }
    remarks
}

/// In microseconds.
fn quantiles(mut times: Vec<Duration>) -> Values {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    vec![(P50, at(50)), (P99, at(99))]
}
