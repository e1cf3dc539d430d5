//! The one pass: each record goes to those it concerns.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::limits::Limits;
use crate::record::{Event, Message, Moment, Path, Post, Record};
use crate::report::{self, Figures, Invariant, Report, Spread, Subject};
use clients::{Clients, Cursor};
use findings::Findings;
use ledger::{Ledger, Place};

mod clients;
mod findings;
mod ledger;

/// Each group of events has its function, to which [`Checker::observe`] sends these and no others.
const ELSEWHERE: &str = "it is sent elsewhere";

/// Reads a history, record by record.
#[derive(Debug)]
pub struct Checker {
    limits: Limits,
    findings: Findings,
    figures: Figures,
    ledger: Ledger,
    clients: Clients,
    troubles: Troubles,
    baseline: Option<Resources>,
    first_at: u64,
    ack: Histogram<u64>,
    ack_in_faults: Histogram<u64>,
}

/// Whether something is broken on purpose.
#[derive(Debug, Default)]
struct Troubles {
    active: bool,
    /// Counts beginnings and ends.
    phase: u64,
}

#[derive(Debug, Clone, Copy)]
struct Resources {
    memory_bytes: u64,
    descriptors: u64,
    tasks: u64,
}

impl Checker {
    /// One that has seen nothing yet. A history that states other limits is judged under those.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            findings: Findings::default(),
            figures: Figures::default(),
            ledger: Ledger::default(),
            clients: Clients::new(limits),
            troubles: Troubles::default(),
            baseline: None,
            first_at: 0,
            ack: report::durations(),
            ack_in_faults: report::durations(),
        }
    }

    /// Takes in what happened next.
    pub fn observe(&mut self, record: &Record) {
        self.step_to(record.at_ns);
        self.clients.appears(record.process, record.user);
        match record.event {
            Event::Limits { limits } => self.take_over(limits),
            Event::Invoke { .. } | Event::Ok { .. } | Event::Fail { .. } | Event::Info { .. } => {
                self.sent(record);
            }
            Event::LoggedIn | Event::Connected | Event::Lost { .. } | Event::Gone => {
                self.came_or_went(record);
            }
            Event::Joining { .. }
            | Event::Resync { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Heard { .. }
            | Event::Reading { .. }
            | Event::Read { .. } => self.told(record),
            Event::Revoked { .. }
            | Event::Fault { .. }
            | Event::Healed
            | Event::Restored { .. }
            | Event::Resources { .. }
            | Event::Surprise { .. } => self.befell(record),
            Event::Final { .. } | Event::Row { .. } => self.read_in_full(record),
        }
    }

    /// The history is complete.
    pub fn finish(mut self) -> Report {
        self.ledger.finish(&mut self.findings);
        self.clients.finish(&self.ledger, &mut self.findings);
        if self.troubles.active {
            self.findings.mistake(format_args!("something is still broken in the end"));
        }
        self.judge_acks();
        let Findings { number, now, tallies, violations, surprises, mistakes } = self.findings;
        let figures = Figures {
            records: number,
            lasted: Duration::from_nanos(now - self.first_at),
            clients: self.clients.count() as u64,
            rooms: self.ledger.rooms() as u64,
            messages: self.ledger.messages() as u64,
            acked: self.ledger.acked,
            repeated: self.ledger.repeated,
            ack: Spread::of(&self.ack),
            ack_in_faults: Spread::of(&self.ack_in_faults),
            convergence: Spread::of(self.clients.convergence()),
            ..self.figures
        };
        Report { figures, tallies, violations, surprises, mistakes }
    }

    fn step_to(&mut self, at: u64) {
        let findings = &mut self.findings;
        findings.number += 1;
        if findings.number == 1 {
            self.first_at = at;
        }
        if at < findings.now {
            findings.mistake(format_args!("it is earlier than the one before"));
        }
        findings.now = findings.now.max(at);
    }

    /// The history says itself under which limits it was made.
    fn take_over(&mut self, limits: Limits) {
        if self.findings.number > 1 {
            self.findings.mistake(format_args!("limits that are stated too late"));
            return;
        }
        self.limits = limits;
        self.clients.limits = limits;
    }

    /// Somebody sent something, or learned what became of it.
    fn sent(&mut self, &Record { process, user, ref event, .. }: &Record) {
        let Self { ledger, findings, troubles, .. } = self;
        match *event {
            Event::Invoke { ref post } => ledger.invoke(user, post, troubles.phase, findings),
            Event::Ok { ref post, seq, id, at } => self.acked(process, user, post, (seq, id, at)),
            Event::Fail { ref post, .. } => ledger.fail(user, post, findings),
            Event::Info { ref post } => ledger.info(user, post, findings),
            _ => unreachable!("{ELSEWHERE}"),
        }
    }

    fn acked(&mut self, process: u32, user: u64, post: &Post, (seq, id, at): (u64, u64, i64)) {
        let &Post { room, client_id, body } = post;
        let message = Message { seq, id, client_id, author: user, body, at };
        self.clients.delivered(process, &mut self.findings);
        let room = self.ledger.room(room);
        let Some(epoch) = self.clients.acked(process, room, seq) else {
            self.findings.mistake(format_args!("an ack to somebody who has not joined the room"));
            return;
        };
        if let Some(first) = self.ledger.ack(epoch, &message, &mut self.findings) {
            let calm = !self.troubles.active && first.phase == self.troubles.phase;
            let acks = if calm { &mut self.ack } else { &mut self.ack_in_faults };
            acks.saturating_record(first.took);
        }
    }

    /// A client came, or went.
    fn came_or_went(&mut self, &Record { process, ref event, .. }: &Record) {
        let Self { ledger, findings, clients, figures, .. } = self;
        match event {
            Event::LoggedIn => clients.logged_in(process),
            Event::Connected => {}
            Event::Lost { .. } => {
                figures.lost += 1;
                clients.lost(process);
            }
            Event::Gone => clients.gone(process, ledger, findings),
            _ => unreachable!("{ELSEWHERE}"),
        }
    }

    /// A client asked for what is in a room, or was told it.
    fn told(&mut self, &Record { process, ref event, .. }: &Record) {
        let Self { ledger, findings, clients, figures, .. } = self;
        match *event {
            Event::Joining { room, after, epoch } => {
                clients.joining(process, ledger.room(room), Cursor { after, epoch }, findings);
            }
            Event::Resync { room, epoch, head, .. } => {
                figures.resyncs += 1;
                let room = ledger.told_of(room, epoch);
                clients.resync(process, room, Place { epoch, seq: head }, ledger, findings);
            }
            Event::Joined { room, epoch, head } => {
                figures.joins += 1;
                clients.delivered(process, findings);
                let room = ledger.told_of(room, epoch);
                clients.joined(process, room, Place { epoch, seq: head }, ledger, findings);
            }
            Event::Left { room } => clients.left(process, ledger.room(room)),
            Event::Heard { room, path, ref message } => {
                figures.count(path);
                clients.delivered(process, findings);
                let room = ledger.room(room);
                match path {
                    Path::Live | Path::Resume => {
                        clients.heard(process, room, message, ledger, findings);
                    }
                    Path::History => clients.turned(process, room, message, ledger, findings),
                }
            }
            Event::Reading { room } => clients.reading(process, ledger.room(room)),
            Event::Read { room, epoch, head } => {
                clients.delivered(process, findings);
                let room = ledger.told_of(room, epoch);
                clients.read(process, room, Place { epoch, seq: head }, ledger, findings);
            }
            _ => unreachable!("{ELSEWHERE}"),
        }
    }

    /// Something was done to the server, or to a client's right to hear.
    fn befell(&mut self, record: &Record) {
        let &Record { at_ns, process, user, ref event } = record;
        let Self { ledger, findings, clients, figures, troubles, .. } = self;
        match *event {
            Event::Revoked { whose } => clients.revoked(process, user, whose, at_ns),
            Event::Fault { .. } => {
                figures.faults += 1;
                troubles.begin();
                clients.troubled(ledger, findings);
            }
            Event::Healed => {
                troubles.end();
                clients.healed(ledger, findings);
            }
            Event::Restored { since_ns } => {
                figures.restores += 1;
                ledger.restored(since_ns, at_ns);
            }
            Event::Resources { moment, memory_bytes, descriptors, tasks } => {
                self.measure(moment, Resources { memory_bytes, descriptors, tasks });
            }
            Event::Surprise { .. } => findings.surprised(record),
            _ => unreachable!("{ELSEWHERE}"),
        }
    }

    fn measure(&mut self, moment: Moment, now: Resources) {
        let (Moment::After, Some(baseline)) = (moment, self.baseline) else {
            match moment {
                Moment::Baseline => self.baseline = Some(now),
                Moment::After => {
                    self.findings.mistake(format_args!("resources without a baseline"));
                }
            }
            return;
        };
        let limits = self.limits;
        let measured = [
            ("bytes of memory", baseline.memory_bytes, now.memory_bytes, limits.memory_bytes),
            ("descriptors", baseline.descriptors, now.descriptors, limits.descriptors),
            ("tasks", baseline.tasks, now.tasks, limits.tasks),
        ];
        for (what, before, after, tolerated) in measured {
            self.findings.checked(Invariant::I11);
            if after > before.saturating_add(tolerated) {
                let what = format_args!(
                    "{after} {what} are left of {before}, and {tolerated} more may be"
                );
                self.findings.broken(Invariant::I11, Subject::default(), what);
            }
        }
    }

    /// A room was read in full.
    fn read_in_full(&mut self, record: &Record) {
        let Self { ledger, findings, clients, .. } = self;
        match record.event {
            Event::Final { room, epoch, head, source } => {
                let room = ledger.open(room, epoch, head, source, findings);
                clients.must_be_at(room, Place { epoch, seq: head }, ledger, findings);
            }
            Event::Row { room, ref message } => ledger.row(room, message, findings),
            _ => unreachable!("{ELSEWHERE}"),
        }
    }

    fn judge_acks(&mut self) {
        let measured = [
            ("while nothing was broken", &self.ack, self.limits.ack),
            ("in faults", &self.ack_in_faults, self.limits.ack_in_faults),
        ];
        for (when, acks, limit) in measured {
            let Spread { count, p99, .. } = Spread::of(acks);
            self.findings.tallies[Invariant::I12 as usize].checked += count;
            if p99 > limit {
                let what =
                    format_args!("{when} 1 ack of 100 took {p99:.3?}, and may take {limit:.3?}");
                self.findings.broken(Invariant::I12, Subject::default(), what);
            }
        }
    }
}

impl Troubles {
    fn begin(&mut self) {
        self.active = true;
        self.phase += 1;
    }

    fn end(&mut self) {
        self.active = false;
        self.phase += 1;
    }
}
