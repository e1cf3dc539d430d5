//! What a reader must know to repeat a measurement: machine, versions, date, commit, command.
use std::fs;
use std::process::Command;

use crate::fanout::Timing;
use crate::process;
use crate::servers::{Built, output_of};

pub(crate) fn facts(built: &[Built], rounds: usize, timing: Timing) -> Vec<String> {
    let mut facts = vec![
        format!("{}, {} cores", cpu_model(), cores()),
        format!("Linux {}", read("/proc/sys/kernel/osrelease")),
        said_by("rustc", &["--version"]),
        format!("{}, {}", said_by("date", &["-u", "+%F"]), commit()),
        format!("cargo xtask bench {}", arguments()),
        format!("each number is the median of {} rounds", rounds),
    ];
    if timing == Timing::QUICK {
        facts.push("quick, with a tenth of the sockets: no measure of speed".to_owned());
    }
    facts.extend(built.iter().map(|built| format!("{} {}", built.server, built.version)));
    facts
}

fn cpu_model() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, model)| model.to_owned())
}

fn cores() -> String {
    process::processors().map_or_else(|_| "?".to_owned(), |cores| cores.to_string())
}

fn commit() -> String {
    let commit = said_by("git", &["describe", "--always", "--dirty", "--exclude", "*"]);
    format!("commit {commit}")
}

fn arguments() -> String {
    std::env::args().skip(1).collect::<Vec<_>>().join(" ")
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = output_of(Command::new(program).args(arguments));
    output.unwrap_or_else(|_| format!("unknown {program}"))
}
