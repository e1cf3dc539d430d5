//! What the program does besides serving: a backup, the way back from one, and a check. Each is a process of its own, and
//! ends with a sentence of what it did.

use std::fmt;
use std::io::{self, IsTerminal, stderr};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::clock::Clock;
use crate::config::Config;
use crate::random::Random;
use crate::store::{self, Copied, CopyError, Findings, Progress};

/// Room chat for a group that runs its own server: one program, one folder with all its data, and a web page.
///
/// Started without a command, it serves: without any option, this machine only. To let others in, give it an
/// address that they can reach (--listen) or put a reverse proxy with TLS before it (--public-url, --trusted-proxy). The
/// first account that is registered is the administrator.
///
/// Every option can also be given as the environment variable named beside it.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// How the server is to run, if it is to serve.
    #[command(flatten)]
    pub config: Config,
    /// What is to be done instead.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Something else than to serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Copy all data to a file, while the server runs or while it does not
    ///
    /// The copy is one state of everything, is checked before it gets its name, and is never put in the place of a file
    /// that is there. Passwords and tokens in it are hashed; messages are not.
    Backup {
        /// The file to be made
        path: PathBuf,
        /// Where the data are.
        #[command(flatten)]
        data: Data,
    },
    /// Put a backup into a data folder that is empty or not there yet
    ///
    /// Pages and programs that have read more than the backup holds are told to read their rooms anew.
    Restore {
        /// The backup, or the parlor.db of a copied data folder
        path: PathBuf,
        /// Where the data are.
        #[command(flatten)]
        data: Data,
    },
    /// Read all data and say whether they are as they should be
    ///
    /// Nothing is changed, and a server may be running. Every number, time, reference and count is compared with what it
    /// has to agree with. Ends with 1 if something is wrong.
    Check {
        /// A backup to check, instead of the data folder
        file: Option<PathBuf>,
        /// Where the data are.
        #[command(flatten)]
        data: Data,
    },
}

/// Where the data are.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// Folder for all data
    #[arg(long = "data", env = "PARLOR_DATA", value_name = "FOLDER")]
    #[arg(default_value = "parlor-data")]
    folder: PathBuf,
}

/// What a command did, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// A line or more, for standard output.
    pub said: String,
    /// Whether everything was as it should be.
    pub is_well: bool,
}

impl Command {
    /// Does it. How far it has come is told if there is somebody who watches.
    pub fn run(&self, clock: &Clock, random: &Random) -> Result<Done, CopyError> {
        let begun = clock.monotonic();
        let watcher = Watcher::new();
        let mut progress = |progress| watcher.tell(progress);
        let (said, is_well) = match self {
            Self::Backup { path, data } => {
                let copied = store::back_up(&data.folder, path, &mut progress)?;
                (format!("{} is a sound backup of {}", path.display(), Size(&copied)), true)
            }
            Self::Restore { path, data } => {
                let copied = store::restore(path, &data.folder, random, &mut progress)?;
                (format!("{} has {} again", data.folder.display(), Size(&copied)), true)
            }
            Self::Check { file, data } => {
                let file = file.clone().unwrap_or_else(|| store::database_in(&data.folder));
                let findings = store::check(&file, &mut progress)?;
                (report(&file, &findings), findings.is_sound())
            }
        };
        let taken = clock.monotonic().saturating_sub(begun);
        Ok(Done { said: format!("{said}, after {:.1} s.", taken.as_secs_f64()), is_well })
    }

    /// Removes what would be left behind by commands that were run, for a process that ends now.
    pub fn give_up() -> io::Result<()> {
        drop(Watcher::new());
        store::remove_unfinished()
    }
}

/// What is wrong, a line each, and then how much was read.
fn report(file: &Path, findings: &Findings) -> String {
    let Findings { problems, untold, .. } = findings;
    let verdict = match problems.len() as u64 + untold {
        0 => "is sound".to_owned(),
        1 => "has 1 problem".to_owned(),
        count => format!("has {count} problems"),
    };
    let lines: String = problems.iter().map(|problem| problem.clone() + "\n").collect();
    format!("{lines}{} with {} {verdict}", file.display(), Amount(findings))
}

/// How much was copied, in words.
struct Size<'a>(&'a Copied);

impl fmt::Display for Size<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.0.bytes as f64 / 1e6;
        write!(formatter, "{}, {megabytes:.1} MB", Amount(&self.0.findings))
    }
}

/// How much was read, in words.
struct Amount<'a>(&'a Findings);

impl fmt::Display for Amount<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some =
            |count, one| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        write!(formatter, "{} in {}", some(self.0.events, "event"), some(self.0.rooms, "room"))
    }
}

/// Somebody who may sit before a terminal, and sees how far the work has come. A file would be full of it.
struct Watcher {
    is_there: bool,
}

impl Watcher {
    fn new() -> Self {
        Self { is_there: stderr().is_terminal() }
    }

    fn tell(&self, progress: Progress) {
        if !self.is_there {
            return;
        }
        // From the beginning of the line, over what was told before.
        match progress {
            Progress::Copying { bytes, of } => {
                eprint!("\r\x1b[KCopied {} of {} MB", bytes / 1_000_000, of / 1_000_000);
            }
            Progress::CheckingFile => eprint!("\r\x1b[KChecking the file"),
            Progress::CheckingLogs { events, of } => {
                eprint!("\r\x1b[KChecked {events} of {of} events");
            }
        }
    }
}

impl Drop for Watcher {
    /// Makes room for the last word.
    fn drop(&mut self) {
        if self.is_there {
            eprint!("\r\x1b[K");
        }
    }
}
