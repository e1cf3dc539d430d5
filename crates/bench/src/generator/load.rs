//! Sending at a pace and counting what arrives. Counted is a message at a receiver, once it has been
//! added to the tally of its receiver, which must be right in the end; bytes are never counted.
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::connection::Connection;
use super::sender::{Sender, Turn};
use super::tally::Tally;
use super::{Audience, Crowd, Latencies, latencies};
use crate::dialect::Dialect;
use crate::process::{Process, machine_cpu_seconds};
use crate::wire::{self, MessageId};

/// How long the last messages may take to reach everybody.
const DRAIN: Duration = Duration::from_secs(5);
/// And how long to listen after them for one too many.
const AFTERMATH: Duration = Duration::from_millis(20);

const ACK: u32 = 7;
/// Messages on their way from each sender while rooms are filled.
const FILLING: usize = 4;

/// What to do with a crowd that is seated.
pub(crate) struct Plan {
    /// Spread evenly over the crowd.
    pub(crate) senders: usize,
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    /// Only what happens in it is measured.
    pub(crate) window: Duration,
}

#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each sender sends its next message when its own comes back to it: as many messages are on
    /// their way as there are senders.
    Closed,
    /// Each sender has so many messages on their way, and sends the next when the oldest of them is
    /// acknowledged.
    Acknowledged { in_flight: usize },
    /// The senders take turns, one message each `interval` (in seconds), whether the server keeps up
    /// or not.
    Open { interval: f64 },
}

impl Pace {
    /// The acknowledgement that each message asks for, if any. They come in the order of the
    /// messages, so one number does for all.
    fn ack(self) -> Option<u32> {
        matches!(self, Self::Acknowledged { .. }).then_some(ACK)
    }
}

pub(crate) struct Outcome {
    pub(crate) deliveries_per_second: f64,
    /// Per second that the server's threads, all together, were on a processor.
    pub(crate) deliveries_per_cpu_second: f64,
    /// How many of them a client finds when it looks: what the server put in one write, mostly.
    pub(crate) deliveries_per_read: f64,
    pub(crate) resident_bytes: u64,
    /// Part of the time that this generator was busy. At 1 it may be what limits the server.
    pub(crate) generator_load: f64,
    /// Processors that neither the server nor this generator used: somebody else disturbs.
    pub(crate) other_load: f64,
    /// From the time a message was meant to be sent to its arrival at each receiver, or from its
    /// sending to its acknowledgement if that is what sets the pace. Empty at a closed pace.
    pub(crate) latency: Latencies,
    /// Members that did not see the same order as others.
    pub(crate) members_astray: usize,
}

/// Runs the plan to its end and makes sure that nothing is missing.
pub(crate) fn run(crowd: &mut Crowd, plan: &Plan, server: Process) -> Result<Outcome> {
    let mut load = Load::new(crowd, plan)?;
    load.start(crowd)?;
    load.go_on_until(crowd, load.window.start)?;
    let begin = Reading::take(&load, server)?;
    load.go_on_until(crowd, load.window.end)?;
    let end = Reading::take(&load, server)?;
    let resident_bytes = server.resident_bytes()?;
    load.finish(crowd)?;

    let elapsed = (end.at - begin.at).as_secs_f64();
    let deliveries = (end.deliveries - begin.deliveries) as f64;
    let server_cpu = end.server_cpu - begin.server_cpu;
    let generator_cpu = end.generator_cpu - begin.generator_cpu;
    let machine_cpu = end.machine_cpu - begin.machine_cpu;
    Ok(Outcome {
        deliveries_per_second: deliveries / elapsed,
        deliveries_per_cpu_second: deliveries / server_cpu,
        deliveries_per_read: deliveries / (end.reads - begin.reads) as f64,
        resident_bytes,
        generator_load: generator_cpu / elapsed,
        other_load: (machine_cpu - server_cpu - generator_cpu) / elapsed,
        members_astray: load.members_astray(),
        latency: load.latency,
    })
}

/// Has so many messages said as quickly as they are acknowledged, by everybody.
pub(crate) fn fill(crowd: &mut Crowd, messages: u64) -> Result<()> {
    let pace = Pace::Acknowledged { in_flight: FILLING };
    let (warm_up, window) = (Duration::ZERO, Duration::ZERO);
    let plan = Plan { senders: crowd.audience.sockets(), pace, warm_up, window };
    let mut load = Load::new(crowd, &plan)?;
    load.start(crowd)?;
    while load.sent < messages {
        load.hear(crowd, DRAIN)?;
    }
    load.finish(crowd)
}

