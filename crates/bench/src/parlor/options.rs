//! What can be asked of this measurement.
use anyhow::{Context, Result, ensure};
use lexopt::{Arg, ValueExt};

use super::ROWS;
use crate::fanout::{Style, Timing};

/// `bench parlor [options]`.
pub(crate) struct Options {
    pub(super) rows: Vec<&'static str>,
    pub(super) rounds: usize,
    pub(super) timing: Timing,
    pub(super) style: Style,
}

impl Options {
    pub(crate) fn parse(mut arguments: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            rows: ROWS.iter().map(|row| row.name).collect(),
            rounds: 3,
            timing: Timing::FULL,
            style: Style::Plain,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("rows") => options.rows = rows(&arguments.value()?.string()?)?,
                Arg::Long("rounds") => options.rounds = arguments.value()?.parse()?,
                Arg::Long("quick") => options.timing = Timing::QUICK,
                Arg::Long("markdown") => options.style = Style::Markdown,
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(options.rounds > 0, "no rounds are no measurement");
        Ok(options)
    }
}

fn rows(names: &str) -> Result<Vec<&'static str>> {
    let row = |name| ROWS.iter().find(|row| row.name == name).map(|row| row.name);
    names
        .split(',')
        .map(|name| row(name).with_context(|| format!("there is no row {name}")))
        .collect()
}
