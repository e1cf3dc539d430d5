//! What clients stand on: everything of an episode but themselves.

use std::sync::Arc;
use std::time::Duration;

use chat::{
    Body, ClientId, Name, NewMessage, NewRoom, NewUser, PasswordHash, RoomId, RoomName, Token, User,
};
use checker::{Event, Limits};
use server::site::Network;
use volley::CloseReason;

use crate::client;
use crate::decoder::Decoder;
use crate::disk::Moody;
use crate::executor::Executor;
use crate::happening::{Answer, Happening};
use crate::house::House;
use crate::memory::{Data, Platter};
use crate::nature::Nature;
use crate::plan::{Plan, Trouble};
use crate::recorder::{Keep, Recorder};
use crate::tally::Tally;
use crate::wire::Line;

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
/// Who said what was said before the episode.
const ARCHIVIST: u32 = 1000;
/// How many connections are kept in mind before those that have ended are forgotten.
const LINES: usize = 64;
/// How long a server takes to start at least.
const RESTART: Duration = Duration::from_millis(50);

/// Everything but the clients.
pub(crate) struct Shore {
    /// Time and chance.
    pub(crate) nature: Nature,
    /// What this episode is like.
    pub(crate) plan: Plan,
    /// Who takes part.
    pub(crate) people: Vec<Person>,
    /// The rooms they talk in.
    pub(crate) rooms: Vec<RoomId>,
    /// What is told to the checker.
    pub(crate) recorder: Recorder,
    /// What frames say.
    pub(crate) decoder: Decoder,
    /// What the server does.
    pub(crate) executor: Executor,
    /// Nothing is broken any more, and everyone is to catch up.
    pub(crate) is_healing: bool,
    /// What has been counted so far.
    pub(crate) tally: Tally,
    house: Option<House>,
    is_draining: bool,
    platter: Platter,
    disk: Arc<Moody>,
    /// An earlier state of the database, and since when.
    backup: Option<(u64, Data)>,
    lines: Vec<Line>,
}

/// Somebody.
pub(crate) struct Person {
    /// Who.
    pub(crate) user: User,
    /// Passwords of theirs: one is right, and after failures nobody knows which.
    pub(crate) passwords: Vec<PasswordHash>,
}

impl Shore {
    /// A server with its people and rooms, on which nothing has happened yet.
    pub(crate) fn new(seed: u64, keep: Keep) -> Self {
        let nature = Nature::of(seed);
        let plan = Plan::draw(&nature);
        let (platter, disk) = (Platter::default(), Arc::new(Moody::new(&nature)));
        let people = NAMES[..plan.people].iter().map(|name| person(name, &nature, &platter));
        let people: Vec<_> = people.collect();
        let rooms = (0..plan.rooms).map(|_| room(&people[0], &nature, &platter)).collect();
        let recorder = Recorder::new(&nature, limits(), keep);
        let mut shore = Self {
            nature,
            plan,
            people,
            rooms,
            recorder,
            decoder: Decoder::default(),
            executor: Executor::default(),
            is_healing: false,
            tally: Tally::default(),
            house: None,
            is_draining: false,
            platter,
            disk,
            backup: None,
            lines: Vec::new(),
        };
        shore.remembers();
        shore.starts();
        shore
    }

    /// Gives the rooms a past, told by somebody of whom nobody knows what they were answered.
    fn remembers(&mut self) {
        let (alice, nature) = (self.people[0].user.clone(), self.nature.clone());
        for room in self.rooms.clone() {
            for _ in 0..self.plan.past {
                let (post, body) = client::post(room, &nature);
                self.recorder.note(ARCHIVIST, alice.id.0.cast_unsigned(), Event::Invoke { post });
                self.recorder.note(ARCHIVIST, alice.id.0.cast_unsigned(), Event::Info { post });
                let message = NewMessage {
                    room,
                    client_id: ClientId(post.client_id),
                    author: alice.clone(),
                    body: Body::parse(&body).expect("these are words"),
                    at: nature.clock().now(),
                };
                self.platter.data().append(&message, &mut Vec::new()).expect("the room is there");
            }
        }
    }

