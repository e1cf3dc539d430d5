//! What clients did and saw, in the order in which it happened: to the checker at once, and to a file for those who want
//! to see it with their own eyes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use checker::{Checker, Event, Limits, Record, Report};
use tokio::sync::watch;

use crate::figures::Figures;

/// The test itself, among the processes.
const TEST: u32 = 0;
/// Sentences that are kept of what should not happen. The first ones say most.
const SURPRISES: usize = 20;

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
    surprises: Vec<String>,
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
    /// What the checker found.
    pub report: Report,
    /// What happened besides that nobody promised and nobody should see.
    pub surprises: Vec<String>,
    /// How much there was of everything.
    pub figures: Figures,
    /// Where the history is.
    pub file: PathBuf,
}

impl Verdict {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.report.is_clean() && self.surprises.is_empty()
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

    /// The same, where nothing was done that a cursor does not survive.
    pub(crate) fn without_resyncs(mut self) -> Self {
        if self.figures.resyncs > 0 {
            self.surprises.push(format!("{} cursors were refused", self.figures.resyncs));
        }
        self
    }
}

impl History {
    /// One that begins now.
    pub(crate) fn new(file: &Path, limits: Limits) -> Result<Self> {
        let out = BufWriter::new(File::create(file)?);
        let checker = Checker::new(limits);
        let figures = Figures::default();
        let pages = Pages { checker, out, figures, surprises: Vec::new(), in_force: 0, ever: 0 };
        Ok(Self {
            begun: Instant::now(),
            file: file.to_owned(),
            pages: Mutex::new(pages),
            acks: watch::Sender::new(0),
        })
    }

    /// Something happened now, to a client of somebody.
    pub(crate) fn record(&self, process: u32, user: u64, event: Event) {
        let mut pages = self.pages();
        // Under the lock, so that the order of times is the order of records.
        let at_ns = self.now_ns();
        pages.figures.count(&event);
        let record = Record { at_ns, process, user, event };
        pages.checker.observe(&record);
        if let Err(error) = write(&mut pages.out, &record) {
            pages.surprise(format!("the history cannot be written: {error}"));
        }
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
    pub(crate) fn surprise(&self, sentence: String) {
        self.pages().surprise(sentence);
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
        let pages = self.pages.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Pages { checker, mut out, mut figures, surprises, .. } = pages;
        out.flush()?;
        figures.took = self.begun.elapsed();
        Ok(Verdict { report: checker.finish(), surprises, figures, file: self.file })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn weather(&self) -> Weather {
        Weather { in_force: self.in_force, ever: self.ever }
    }

    fn surprise(&mut self, sentence: String) {
        if self.surprises.len() < SURPRISES {
            self.surprises.push(sentence);
        }
    }
}

impl Weather {
    /// Whether something was broken at any moment between `earlier` and this.
    fn was_bad_since(self, earlier: Self) -> bool {
        earlier.in_force > 0 || self.ever > earlier.ever
    }
}

fn write(out: &mut BufWriter<File>, record: &Record) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}
