//! A client that does what docs/protocol.md says: it repeats what is not answered, under the same id; it comes back with
//! its cursors; it waits as long as it is told to. Everything it does and sees is recorded.

mod habits;
mod hear;
mod link;
mod outbox;
mod room;
mod say;

use std::sync::Arc;
use std::time::Duration;

use checker::Event;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

pub(crate) use habits::Habits;
use link::{Asked, Link};
use outbox::Outbox;
pub(crate) use outbox::Pending;
use room::Room;

use crate::crowd::{Orders, Stance, Standing};
use crate::history::History;
use crate::socket::{Socket, connect_packet};
use crate::web::{Person, Web};
use crate::wire::{Failure, Packet, RoomId};

/// How long somebody stays away who does, in milliseconds.
const NAP: std::ops::Range<u64> = 2_000..6_000;

/// Who a client is, and what it is given.
pub(crate) struct Role {
    /// Its number in the history.
    pub(crate) number: u32,
    /// Decides what it does.
    pub(crate) seed: u64,
    pub(crate) person: Person,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) habits: Habits,
    /// Another client of the same person that says the same at the same time, and what that one says.
    pub(crate) twin: Option<Twin>,
}

/// The way to a twin and from it.
pub(crate) struct Twin {
    pub(crate) tell: mpsc::Sender<Pending>,
    pub(crate) told: mpsc::Receiver<Pending>,
}

/// A client, through all its connections.
pub(crate) struct Client {
    role: Role,
    history: Arc<History>,
    web: Web,
    orders: watch::Receiver<Orders>,
    standing: Standing,
    draws: StdRng,
    rooms: Vec<Room>,
    outbox: Outbox,
    /// A page of history that is being read.
    reading: Option<JoinHandle<()>>,
    /// How often it has been cut by order.
    cuts: u64,
    /// When to come back at the earliest, and how often that was in vain.
    not_before: Instant,
    attempts: u32,
    /// Since when it is not in all its rooms, after a loss.
    lost_at: Option<Instant>,
    /// When it last learned something.
    learned_at: Instant,
}

