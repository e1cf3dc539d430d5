//! What clients did and saw, in the order in which it happened: to the checker at once, and to a file for those who want
//! to see it with their own eyes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use checker::{Checker, Event, Limits, Record, Report, history};
use tokio::sync::watch;

use crate::figures::Figures;

/// The test itself, among the processes.
const TEST: u32 = 0;

/// A history that is being made.
#[derive(Debug)]
pub(crate) struct History {
    begun: Instant,
    file: PathBuf,
    pages: Mutex<Pages>,
    /// How many messages were acked so far.
    acks: watch::Sender<u64>,
}

#[derive(Debug)]
struct Pages {
    checker: Checker,
    out: BufWriter<File>,
    figures: Figures,
    /// Faults that are in force now, and how many there ever were.
    in_force: usize,
    ever: u64,
}

/// What was broken at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weather {
    in_force: usize,
    ever: u64,
}

/// What came of a history.
#[derive(Debug)]
pub struct Verdict {
    /// What the checker found, and finds again in the file.
    pub report: Report,
    /// How much there was of everything.
    pub figures: Figures,
    /// Where the history is.
    pub file: PathBuf,
}

impl Verdict {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.report.is_clean()
    }

    /// Keeps the history only if there is something to see in it.
    pub(crate) fn tidy(self) -> Self {
        if self.is_clean() {
            for file in [&self.file, &self.file.with_extension("log")] {
                // Not there: as good as removed.
                fs::remove_file(file).ok();
            }
        }
        self
    }
}

impl History {
    /// One that begins now.
    pub(crate) fn new(file: &Path, limits: Limits) -> Result<Self> {
        let out = BufWriter::new(File::create(file)?);
        // Told the limits by the history, as whoever judges the file will be.
        let checker = Checker::new(Limits::default());
        let pages = Pages { checker, out, figures: Figures::default(), in_force: 0, ever: 0 };
        let history = Self {
            begun: Instant::now(),
            file: file.to_owned(),
            pages: Mutex::new(pages),
            acks: watch::Sender::new(0),
        };
        history.note(Event::Limits { limits });
        Ok(history)
    }

    /// Something happened now, to a client of somebody.
    pub(crate) fn record(&self, process: u32, user: u64, event: Event) {
        let mut pages = self.pages();
        // Under the lock, so that the order of times is the order of records.
        let at_ns = self.now_ns();
        pages.add(&Record { at_ns, process, user, event });
    }

    /// The test did something.
    pub(crate) fn note(&self, event: Event) {
        self.record(TEST, 0, event);
    }

    /// Something is broken on purpose from now on.
    pub(crate) fn fault(&self, what: &str) {
        {
            let mut pages = self.pages();
            pages.in_force += 1;
            pages.ever += 1;
        }
        self.note(Event::Fault { what: what.to_owned() });
    }

    /// One of the faults is over.
    pub(crate) fn healed(&self) {
        let all = {
            let mut pages = self.pages();
            pages.in_force -= 1;
            pages.in_force == 0
        };
        if all {
            self.note(Event::Healed);
        }
    }

    /// What is broken now.
    pub(crate) fn weather(&self) -> Weather {
        self.pages().weather()
    }

    /// Something happened that should not.
    pub(crate) fn surprise(&self, what: String) {
        self.note(Event::Surprise { what });
    }

    /// Adds to what is counted.
    pub(crate) fn figures<T>(&self, add: impl FnOnce(&mut Figures) -> T) -> T {
        add(&mut self.pages().figures)
    }

    /// A message was acked for the first time, so long after it was sent for the first time, which was in this weather.
    pub(crate) fn acked(&self, took: Duration, sent_in: Weather) {
        let mut pages = self.pages();
        let broken = pages.weather().was_bad_since(sent_in);
        let Figures { acked, ack, ack_in_faults, .. } = &mut pages.figures;
        *acked += 1;
        if broken { ack_in_faults } else { ack }.record(took);
        self.acks.send_replace(*acked);
    }

    /// Tells of acks from now on.
    pub(crate) fn acks(&self) -> watch::Receiver<u64> {
        self.acks.subscribe()
    }

    /// The time in it.
    pub(crate) fn now_ns(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// Everything has happened.
    pub(crate) fn judge(self) -> Result<Verdict> {
        let (resyncs, restores) = self.figures(|figures| (figures.resyncs, figures.restores));
        // A cursor survives everything but a restore.
        if resyncs > 0 && restores == 0 {
            self.surprise(format!("{resyncs} cursors were refused"));
        }
        let pages = self.pages.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Pages { checker, mut out, mut figures, .. } = pages;
        out.flush()?;
        figures.took = self.begun.elapsed();
        Ok(Verdict { report: checker.finish(), figures, file: self.file })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn weather(&self) -> Weather {
        Weather { in_force: self.in_force, ever: self.ever }
    }

    fn add(&mut self, record: &Record) {
        self.figures.count(&record.event);
        self.checker.observe(record);
        if let Err(error) = history::write(&mut self.out, record) {
            // Which cannot be written either.
            let event = Event::Surprise { what: format!("the history cannot be written: {error}") };
            self.checker.observe(&Record { at_ns: record.at_ns, process: TEST, user: 0, event });
        }
    }
}

impl Weather {
    /// Whether something was broken at any moment between `earlier` and this.
    fn was_bad_since(self, earlier: Self) -> bool {
        earlier.in_force > 0 || self.ever > earlier.ever
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use checker::{Invariant, Moment, judge};

    use super::*;

    /// One in which a descriptor has leaked, which is more than is allowed.
    fn of_a_leak(file: &Path) -> History {
        let limits = Limits { descriptors: 0, ..Limits::default() };
        let history = History::new(file, limits).unwrap();
        for (moment, descriptors) in [(Moment::Baseline, 10), (Moment::After, 11)] {
            history.note(Event::Resources { moment, memory_bytes: 1, descriptors, tasks: 1 });
        }
        history
    }

    fn read(file: &Path) -> Vec<Record> {
        history::read(BufReader::new(File::open(file).unwrap())).unwrap()
    }

    #[test]
    fn whoever_judges_the_file_comes_to_the_same_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.jsonl");
        let history = of_a_leak(&file);
        history.record(1, 1, Event::Surprise { what: "was not let in".to_owned() });
        let verdict = history.judge().unwrap();
        assert_eq!(verdict.report.broken(), [Invariant::I11]);
        assert_eq!(verdict.report.surprises.len(), 1);
        assert_eq!(judge(&read(&file), Limits::default()), verdict.report);
    }

    #[test]
    fn a_cursor_that_is_refused_without_a_restore_is_a_surprise() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.jsonl");
        let refused = || {
            let history = History::new(&file, Limits::default()).unwrap();
            let (room, reason) = (crate::wire::RoomId::nil(), "test".to_owned());
            history.record(1, 1, Event::Resync { room, epoch: 2, head: 0, reason });
            history
        };
        let verdict = refused().judge().unwrap();
        assert!(verdict.report.to_string().contains("surprise: 1 cursors were refused"));
        let history = refused();
        history.note(Event::Restored { since_ns: 0 });
        assert!(history.judge().unwrap().report.surprises.is_empty());
    }
}
