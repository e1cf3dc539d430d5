//! A Parlor of its own with people, rooms and clients, and the way from there to a verdict.

mod clients;

pub(crate) use clients::Guest;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use checker::{Event, Limits, Source};
use faults::Proxy;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::crowd::{Crowd, Heads};
use crate::database;
use crate::disk::Disk;
use crate::history::{History, Verdict};
use crate::process::Usage;
use crate::program::{Doors, Program, Running, target};
use crate::web::{Health, Person, Web};
use crate::wire::{self, RoomId};
use crate::workload::Scale;

/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// After a program has ended, this file is everything.
const DATABASE: &str = "parlor.db";
/// People who register at a time.
const CLERKS: usize = 4;

/// How many there are of everything.
#[derive(Debug, Clone)]
pub(crate) struct Size {
    /// People with an account.
    pub(crate) people: usize,
    /// Rooms.
    pub(crate) rooms: usize,
    /// Clients of each person.
    pub(crate) clients: usize,
    /// Rooms that a client is in.
    pub(crate) rooms_each: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { people: 6, rooms: 4, clients: 3, rooms_each: 2 }
    }
}

/// A Parlor of its own.
pub(crate) struct World {
    /// What is started.
    pub(crate) program: Program,
    /// It, while it runs.
    pub(crate) running: Option<Running>,
    /// Where it listens, each time.
    pub(crate) doors: Doors,
    /// Its HTTP API.
    pub(crate) web: Web,
    /// Who has an account.
    pub(crate) people: Vec<Person>,
    /// Where they talk.
    pub(crate) rooms: Vec<RoomId>,
    /// Their clients.
    pub(crate) crowd: Crowd,
    /// What they do and see.
    pub(crate) history: Arc<History>,
    /// Decides everything that is decided here.
    pub(crate) draws: StdRng,
    /// How much of it.
    pub(crate) scale: Scale,
    size: Size,
    proxy: Option<Proxy>,
    data: PathBuf,
    log: PathBuf,
    disk: Option<Disk>,
    folder: TempDir,
    seed: u64,
    clients: u32,
}

impl World {
    /// Starts a program on an empty folder, in which people register and open rooms. Nobody is connected yet.
    pub(crate) async fn new(
        program: &Program,
        name: &str,
        seed: u64,
        scale: Scale,
        size: Size,
        limits: Limits,
    ) -> Result<Self> {
        let scratch = scratch()?;
        let folder = tempfile::Builder::new().prefix("data-").tempdir_in(&scratch)?;
        let data = folder.path().join("data");
        let kept = scratch.join(format!("{name}-{seed}.jsonl"));
        let log = kept.with_extension("log");
        let doors = Doors::free()?;
        let running = program.start(&data, doors, &log).await?;
        let web = Web::new(doors.people)?;
        let names: Vec<_> = (1..=size.people).map(|number| format!("Guest {number}")).collect();
        let people = stream::iter(names.iter().map(|name| web.register(name)));
        let people: Vec<_> = people.buffered(CLERKS).try_collect().await?;
        let mut rooms = Vec::new();
        for number in 0..size.rooms {
            // In turn, since a person may not open many rooms in a day.
            let owner = &people[number % people.len()];
            rooms.push(web.open_room(owner, &format!("Room {number}")).await?);
        }
        let history = Arc::new(History::new(&kept, limits)?);
        Ok(Self {
            program: program.clone(),
            running: Some(running),
            doors,
            web,
            people,
            rooms,
            crowd: Crowd::new(doors.people),
            history,
            draws: StdRng::seed_from_u64(seed),
            scale,
            size,
            proxy: None,
            data,
            log,
            disk: None,
            folder,
            seed,
            clients: 0,
        })
    }

    /// Lets time pass, and everybody talk.
    pub(crate) async fn pass(&self, time: Duration) {
        sleep(time).await;
    }

    /// Lets some time pass, drawn from this range of milliseconds.
    pub(crate) async fn pass_some(&mut self, milliseconds: std::ops::Range<u64>) {
        let time = Duration::from_millis(self.draws.random_range(milliseconds));
        self.pass(time).await;
    }

    /// Waits for somebody to be given an ack; whether that was within this time.
    pub(crate) async fn next_ack(&self, within: Duration) -> bool {
        timeout(within, self.history.acks().changed()).await.is_ok()
    }

    /// The program that runs.
    pub(crate) fn running(&mut self) -> Result<&mut Running> {
        self.running.as_mut().context("the program runs")
    }

    /// Where there is room for files of this world.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Has a proxy between all clients and the program from now on.
    pub(crate) fn come_through_a_proxy(&mut self) -> Result<()> {
        let proxy = self.proxy.insert(Proxy::start(self.doors.people)?);
        self.crowd.order(|orders| orders.at = proxy.address());
        Ok(())
    }

