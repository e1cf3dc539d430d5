//! Histories as files: one record as JSON on each line.

use std::io::{self, BufRead, Write};

use crate::record::Record;

/// Writes one record.
pub fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

/// Reads all records. Empty lines are skipped. An error names the line.
pub fn read(input: impl BufRead) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            records.push(serde_json::from_str(&line).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", number + 1))
            })?);
        }
    }
    Ok(records)
}

/// Puts the records of several clients, each in its own order, into one order. Where times are equal, the order given
/// is kept.
pub fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| record.at_ns);
    records
}
