//! An episode: some thousand steps of a server and its clients under one seed, then all is healed, everyone catches up,
//! and the checker judges.

use std::fmt;
use std::time::Duration;

use chat::{Logged, Page, Seq};
use checker::{Event, Moment, Record, Report, Source};
use volley::CloseReason;

use crate::client::{Client, Wish, as_seen};
use crate::happening::Happening;
use crate::recorder::Keep;
use crate::shore::Shore;
use crate::tally::Tally;

/// How long everyone may take to catch up before that is given up, and judged as it is.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a client waits at most between two moves once it is to catch up.
const HASTE: Duration = Duration::from_millis(500);
/// How long a server may take to be as if nobody had been there: a connection may be found dead only by its pings, and rooms
/// are closed and activity noted in turns of seconds.
const AFTERMATH: Duration = Duration::from_mins(2);

/// What became of an episode.
#[derive(Debug)]
pub struct Outcome {
    /// Which one it was.
    pub seed: u64,
    /// What was simulated.
    pub tally: Tally,
    /// What the checker found.
    pub report: Report,
    /// What no server should say.
    pub strange: Vec<String>,
    /// What happened, if it was kept.
    pub history: Vec<Record>,
}

/// Runs the episode of a seed.
pub fn run(seed: u64, steps: u64, keep: Keep) -> Outcome {
    let mut episode = Episode::new(seed, keep);
    episode.goes_on(steps);
    episode.heals();
    episode.converges();
    episode.reads_everything();
    episode.is_left_alone();
    episode.finish(seed)
}

struct Episode {
    shore: Shore,
    clients: Vec<Client>,
    steps: u64,
}

impl Episode {
    fn new(seed: u64, keep: Keep) -> Self {
        let shore = Shore::new(seed, keep);
        let people = shore.people.len();
        let client = |index| Client::new(index, index % people, &shore.rooms);
        let clients: Vec<_> = (0..shore.plan.clients).map(client).collect();
        for client in 0..clients.len() {
            shore.nature.arrange(Duration::ZERO, Happening::Moves(client));
        }
        if !shore.plan.troubles.is_empty() {
            shore.arrange_strike();
        }
        let mut episode = Self { shore, clients, steps: 0 };
        episode.measures(Moment::Baseline);
        episode
    }

    fn goes_on(&mut self, steps: u64) {
        while self.steps < steps {
            self.step();
        }
    }

    /// Nothing goes wrong any more, and everyone makes haste to catch up.
    fn heals(&mut self) {
        self.shore.heals();
        self.shore.nature.call_off(|what| matches!(what, Happening::Moves(_)));
        for client in 0..self.clients.len() {
            self.shore.nature.arrange(HASTE, Happening::Moves(client));
        }
    }

    /// Goes on until everyone has everything.
    fn converges(&mut self) {
        let until = self.shore.nature.now() + nanos(PATIENCE);
        while self.shore.nature.now() < until {
            if matches!(self.step(), Some(Step::Moved)) && self.is_done() {
                return;
            }
        }
    }

    /// One thing happens.
    fn step(&mut self) -> Option<Step> {
        self.steps += 1;
        if self.shore.executor.step(&self.shore.nature) {
            return None;
        }
        let happening = self.shore.nature.proceed()?;
        let shore = &mut self.shore;
        match happening {
            Happening::Woken(waker) => waker.wake(),
            Happening::Down(line) => {
                let packets = line.arrived();
                self.steps += packets.len() as u64;
                let client = &mut self.clients[line.client()];
                packets.into_iter().for_each(|packet| client.hears(&line, packet, shore));
            }
            Happening::Up(line) => line.rises(),
            Happening::Resumes(line) => line.resume(),
            Happening::Lost(line) => {
                line.cut();
                self.clients[line.client()].loses(&line, "transport close", shore);
            }
            Happening::Noticed(line, reason) => line.end(reason),
            Happening::Moves(client) => {
                self.moves(client);
                return Some(Step::Moved);
            }
            Happening::Answered { client, request, answer } => {
                self.clients[client].gets(request, answer, shore);
            }
            Happening::Revoked(sessions) => {
                shore.tally.revocations += 1;
                self.clients.iter().for_each(|client| client.is_revoked(&sessions, shore));
            }
            Happening::Replaced(session) => shore.end_replaced(session),
            Happening::Restored => {
                self.clients.iter().for_each(|client| client.is_restored(shore));
            }
            Happening::Strikes => shore.strikes(),
            Happening::Stopped => shore.stops(),
            Happening::Starts => shore.starts(),
        }
        None
    }

