//! What happened, as the checker is told; kept if somebody wants to read it.

use checker::{Checker, Event, Limits, Record, Report};

use crate::nature::Nature;

/// Tells the checker.
pub(crate) struct Recorder {
    nature: Nature,
    checker: Checker,
    kept: Option<Vec<Record>>,
    /// What no server should say.
    strange: Vec<String>,
}

/// Whether a history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Whole.
    Everything,
    /// Not: it is judged as it happens.
    Nothing,
}

impl Recorder {
    /// One that has recorded nothing.
    pub(crate) fn new(nature: &Nature, limits: Limits, keep: Keep) -> Self {
        let kept = (keep == Keep::Everything).then(Vec::new);
        let (nature, checker) = (nature.clone(), Checker::new(limits));
        Self { nature, checker, kept, strange: Vec::new() }
    }

    /// Something happened to a process of a user.
    pub(crate) fn note(&mut self, process: u32, user: u64, event: Event) {
        let record = Record { at_ns: self.nature.now(), process, user, event };
        self.checker.observe(&record);
        if let Some(kept) = &mut self.kept {
            kept.push(record);
        }
    }

    /// Something happened to nobody in particular.
    pub(crate) fn note_fact(&mut self, event: Event) {
        self.note(0, 0, event);
    }

    /// Something happened that never should, and that no invariant of the checker speaks of.
    pub(crate) fn note_strange(&mut self, what: String) {
        let seconds = self.nature.now() as f64 / 1e9;
        self.strange.push(format!("at {seconds:.6} s: {what}"));
    }

    /// What the checker found, the history if it was kept, and what was strange.
    pub(crate) fn finish(self) -> (Report, Vec<Record>, Vec<String>) {
        let mut report = self.checker.finish();
        let history = self.kept.unwrap_or_default();
        report.explain(&history);
        (report, history, self.strange)
    }
}
