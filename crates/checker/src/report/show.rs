//! A report as a page of text.

use std::fmt::{Formatter, Result};
use std::time::Duration;

use super::{Invariant, Report, Spread, Violation};
use crate::record::{Event, Message, Record};

/// What an invariant says, and what is counted when it is put to the test.
fn words(invariant: Invariant) -> (&'static str, &'static str) {
    match invariant {
        Invariant::I1 => ("every acked send is in the final log", "acked sends"),
        Invariant::I2 => ("nothing is in a log that nobody sent", "rows"),
        Invariant::I3 => ("one row for each client_id", "rows"),
        Invariant::I4 => ("numbers are 1..N", "rows read in the end"),
        Invariant::I5 => ("all clients and paths agree", "comparisons"),
        Invariant::I6 => ("streams go +1, or resync", "steps"),
        Invariant::I7 => ("real-time order; time never runs back", "pairs"),
        Invariant::I8 => ("reads are monotonic", "joins and reads"),
        Invariant::I9 => ("nothing 1 s after revocation", "deliveries after one"),
        Invariant::I10 => ("everyone converges", "times"),
        Invariant::I11 => ("resources return to the baseline", "measurements"),
        Invariant::I12 => ("acks come in time", "acks"),
    }
}

pub(super) fn report(report: &Report, out: &mut Formatter<'_>) -> Result {
    figures(report, out)?;
    writeln!(out)?;
    writeln!(out, "      {:<40}{:>14} {:<22}{:>12}", "promise", "checked", "", "violations")?;
    for invariant in Invariant::ALL {
        let (promise, of) = words(invariant);
        let tally = report.tally(invariant);
        let name = format!("{invariant:?}");
        let checked = grouped(tally.checked);
        let violations = grouped(tally.violations);
        writeln!(out, "{name:<6}{promise:<40}{checked:>14} {of:<22}{violations:>12}")?;
    }
    writeln!(out)?;
    let figures = &report.figures;
    spread("acks, nothing broken", figures.ack, out)?;
    spread("acks, in faults", figures.ack_in_faults, out)?;
    spread("caught up after faults", figures.convergence, out)?;
    for violation in &report.violations {
        writeln!(out)?;
        show(violation, out)?;
    }
    if !report.surprises.is_empty() {
        writeln!(out, "\nNobody should see this:")?;
        report.surprises.iter().try_for_each(|surprise| writeln!(out, "  {surprise}"))?;
    }
    if !report.mistakes.is_empty() {
        writeln!(out, "\nThe history is not fit to be judged:")?;
        report.mistakes.iter().try_for_each(|mistake| writeln!(out, "  {mistake}"))?;
    }
    writeln!(out, "\n{}", verdict(report))
}

fn figures(report: &Report, out: &mut Formatter<'_>) -> Result {
    let figures = &report.figures;
    writeln!(
        out,
        "{} records of {} clients in {} rooms in {:.1?}",
        grouped(figures.records),
        grouped(figures.clients),
        grouped(figures.rooms),
        figures.lasted
    )?;
    writeln!(
        out,
        "{} messages sent, {} acked, {} repetitions; {} heard live, {} resumed, {} from history",
        grouped(figures.messages),
        grouped(figures.acked),
        grouped(figures.repeated),
        grouped(figures.live),
        grouped(figures.resumed),
        grouped(figures.history)
    )?;
    writeln!(
        out,
        "{} joins, {} connections lost, {} resyncs, {} faults, {} restores",
        grouped(figures.joins),
        grouped(figures.lost),
        grouped(figures.resyncs),
        grouped(figures.faults),
        grouped(figures.restores)
    )
}

fn spread(what: &str, spread: Spread, out: &mut Formatter<'_>) -> Result {
    let Spread { count, p50, p99, max } = spread;
    if count == 0 {
        return writeln!(out, "{what:<24}none");
    }
    let count = grouped(count);
    writeln!(out, "{what:<24}p50 {p50:>9.1?}   p99 {p99:>9.1?}   max {max:>9.1?}   of {count}")
}