impl Client {
    pub(crate) fn new(
        role: Role,
        history: Arc<History>,
        web: Web,
        orders: watch::Receiver<Orders>,
        standing: Standing,
    ) -> Self {
        let now = Instant::now();
        let seed = role.seed ^ u64::from(role.number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let cuts = orders.borrow().cuts;
        let rooms = role.rooms.iter().map(|room| Room::new(*room, now)).collect();
        let mut draws = StdRng::seed_from_u64(seed);
        // Else thousands would begin to talk in one moment.
        let silence = role.habits.pace.map(|pace| pace.mul_f64(draws.random()));
        Self {
            outbox: Outbox::new(role.number, now + silence.unwrap_or_default()),
            role,
            history,
            web,
            standing,
            draws,
            rooms,
            reading: None,
            cuts,
            orders,
            not_before: now,
            attempts: 0,
            lost_at: None,
            learned_at: now,
        }
    }

    /// Goes on until it is told to leave.
    pub(crate) async fn run(mut self) {
        while !self.orders.borrow().leave {
            if let Some(link) = self.connect().await {
                self.attempts = 0;
                self.record(Event::Connected);
                let reason = self.take_part(link).await;
                self.lose(reason).await;
            }
            self.wait_to_come_back().await;
        }
        self.record(Event::Gone);
    }

    async fn connect(&mut self) -> Option<Link> {
        self.is_to_go();
        let at = self.orders.borrow().at;
        let transport = *self.role.habits.transports.choose(&mut self.draws)?;
        let mut socket = Socket::open(at, &self.role.person.token, transport).await.ok()?;
        if self.draws.random_bool(self.role.habits.stutters) {
            socket.send(connect_packet(&self.role.person.token)).await;
        }
        let deadline = Instant::now() + self.role.habits.patience;
        let answer = timeout_at(deadline, socket.next()).await.ok()??;
        match Packet::parse(&answer) {
            Packet::Connected => return Some(Link::new(socket, self.role.habits.beat)),
            Packet::Refused(Failure { retry_after_ms: Some(wait), .. }) => self.put_off(wait),
            Packet::Refused(_) if self.role.habits.may_be_logged_out => {}
            _ => self.surprise(format!("was not let in: {answer}")),
        }
        None
    }

    /// Takes part until the connection ends; why it did.
    async fn take_part(&mut self, mut link: Link) -> String {
        let reason = loop {
            let due = self.say_what_is_due(&mut link).await;
            self.report();
            tokio::select! {
                packet = link.socket.next() => match packet {
                    Some(packet) => if let Err(reason) = self.hear(&mut link, &packet) {
                        break reason.to_owned();
                    },
                    None => break "the connection ended".to_owned(),
                },
                Some(pending) = told(&mut self.role.twin) => self.outbox.add(pending),
                () = sleep_until(due) => {}
                changed = self.orders.changed() => if changed.is_err() || self.is_to_go() {
                    break "the client went".to_owned();
                },
            }
            if link.is_overdue(Instant::now(), self.role.habits.patience) {
                break "no answer came".to_owned();
            }
        };
        for asked in link.unanswered() {
            if let Asked::Message(post) = asked {
                self.record(Event::Info { post });
            }
        }
        reason
    }

    async fn lose(&mut self, reason: String) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
            // Over or not, nothing of it is recorded after this.
            reading.await.ok();
        }
        self.record(Event::Lost { reason });
        self.lost_at.get_or_insert_with(Instant::now);
        self.rooms.iter_mut().for_each(Room::lose);
        self.outbox.lose();
        self.report();
    }

    /// Whether the connection that there is, if any, is to end by order.
    fn is_to_go(&mut self) -> bool {
        let orders = self.orders.borrow_and_update();
        let (cuts, leave) = (orders.cuts, orders.leave);
        drop(orders);
        let is_cut = cuts != self.cuts;
        if is_cut {
            self.cuts = cuts;
            self.standing.is_cut();
        }
        is_cut || leave
    }

    async fn wait_to_come_back(&mut self) {
        let (first, last) = self.role.habits.returns;
        let pause = (first * 2_u32.pow(self.attempts)).min(last);
        self.attempts = (self.attempts + 1).min(8);
        let mut pause = pause.mul_f64(self.draws.random_range(0.5..1.5));
        if self.draws.random_bool(self.role.habits.naps) && self.orders.borrow().talk {
            pause = Duration::from_millis(self.draws.random_range(NAP));
        }
        let at = self.not_before.max(Instant::now() + pause);
        tokio::select! {
            () = sleep_until(at) => {}
            _ = self.orders.wait_for(|orders| orders.leave) => {}
        }
    }

    /// The server asks to come back only after so many milliseconds.
    fn put_off(&mut self, milliseconds: u64) {
        self.not_before = Instant::now() + Duration::from_millis(milliseconds);
    }

    /// Tells the crowd how it stands, if that has changed.
    fn report(&mut self) {
        let orders = self.orders.borrow();
        let here = self.rooms.iter().all(|room| room.joined);
        let rests = here && !orders.talk && self.outbox.is_empty();
        let heads = orders.heads.as_ref().filter(|_| rests);
        let home =
            heads.filter(|heads| self.rooms.iter().all(|room| room.is_at(heads.of(room.id))));
        if let Some(heads) = home.filter(|_| !self.standing.is_home()) {
            let took = self.learned_at.saturating_duration_since(heads.since);
            self.history.figures(|figures| figures.convergence.record(took));
        }
        let stance = match home {
            Some(_) => Stance::Home,
            None if rests => Stance::Resting,
            None if here => Stance::Here,
            None => Stance::Away,
        };
        drop(orders);
        self.standing.set(stance);
        if here && let Some(lost_at) = self.lost_at.take() {
            self.history.figures(|figures| figures.back.record(lost_at.elapsed()));
        }
    }

    fn record(&self, event: Event) {
        self.history.record(self.role.number, self.role.person.id, event);
    }

    fn surprise(&self, what: String) {
        self.record(Event::Surprise { what });
    }
}

/// What the twin says; never anything if there is none.
async fn told(twin: &mut Option<Twin>) -> Option<Pending> {
    match twin {
        Some(twin) => twin.told.recv().await,
        None => std::future::pending().await,
    }
}
