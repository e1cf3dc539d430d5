//! What can be asked of the comparison.
use anyhow::{Context, Result, ensure};
use lexopt::{Arg, ValueExt};

use super::measure::Timing;
use super::{ROWS, Row};
use crate::servers::Server;

/// `bench fanout [options]`.
pub(crate) struct Options {
    pub(crate) rows: Vec<Row>,
    pub(crate) servers: Vec<Server>,
    pub(crate) rounds: usize,
    pub(crate) timing: Timing,
    pub(crate) style: Style,
}

/// How the report is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Markdown,
}

impl Options {
    pub(crate) fn parse(mut arguments: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            rows: ROWS.to_vec(),
            servers: Server::ALL.to_vec(),
            rounds: 3,
            timing: Timing::FULL,
            style: Style::Plain,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("rows") => options.rows = rows(&arguments.value()?.string()?)?,
                Arg::Long("servers") => options.servers = servers(&arguments.value()?.string()?)?,
                Arg::Long("rounds") => options.rounds = arguments.value()?.parse()?,
                Arg::Long("quick") => options.timing = Timing::QUICK,
                Arg::Long("markdown") => options.style = Style::Markdown,
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(options.rounds > 0, "no rounds are no measurement");
        if options.timing == Timing::QUICK {
            options.rows = options.rows.into_iter().map(Row::a_tenth).collect();
        }
        Ok(options)
    }
}

/// Rows by name; `5` is both `5a` and `5b`.
fn rows(names: &str) -> Result<Vec<Row>> {
    let mut chosen = Vec::new();
    for name in names.split(',') {
        let before = chosen.len();
        let is_meant = |row: &&Row| row.name.trim_end_matches(char::is_alphabetic) == name;
        chosen.extend(ROWS.iter().filter(|row| row.name == name || is_meant(row)));
        ensure!(chosen.len() > before, "there is no row {name}");
    }
    Ok(chosen)
}

fn servers(names: &str) -> Result<Vec<Server>> {
    let server = |name| Server::ALL.into_iter().find(|server| server.name() == name);
    names
        .split(',')
        .map(|name| server(name).with_context(|| format!("there is no server {name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options> {
        Options::parse(lexopt::Parser::from_args(arguments.split_whitespace()))
    }

    #[test]
    fn everything_is_measured_three_times_unless_told_otherwise() {
        let options = parse("").expect("no options are fine");
        assert_eq!(options.rows.len(), ROWS.len());
        assert_eq!(options.servers, Server::ALL);
        assert_eq!(options.rounds, 3);
    }

    #[test]
    fn rows_and_servers_are_chosen_by_name() {
        let options = parse("--rows 1,5 --servers raw,bun").expect("they exist");
        let names: Vec<_> = options.rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["1", "5a", "5b"]);
        assert_eq!(options.servers, [Server::Raw, Server::Bun]);
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for wrong in ["--rows 9", "--servers apache", "--rounds 0", "--loud"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
