//! A step: one program to run, and where its output goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Report, Verdict, announce, show_running};
use crate::tally::Tally;
use crate::workspace;

/// How often a running program is asked whether it has ended.
const POLL: Duration = Duration::from_millis(50);

pub(crate) struct Step {
    name: String,
    words: Vec<String>,
    directory: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
    offline_sign: Option<&'static str>,
    count: fn(&str) -> Tally,
}

/// Runs `line` in the workspace's root. It is cut at its spaces: nothing is quoted, no shell
/// reads it.
pub(crate) fn step(name: &str, line: &str) -> Step {
    Step {
        name: name.to_owned(),
        words: line.split_whitespace().map(str::to_owned).collect(),
        directory: workspace::root().to_owned(),
        environment: Vec::new(),
        offline_sign: None,
        count: |_| Tally::default(),
    }
}

impl Step {
    pub(crate) fn and(mut self, arguments: &[&str]) -> Self {
        self.words.extend(arguments.iter().map(ToString::to_string));
        self
    }

    pub(crate) fn within(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory.push(directory);
        self
    }

    pub(crate) fn with_env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// A failure that prints `sign` means that the network is out of reach: told and forgiven.
    pub(crate) fn unless_offline(mut self, sign: &'static str) -> Self {
        self.offline_sign = Some(sign);
        self
    }

    /// What it prints tells of tests, and this is how to read it.
    pub(crate) fn counted_by(mut self, count: fn(&str) -> Tally) -> Self {
        self.count = count;
        self
    }

    /// Runs with the person's own terminal, for what is watched while it works.
    pub(crate) fn run_in_the_open(&self) -> Result<ExitCode, String> {
        match self.command().status() {
            Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
            Ok(_) => Ok(ExitCode::FAILURE),
            Err(error) => Err(self.not_started(&error)),
        }
    }

    /// Runs with its output in a log. One line tells how it went; what failed is shown in full.
    pub(crate) fn run(&self) -> Report {
        announce(&self.name);
        let started = Instant::now();
        let (succeeded, output) =
            self.run_logged(started).unwrap_or_else(|error| (false, self.not_started(&error)));
        let report = Report {
            name: self.name.clone(),
            verdict: match self.offline_sign {
                _ if succeeded => Verdict::Passed,
                Some(sign) if output.contains(sign) => Verdict::Offline,
                _ => Verdict::Failed,
            },
            took: started.elapsed(),
            tally: (self.count)(&output),
        };
        report.show();
        if report.verdict == Verdict::Failed {
            println!("\n$ {}\n{output}", self.words.join(" "));
        }
        report
    }

    fn run_logged(&self, started: Instant) -> io::Result<(bool, String)> {
        // A file and not a pipe: what a test leaves running would hold a pipe open for ever.
        let path = self.log_path()?;
        let log = File::create(&path)?;
        let mut child = self
            .command()
            .env("CARGO_TERM_COLOR", "never")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            show_running(&self.name, started.elapsed());
            thread::sleep(POLL);
        };
        let output = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        Ok((status.success(), output))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .current_dir(&self.directory)
            .envs(self.environment.iter().copied())
            .env("PATH", workspace::path_with_tools());
        command
    }

    fn log_path(&self) -> io::Result<PathBuf> {
        let logs = workspace::target().join("xtask");
        fs::create_dir_all(&logs)?;
        let letters = |c: char| if c.is_alphanumeric() { c } else { '-' };
        let name: String = self.name.chars().map(letters).collect();
        Ok(logs.join(name + ".log"))
    }

    fn not_started(&self, error: &io::Error) -> String {
        format!("{} could not be run: {error}", self.words[0])
    }
}
