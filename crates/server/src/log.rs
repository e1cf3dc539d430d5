//! The log on standard error. What people say and what lets them in never gets here: the types that hold it show
//! nothing of themselves.

use std::io;

use tracing::level_filters::LevelFilter;

use crate::config::{LogFormat, LogLevel};

/// From now on, log like this. Once per process.
pub fn start(format: LogFormat, level: LogLevel) {
    let log =
        tracing_subscriber::fmt().with_max_level(LevelFilter::from(level)).with_writer(io::stderr);
    match format {
        LogFormat::Human => log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
