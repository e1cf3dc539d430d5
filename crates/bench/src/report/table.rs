//! An aligned table: words to the left, a column of numbers for each server to the right.
use std::iter::zip;

use crate::fanout::Style;
use crate::servers::Server;

pub(crate) struct Table {
    words: usize,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// `words` are the headings of the columns before those of the servers.
    pub(crate) fn new<const WORDS: usize>(words: &[&str; WORDS], servers: &[Server]) -> Self {
        let servers: Vec<&str> = servers.iter().map(|server| server.name()).collect();
        Self::with_columns(words, &servers)
    }

    pub(crate) fn with_columns<const WORDS: usize>(
        words: &[&str; WORDS],
        numbers: &[&str],
    ) -> Self {
        let heading = words.iter().chain(numbers).map(|&name| name.to_owned()).collect();
        Self { words: WORDS, lines: vec![heading] }
    }

    pub(crate) fn add<const WORDS: usize>(
        &mut self,
        words: [&str; WORDS],
        numbers: impl Iterator<Item = String>,
    ) {
        self.lines.push(words.into_iter().map(str::to_owned).chain(numbers).collect());
    }

    pub(crate) fn render(&self, style: Style) -> String {
        let widths: Vec<usize> = (0..self.lines[0].len())
            .map(|column| self.lines.iter().map(|line| line[column].chars().count()).max())
            .map(|width| width.unwrap_or(0).max(RULE))
            .collect();
        let mut out = String::new();
        for (number, line) in self.lines.iter().enumerate() {
            let cells = zip(line, &widths).enumerate().map(|(column, (cell, width))| {
                if column < self.words {
                    format!("{cell:width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            let cells: Vec<String> = cells.collect();
            match style {
                Style::Plain => out += cells.join("  ").trim_end(),
                Style::Markdown => out.extend(["| ", &cells.join(" | "), " |"]),
            }
            out.push('\n');
            if number == 0 && style == Style::Markdown {
                out += &self.rule(&widths);
            }
        }
        out
    }

    /// The line that makes the first one a heading, and says which columns are numbers.
    fn rule(&self, widths: &[usize]) -> String {
        let cells = widths.iter().enumerate().map(|(column, width)| {
            let dashes = "-".repeat(width - 1);
            if column < self.words { format!("{dashes}-") } else { format!("{dashes}:") }
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    }
}

/// Markdown wants at least so many characters below a heading.
const RULE: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["row"], &[Server::Raw, Server::Bun]);
        table.add(["4 × 10"], ["1,000".to_owned(), "7".to_owned()].into_iter());
        table
    }

    #[test]
    fn words_stand_left_and_numbers_right() {
        let expected = "\
row       raw  bun
4 × 10  1,000    7
";
        assert_eq!(table().render(Style::Plain), expected);
    }

    #[test]
    fn markdown_is_the_same_with_bars() {
        let expected = "\
| row    |   raw | bun |
| ------ | ----: | --: |
| 4 × 10 | 1,000 |   7 |
";
        assert_eq!(table().render(Style::Markdown), expected);
    }
}
