//! How steps went, told to people while they run and summed up at the end.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::step::Step;
use crate::tally::Tally;

const NAME_WIDTH: usize = 48;

pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
    pub(crate) tally: Tally,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    Offline,
    Failed,
}

/// Runs every step, also after one has failed, so that one run shows all there is to mend. The
/// last line counts the tests; it is alone on its line for programs that look for it.
pub(crate) fn run_all(steps: &[Step]) -> ExitCode {
    let reports: Vec<Report> = steps.iter().map(Step::run).collect();
    let mut tally = Tally::default();
    println!();
    for report in &reports {
        println!("{report}");
        tally += report.tally();
    }
    if tally != Tally::default() {
        println!("\n{tally}");
    }
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The name comes before the outcome, so that a log shows what is under way.
pub(crate) fn announce(name: &str) {
    show(&format!("{name:NAME_WIDTH$}"));
}

/// Keeps a person at a terminal company; a log is left alone.
pub(crate) fn show_running(name: &str, since: Duration) {
    if io::stdout().is_terminal() {
        show(&format!("\r{name:NAME_WIDTH$}{:>7} s", since.as_secs()));
    }
}

fn show(text: &str) {
    print!("{text}");
    // A terminal that cannot be written to is no reason to stop.
    let _ = io::stdout().flush();
}

impl Report {
    /// Completes the line that [`announce`] began.
    pub(crate) fn show(&self) {
        if io::stdout().is_terminal() {
            print!("\r\x1b[K{:NAME_WIDTH$}", self.name);
        }
        println!("{}", self.outcome());
    }

    fn outcome(&self) -> String {
        let Self { verdict, took, tally, .. } = self;
        let seconds = took.as_secs_f32();
        if *tally == Tally::default() {
            format!("{seconds:>7.1} s   {verdict}")
        } else {
            format!("{seconds:>7.1} s   {verdict}: {tally}")
        }
    }

    /// The tests of this step. A step can fail without a test that failed, and that counts as one:
    /// nothing that is broken sums up to “0 failed”.
    fn tally(&self) -> Tally {
        let failed = match self.verdict {
            Verdict::Failed => self.tally.failed.max(1),
            Verdict::Passed | Verdict::Offline => self.tally.failed,
        };
        Tally { failed, ..self.tally }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:NAME_WIDTH$}{}", self.name, self.outcome())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Passed => "passed",
            Self::Offline => "skipped: the list of advisories is out of reach from here",
            Self::Failed => "FAILED",
        })
    }
}