    fn moves(&mut self, client: usize) {
        let wish = self.clients[client].moves(&mut self.shore);
        if let Some(Wish::SaidByAnother(post)) = wish {
            let other = self.shore.nature.below(self.clients.len());
            if other != client && self.clients[other].person() == self.clients[client].person() {
                self.clients[other].says_too(post, &mut self.shore);
            }
        }
        let tempo = self.shore.plan.tempo;
        let tempo = if self.shore.is_healing { tempo.min(HASTE) } else { tempo };
        let after = self.shore.nature.about(tempo);
        self.shore.nature.arrange(after, Happening::Moves(client));
    }

    fn is_done(&self) -> bool {
        let data = self.shore.platter().data();
        let room = |id: &chat::RoomId| {
            let room = data.room(*id).expect("rooms stay");
            (room.epoch, room.head)
        };
        let ends: Vec<_> = self.shore.rooms.iter().map(room).collect();
        self.clients.iter().all(|client| client.is_done(&ends))
    }

    /// Tells the checker what is on the disk in the end.
    fn reads_everything(&mut self) {
        for room in self.shore.rooms.clone() {
            let log =
                self.shore.platter().data().history(room, Page::After(Seq::START), usize::MAX);
            let log = log.expect("rooms stay");
            let (epoch, head) = (log.epoch.0, log.head.0);
            let source = Source::Database;
            self.shore.recorder.note_fact(Event::Final { room: room.0, epoch, head, source });
            for Logged::Message(message) in &log.events {
                let message = as_seen(message);
                self.shore.recorder.note_fact(Event::Row { room: room.0, message });
            }
        }
    }

    /// Everyone hangs up, and the server has time to forget them.
    fn is_left_alone(&mut self) {
        let until = self.shore.nature.now() + nanos(AFTERMATH);
        self.shore.nature.call_off(|what| matches!(what, Happening::Moves(_)));
        for line in self.clients.iter_mut().filter_map(Client::vanishes) {
            line.cut();
            line.end(CloseReason::TransportClosed);
        }
        while self.shore.nature.now() < until {
            self.step();
        }
        self.measures(Moment::After);
    }

    fn measures(&mut self, moment: Moment) {
        // The server's own tasks have begun.
        while self.shore.executor.step(&self.shore.nature) {}
        let tasks = self.shore.executor.len() as u64;
        let descriptors = self.shore.connections() as u64;
        let event = Event::Resources { moment, memory_bytes: 0, descriptors, tasks };
        self.shore.recorder.note_fact(event);
    }

    fn finish(mut self, seed: u64) -> Outcome {
        self.shore.ends();
        let Shore { recorder, mut tally, nature, .. } = self.shore;
        let (report, history, strange) = recorder.finish();
        tally.episodes = 1;
        tally.steps = self.steps;
        tally.passed = Duration::from_nanos(nature.now());
        tally.take(&report.figures);
        tally.violations = report.tallies.iter().map(|tally| tally.violations).sum::<u64>()
            + strange.len() as u64
            + report.mistakes.len() as u64;
        Outcome { seed, tally, report, strange, history }
    }
}

/// What a step was, for those who wait for something.
enum Step {
    /// A client moved.
    Moved,
}

impl Outcome {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.report.is_clean() && self.strange.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed {}", self.seed)?;
        self.strange.iter().try_for_each(|what| writeln!(out, "strange: {what}"))?;
        write!(out, "{}", self.report)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