fn show(violation: &Violation, out: &mut Formatter<'_>) -> Result {
    let Violation { invariant, sentence, number, at_ns, .. } = violation;
    let at = Duration::from_nanos(*at_ns);
    writeln!(out, "{invariant:?} at record {number}, {:.6} s: {sentence}", at.as_secs_f64())?;
    violation.records.iter().try_for_each(|record| writeln!(out, "      {record}"))
}

fn verdict(report: &Report) -> String {
    let broken = report.broken();
    if report.is_clean() {
        return "Every promise was kept.".to_owned();
    }
    if broken.is_empty() && report.mistakes.is_empty() {
        return "No promise was broken, but something happened that should not.".to_owned();
    }
    if broken.is_empty() {
        return "No promise was broken, but this history does not show that all were kept.".into();
    }
    let names: Vec<_> = broken.iter().map(|invariant| format!("{invariant:?}")).collect();
    let violations = report.tallies.iter().map(|tally| tally.violations).sum();
    format!("BROKEN: {} ({} violations).", names.join(", "), grouped(violations))
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl std::fmt::Display for Record {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let at = Duration::from_nanos(self.at_ns).as_secs_f64();
        let who =
            if self.process == 0 { "test".into() } else { format!("client {}", self.process) };
        write!(out, "{at:>12.6} s  {who:<12}{}", self.event)
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Limits { .. } => write!(out, "states the limits"),
            Self::Invoke { post } => write!(out, "sends {}", post.client_id),
            Self::Ok { post, seq, .. } => write!(out, "{} is acked as {seq}", post.client_id),
            Self::Fail { post, code } => write!(out, "{} is refused: {code}", post.client_id),
            Self::Info { post } => write!(out, "{} is unknown", post.client_id),
            Self::LoggedIn => write!(out, "logs in"),
            Self::Connected => write!(out, "has a connection"),
            Self::Lost { reason } => write!(out, "loses its connection: {reason}"),
            Self::Gone => write!(out, "ends"),
            Self::Joining { after, epoch, .. } => match (after, epoch) {
                (Some(after), Some(epoch)) => write!(out, "joins after {after} of epoch {epoch}"),
                (Some(after), None) => write!(out, "joins after {after}"),
                (None, _) => write!(out, "joins without a cursor"),
            },
            Self::Resync { epoch, head, reason, .. } => {
                write!(out, "is told resync to {head} of epoch {epoch}: {reason}")
            }
            Self::Joined { epoch, head, .. } => {
                write!(out, "has joined at {head} of epoch {epoch}")
            }
            Self::Left { .. } => write!(out, "is not in the room"),
            Self::Heard { path, message: Message { seq, client_id, .. }, .. } => {
                write!(out, "hears {seq}, {client_id} ({})", format!("{path:?}").to_lowercase())
            }
            Self::Reading { .. } => write!(out, "asks for history"),
            Self::Read { epoch, head, .. } => {
                write!(out, "reads history, which ends with {head} of epoch {epoch}")
            }
            Self::Revoked { whose } => write!(out, "revoked: {whose:?}"),
            Self::Fault { what } => write!(out, "fault: {what}"),
            Self::Healed => write!(out, "healed"),
            Self::Restored { .. } => write!(out, "the database is put back"),
            Self::Resources { moment, memory_bytes, descriptors, tasks } => write!(
                out,
                "{moment:?}: {memory_bytes} bytes, {descriptors} descriptors, {tasks} tasks"
            ),
            Self::Surprise { what } => write!(out, "surprise: {what}"),
            Self::Final { epoch, head, source, .. } => {
                write!(out, "reads all up to {head} of epoch {epoch} ({source:?})")
            }
            Self::Row { message, .. } => write!(out, "{message}"),
        }
    }
}