    /// The proxy that all come through.
    pub(crate) fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("they come through one")
    }

    /// Goes on with other data, from the next start on.
    pub(crate) fn move_to(&mut self, data: PathBuf) {
        self.data = data;
    }

    /// Goes on with the same data on a disk of so many MiB.
    pub(crate) async fn move_to_small_disk(&mut self, mebibytes: u32) -> Result<()> {
        self.end().await?;
        let place = self.folder().join("disk");
        fs::create_dir(&place)?;
        let disk = Disk::new(mebibytes, &place)?;
        let seen = disk.path().join("data");
        fs::create_dir(&seen)?;
        fs::copy(self.data.join(DATABASE), seen.join(DATABASE))?;
        self.program = self.program.clone().beside(disk.keeper());
        self.data = place.join("data");
        self.disk = Some(disk);
        self.start().await
    }

    /// The disk that the program has for itself.
    pub(crate) fn disk(&self) -> Result<&Disk> {
        self.disk.as_ref().context("it has moved to one")
    }

    /// Waits until `/readyz` says this; whether that was within this time.
    pub(crate) async fn until_it_says(&self, health: Health, within: Duration) -> bool {
        let so = async {
            while self.web.health().await != health {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(within, so).await.is_ok()
    }

    /// Kills the program: `kill -9`.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.history.fault("kill -9");
        self.history.figures(|figures| figures.kills += 1);
        self.running.take().context("the program runs")?.kill()
    }

    /// Asks the program to end (SIGTERM), and waits until it has.
    pub(crate) async fn end(&mut self) -> Result<()> {
        self.history.fault("SIGTERM");
        let took = self.running.take().context("the program runs")?.end().await?;
        self.history.figures(|figures| {
            figures.ends += 1;
            figures.end.record(took);
        });
        Ok(())
    }

    /// Starts the program again, on its data and where it was.
    pub(crate) async fn start(&mut self) -> Result<()> {
        self.running = Some(self.program.start(&self.data, self.doors, &self.log).await?);
        self.history.healed();
        Ok(())
    }

    /// Runs a command of the program about this file, on its data.
    pub(crate) async fn parlor(&self, command: &str, file: &Path) -> Result<String> {
        let [command, option] = [command, "--data"].map(OsStr::new);
        self.program.run(&[command, file.as_os_str(), option, self.data.as_os_str()]).await
    }

    /// Nothing is broken any more: everybody comes to rest and hears everything, every room is read over HTTP and from
    /// the database, and the checker judges.
    ///
    /// What went wrong before, if anything did, is no reason not to.
    pub(crate) async fn judge(mut self, done: Result<()>) -> Result<Verdict> {
        if let Err(error) = done {
            self.history.surprise(format!("{error:#}"));
        }
        if let Some(proxy) = &self.proxy {
            proxy.calm();
        }
        if let Some(disk) = &self.disk {
            disk.free()?;
        }
        if self.running.is_none() {
            self.running = Some(self.program.start(&self.data, self.doors, &self.log).await?);
        }
        let healed = Instant::now();
        self.crowd.order(|orders| orders.talk = false);
        self.history.note(Event::Healed);
        if let Err(error) = self.converge(healed).await {
            self.history.surprise(format!("not everybody came to rest: {error:#}"));
        }
        for room in self.rooms.clone() {
            let log = self.web.log(&self.people, room).await?;
            self.history.figures(|figures| figures.rows += log.head);
            self.last_look(room, log.epoch, log.head, Source::Http, &log.messages);
        }
        // Who is still here has to have heard all of that.
        self.crowd.leave().await;
        let memory = Usage::of(self.running()?.id())?.memory_bytes;
        self.history.figures(|figures| figures.memory_bytes = memory);
        self.running.take().context("the program runs")?.end().await?;
        if let Err(error) = self.program.check(&self.data).await {
            self.history.surprise(format!("the data are not sound: {error:#}"));
        }
        let file = self.database()?;
        for room in self.rooms.clone() {
            let log = database::log(&file, room)?;
            self.last_look(room, log.epoch, log.head, Source::Database, &log.messages);
        }
        let history = Arc::into_inner(self.history).context("all clients have gone")?;
        history.judge()
    }

    /// The database, where everybody can read it.
    fn database(&self) -> Result<PathBuf> {
        let Some(disk) = &self.disk else { return Ok(self.data.join(DATABASE)) };
        let data = disk.path().join("data");
        let log = format!("{DATABASE}-wal");
        // With something in it the database is nothing without it. Who has checked the data may have left an empty one.
        if fs::metadata(data.join(&log)).is_ok_and(|log| log.len() > 0) {
            self.history.surprise("an ended server has left its write-ahead log".to_owned());
            fs::copy(data.join(&log), self.folder().join(&log))?;
        }
        let copy = self.folder().join(DATABASE);
        fs::copy(data.join(DATABASE), &copy)?;
        Ok(copy)
    }

    async fn converge(&mut self, since: Instant) -> Result<()> {
        self.crowd.wait(|muster| muster.resting, 100, self.scale.patience).await?;
        let mut of = HashMap::new();
        for room in &self.rooms {
            of.insert(*room, self.web.page(&self.people[0], *room, 0).await?.head);
        }
        self.crowd.order(|orders| orders.heads = Some(Arc::new(Heads { since, of })));
        self.crowd.wait(|muster| muster.home, 100, self.scale.patience).await
    }

    fn last_look(
        &self,
        room: RoomId,
        epoch: u64,
        head: u64,
        source: Source,
        messages: &[wire::Message],
    ) {
        self.history.note(Event::Final { room, epoch, head, source });
        for message in messages {
            self.history.note(Event::Row { room, message: wire::seen(message) });
        }
    }
}

/// Where worlds are, and what is kept of those that went wrong: on the disk that the build is on.
fn scratch() -> Result<PathBuf> {
    let scratch = target()?.join("chaos-histories");
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}