    /// What the disk holds.
    pub(crate) fn platter(&self) -> &Platter {
        &self.platter
    }

    /// A client opens a connection.
    pub(crate) fn connect(&mut self, line: Line, token: Token, from: Network) {
        let handshake = self.latency();
        let Some(house) = self.house.clone().filter(|_| !self.is_draining) else {
            return self.nature.arrange(handshake, Happening::Lost(line));
        };
        if self.lines.len() >= LINES {
            self.forget_lines(|line| line.ended().is_some());
        }
        self.lines.push(line.clone());
        self.executor.spawn(house.serve(line, token, from, handshake));
    }

    /// A client asks for something over HTTP. Without a server nobody answers.
    pub(crate) fn request<F: Future<Output = Answer> + 'static>(
        &mut self,
        client: usize,
        request: u64,
        work: impl FnOnce(House) -> F + 'static,
    ) {
        let (there, back) = (self.latency(), self.latency());
        let Some(house) = self.house.clone() else { return };
        let nature = self.nature.clone();
        self.executor.spawn(async move {
            nature.pass(there).await;
            let answer = work(house).await;
            nature.arrange(back, Happening::Answered { client, request, answer });
        });
    }

    /// The next trouble comes, and arranges for the one after it.
    pub(crate) fn strikes(&mut self) {
        if self.is_healing || self.plan.troubles.is_empty() {
            return;
        }
        let trouble = self.plan.troubles[self.nature.below(self.plan.troubles.len())];
        self.recorder.note_fact(Event::Fault { what: trouble.name().to_owned() });
        self.strikes_with(trouble);
        self.arrange_strike();
    }

    /// Arranges for the next trouble.
    pub(crate) fn arrange_strike(&self) {
        let after = self.nature.about(self.plan.strikes_every);
        self.nature.arrange(after, Happening::Strikes);
    }

    /// Nothing is broken any more.
    pub(crate) fn heals(&mut self) {
        self.is_healing = true;
        self.disk.heal();
        self.lines.iter().for_each(Line::resume);
        self.nature.call_off(|what| matches!(what, Happening::Starts));
        if self.house.is_none() {
            self.starts();
        }
        if let Some(house) = &self.house {
            house.switchboard().overload(Duration::ZERO);
        }
        self.recorder.note_fact(Event::Healed);
    }

    /// A server starts on what the disk holds.
    pub(crate) fn starts(&mut self) {
        self.is_draining = false;
        let house = House::open(
            &mut self.executor,
            &self.nature,
            &self.platter,
            &self.disk,
            self.plan.rates,
        );
        self.house = Some(house);
    }

    /// The server is gone, by a crash or by itself.
    pub(crate) fn stops(&mut self) {
        self.executor.kill();
        self.house = None;
        for line in &self.lines {
            line.cut();
            // A machine that is gone says nothing; a process that is gone is told of by its system.
            let until = if self.nature.once_in(4) { 45_000 } else { 200 };
            let found = self.nature.between(Duration::ZERO..Duration::from_millis(until));
            self.nature.arrange(found, Happening::Lost(line.clone()));
            line.end(CloseReason::TransportClosed);
        }
        self.forget_lines(|_| true);
        let most = if self.is_healing { Duration::ZERO } else { self.plan.tempo * 20 };
        let pause = RESTART..RESTART * 2 + most;
        self.nature.arrange(self.nature.between(pause), Happening::Starts);
    }

    /// What the old token of a session opened ends.
    pub(crate) fn end_replaced(&self, session: chat::SessionId) {
        if let Some(house) = &self.house {
            house.end_replaced(session);
        }
    }

    /// How many connections have not ended.
    pub(crate) fn connections(&mut self) -> usize {
        self.forget_lines(|line| line.ended().is_some());
        self.lines.len()
    }

    /// Ends everything, so that nothing is left that holds on to itself.
    pub(crate) fn ends(&mut self) {
        self.stops();
        self.nature.call_off(|_| true);
    }

    fn strikes_with(&mut self, trouble: Trouble) {
        let moment = self.nature.about(self.plan.tempo * 20);
        match trouble {
            Trouble::Cuts => {
                if let Some(line) = self.any_line() {
                    line.cut();
                    let seconds = if self.nature.once_in(3) { 45 } else { 1 };
                    let (here, there) = (self.within(seconds), self.within(seconds));
                    let noticed = Happening::Noticed(line.clone(), CloseReason::TransportClosed);
                    self.nature.arrange(here, noticed);
                    self.nature.arrange(there, Happening::Lost(line));
                }
            }
            Trouble::Stalls => {
                if let Some(line) = self.any_line() {
                    line.stall(moment + self.within(60));
                }
            }
            Trouble::Overload => {
                if let Some(house) = &self.house {
                    house.switchboard().overload(moment.min(Duration::from_secs(5)));
                }
            }
            Trouble::SlowDisk => self.disk.slow_down(moment),
            Trouble::BrokenDisk => self.disk.break_down(moment),
            Trouble::ClockSteps => {
                const HOUR: i64 = 3_600_000;
                let step = [HOUR, -HOUR, 24 * HOUR, -24 * HOUR][self.nature.below(4)];
                self.nature.clock().set_by(step);
            }
            Trouble::Crashes if self.house.is_some() => {
                self.tally.crashes += 1;
                self.stops();
            }
            Trouble::Drains => {
                if let Some(house) = self.house.clone().filter(|_| !self.is_draining) {
                    self.tally.drains += 1;
                    self.is_draining = true;
                    self.executor.spawn(house.drain(self.lines.clone()));
                }
            }
            Trouble::Restores if self.house.is_some() => self.restores(),
            Trouble::Crashes | Trouble::Restores => {}
        }
    }

    /// Takes a backup, or puts the database back to the one there is.
    fn restores(&mut self) {
        match self.backup.take().filter(|_| self.nature.once_in(2)) {
            None => self.backup = Some((self.nature.now(), self.platter.data().clone())),
            Some((since_ns, mut earlier)) => {
                self.tally.restores += 1;
                self.stops();
                let mut data = self.platter.data();
                earlier.replace(&data);
                *data = earlier;
                drop(data);
                self.recorder.note_fact(Event::Restored { since_ns });
                self.nature.arrange(Duration::ZERO, Happening::Restored);
            }
        }
    }

    fn any_line(&self) -> Option<Line> {
        let which = self.nature.below(self.lines.len().max(1));
        self.lines.get(which).cloned()
    }

    fn within(&self, seconds: u64) -> Duration {
        self.nature.between(Duration::ZERO..Duration::from_secs(seconds))
    }

    fn latency(&self) -> Duration {
        self.nature.between(self.plan.latency.clone())
    }

    fn forget_lines(&mut self, is_over: impl Fn(&Line) -> bool) {
        let tally = &mut self.tally;
        self.lines.retain(|line| {
            let is_over = is_over(line);
            if is_over && line.ended() == Some(CloseReason::Lagging) {
                tally.lagging += 1;
            }
            !is_over
        });
    }
}

/// A simulated second costs a client nothing, so nobody is judged by how long acks take.
fn limits() -> Limits {
    let ever = Duration::from_hours(2);
    Limits {
        convergence: Duration::from_mins(2),
        ack: ever,
        ack_in_faults: ever,
        memory_bytes: 0,
        descriptors: 0,
        tasks: 0,
        ..Limits::default()
    }
}

fn person(name: &str, nature: &Nature, platter: &Platter) -> Person {
    let password = PasswordHash("the first password".to_owned());
    let name = Name::parse(name).expect("it can be a name");
    let new = NewUser { name, password: password.clone(), at: nature.clock().now() };
    let account = platter.data().create_user(&new).expect("nobody has this name");
    Person { user: account.user, passwords: vec![password] }
}

fn room(by: &Person, nature: &Nature, platter: &Platter) -> RoomId {
    let id = RoomId::from_random_bytes(nature.bytes());
    let name = RoomName::parse("Kitchen").expect("it can be a name");
    let new = NewRoom { id, name, by: by.user.id, at: nature.clock().now() };
    platter.data().create_room(&new).id
}