/// All meters, read at one moment.
struct Reading {
    at: Instant,
    deliveries: u64,
    reads: u64,
    /// Processor time in seconds.
    server_cpu: f64,
    generator_cpu: f64,
    machine_cpu: f64,
}

impl Reading {
    fn take(load: &Load, server: Process) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            deliveries: load.deliveries,
            reads: load.reads,
            server_cpu: server.cpu_seconds()?,
            generator_cpu: Process::this().cpu_seconds()?,
            machine_cpu: machine_cpu_seconds()?,
        })
    }
}

struct Load {
    members: Vec<Member>,
    senders: Vec<Sender>,
    /// What every member of a room must have received in the end.
    rooms: Vec<Tally>,
    members_per_room: usize,
    dialect: Dialect,
    pace: Pace,
    /// All times are nanoseconds since then.
    clock: Instant,
    window: Range<u64>,
    sending: bool,
    /// Messages sent so far, and the deliveries they must lead to.
    sent: u64,
    expected: u64,
    deliveries: u64,
    acked: u64,
    reads: u64,
    latency: Latencies,
}

struct Member {
    room: usize,
    received: Tally,
    sender: Option<usize>,
    /// Of its own messages.
    turn: Turn,
}

impl Load {
    fn new(crowd: &Crowd, plan: &Plan) -> Result<Self> {
        let Audience::Rooms { rooms, members_per_room } = crowd.audience else {
            bail!("nobody is in a room");
        };
        let sockets = crowd.audience.sockets();
        let member = |member| Member {
            room: member / members_per_room,
            received: Tally::default(),
            sender: None,
            turn: Turn::InOrder,
        };
        let mut members: Vec<Member> = (0..sockets).map(member).collect();
        let mut senders = Vec::with_capacity(plan.senders);
        for number in 0..plan.senders {
            let member = (2 * number + 1) * sockets / (2 * plan.senders);
            members[member].sender = Some(number);
            let room = members[member].room;
            senders.push(Sender::new(number, member, room, &crowd.dialect, plan.pace.ack()));
        }
        let warm_up = plan.warm_up.as_nanos() as u64;
        Ok(Self {
            members,
            senders,
            rooms: vec![Tally::default(); rooms],
            members_per_room,
            dialect: crowd.dialect.clone(),
            pace: plan.pace,
            clock: Instant::now(),
            window: warm_up..warm_up + plan.window.as_nanos() as u64,
            sending: true,
            sent: 0,
            expected: 0,
            deliveries: 0,
            acked: 0,
            reads: 0,
            latency: latencies(),
        })
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// Where an answer sets the pace, the first messages are what sets it going.
    fn start(&mut self, crowd: &mut Crowd) -> Result<()> {
        let in_flight = match self.pace {
            Pace::Closed => 1,
            Pace::Acknowledged { in_flight } => in_flight,
            Pace::Open { .. } => 0,
        };
        for sender in (0..self.senders.len()).cycle().take(in_flight * self.senders.len()) {
            let member = self.senders[sender].member;
            self.send(sender, &mut crowd.connections[member])?;
        }
        Ok(())
    }

    fn go_on_until(&mut self, crowd: &mut Crowd, end: u64) -> Result<()> {
        loop {
            let now = self.now();
            let next = match self.pace {
                Pace::Closed | Pace::Acknowledged { .. } => end,
                Pace::Open { interval } => self.send_what_is_due(crowd, now.min(end), interval)?,
            };
            if now >= end {
                return Ok(());
            }
            self.hear(crowd, Duration::from_nanos(next.min(end).saturating_sub(now)))?;
        }
    }

    /// Sends the messages whose turn has come, and says when the next one's will.
    fn send_what_is_due(&mut self, crowd: &mut Crowd, now: u64, interval: f64) -> Result<u64> {
        loop {
            let due = Duration::from_secs_f64(self.sent as f64 * interval).as_nanos() as u64;
            if due > now {
                return Ok(due);
            }
            let sender = self.sent as usize % self.senders.len();
            let member = self.senders[sender].member;
            self.senders[sender].remember(due);
            self.send(sender, &mut crowd.connections[member])?;
        }
    }

    fn send(&mut self, sender: usize, connection: &mut Connection) -> Result<()> {
        if let Pace::Acknowledged { .. } = self.pace {
            let now = self.now();
            self.senders[sender].remember(now);
        }
        let sender = &mut self.senders[sender];
        let room = sender.room;
        let (id, payload) = sender.speak();
        self.rooms[room].add(id);
        self.sent += 1;
        self.expected += self.members_per_room as u64;
        connection.send_text(payload)
    }

    fn hear(&mut self, crowd: &mut Crowd, timeout: Duration) -> Result<()> {
        crowd.hear(timeout, |member, connection, bytes| {
            self.receive(member, connection, bytes).with_context(|| format!("client {member}"))
        })
    }

    /// Takes everything that is whole in `bytes` and says how much that was.
    fn receive(
        &mut self,
        member: usize,
        connection: &mut Connection,
        bytes: &[u8],
    ) -> Result<usize> {
        self.reads += 1;
        let now = match self.pace {
            Pace::Closed => 0,
            Pace::Open { .. } | Pace::Acknowledged { .. } => self.now(),
        };
        wire::each_frame(bytes, |opcode, payload| {
            let Some(value) = self.dialect.value_of(payload) else {
                return self.receive_other(member, now, connection, opcode, payload);
            };
            let id = *value.first_chunk().context("a message without an id")?;
            self.members[member].received.add(id);
            self.deliveries += 1;
            if let Pace::Open { .. } = self.pace {
                self.time(id, now)?;
            }
            if let Some(sender) = self.members[member].sender {
                self.listen(sender, id, value, connection)?;
            }
            Ok(())
        })
    }

    fn receive_other(
        &mut self,
        member: usize,
        now: u64,
        connection: &mut Connection,
        opcode: u8,
        payload: &[u8],
    ) -> Result<()> {
        let Some(sender) = self.members[member].sender else {
            return self.ignore(connection, opcode, payload);
        };
        if !matches!(self.pace, Pace::Acknowledged { .. }) || !self.dialect.is_ack(payload, ACK)? {
            return self.ignore(connection, opcode, payload);
        }
        let sent = self.senders[sender].acknowledge()?;
        self.acked += 1;
        if self.window.contains(&sent) {
            self.latency.saturating_record(now - sent);
        }
        if self.sending { self.send(sender, connection) } else { Ok(()) }
    }

    fn ignore(&self, connection: &mut Connection, opcode: u8, payload: &[u8]) -> Result<()> {
        if self.dialect.is_aside(payload) { Ok(()) } else { connection.answer(opcode, payload) }
    }

    /// Records how long after its time the message came.
    fn time(&mut self, id: MessageId, now: u64) -> Result<()> {
        let (sender, count) = wire::sender_and_count(id).context("a message without an id")?;
        let sender = self.senders.get(sender).context("a message of a stranger")?;
        let due = sender.due(count)?;
        if self.window.contains(&due) {
            self.latency.saturating_record(now - due);
        }
        Ok(())
    }

    /// A sender's own message has come back if it is one: the next may follow.
    fn listen(
        &mut self,
        number: usize,
        id: MessageId,
        value: &[u8],
        connection: &mut Connection,
    ) -> Result<()> {
        let (from, count) = wire::sender_and_count(id).context("a message without an id")?;
        if from != number {
            return Ok(());
        }
        let sender = &mut self.senders[number];
        if sender.recognise(count, value)? == Turn::Overtaken {
            self.members[sender.member].turn = Turn::Overtaken;
        }
        if self.sending && matches!(self.pace, Pace::Closed) {
            self.send(number, connection)?;
        }
        Ok(())
    }

    /// Stops sending, waits for what is under way and makes sure that everybody got all of it.
    fn finish(&mut self, crowd: &mut Crowd) -> Result<()> {
        self.sending = false;
        let begun = Instant::now();
        while self.deliveries < self.expected || self.acked < self.acks_asked_for() {
            let missing = self.expected - self.deliveries;
            ensure!(begun.elapsed() < DRAIN, "{missing} of {} deliveries missing", self.expected);
            self.hear(crowd, DRAIN)?;
        }
        self.hear(crowd, AFTERMATH)?;
        for (number, member) in self.members.iter().enumerate() {
            let complete = member.received.has_what(&self.rooms[member.room]);
            ensure!(complete, "client {number} has lost a message or got one twice");
        }
        Ok(())
    }

    fn acks_asked_for(&self) -> u64 {
        if self.pace.ack().is_some() { self.sent } else { 0 }
    }

    /// Members that saw another order than the first member of their room, or saw one of their own
    /// messages overtake another.
    fn members_astray(&self) -> usize {
        let first = |member: &Member| &self.members[member.room * self.members_per_room];
        let is_astray = |member: &&Member| {
            member.turn == Turn::Overtaken
                || !member.received.is_in_the_order_of(&first(member).received)
        };
        self.members.iter().filter(is_astray).count()
    }
}
