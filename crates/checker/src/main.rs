//! `checker FILE…`: reads histories, which may be parts of one, and says whether Parlor kept its promises in them.

use std::env;
use std::fs::File;
use std::io::{self, BufReader};
use std::process::ExitCode;

use checker::{Limits, Report, history, judge};

const USAGE: &str = "\
checker [--json] FILE…

Judges the history in the files, one record as JSON on each line, under the limits that the first record states if it
does. Several files are parts of one history.
Ends with 0 if every promise was kept, with 1 if one was broken, with 2 if the history could not be read.";

fn main() -> ExitCode {
    let (options, files): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|word| word.starts_with('-'));
    let json = options == ["--json"];
    if files.is_empty() || (!json && !options.is_empty()) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match read(&files) {
        Ok(report) => {
            if json {
                println!("{}", serde_json::json!(report));
            } else {
                print!("{report}");
            }
            ExitCode::from(u8::from(!report.is_clean()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn read(files: &[String]) -> io::Result<Report> {
    let mut records = Vec::new();
    for name in files {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        let file = File::open(name).map_err(named)?;
        records.extend(history::read(BufReader::new(file)).map_err(named)?);
    }
    Ok(judge(&history::in_order(records), Limits::default()))
}
