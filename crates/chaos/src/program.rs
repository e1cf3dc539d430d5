//! The real program as a process: built, started on data and a port of its own, ended well or badly, started again.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// A program that needs longer to listen has failed to start.
const START: Duration = Duration::from_secs(30);
/// What G7 gives it to end.
const END: Duration = Duration::from_secs(30);
/// How often it is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Where ports are taken from: below those that the system gives to clients, one of which could otherwise have the
/// server's port when it comes back.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// Limits that are about people and not about faults, out of the way.
const OPTIONS: [&str; 8] = [
    "--registrations-per-hour",
    "1000000",
    "--logins-per-minute",
    "1000000",
    "--messages-per-second",
    "1000000",
    "--log-level",
    "warn",
];

/// A program that can be started.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    environment: Vec<(&'static str, String)>,
    /// It is told things on its standard input, and ends when that does.
    steered: bool,
    /// A process whose file systems it sees.
    beside: Option<u32>,
}

impl Program {
    /// `parlor`, built as this program is.
    pub fn parlor() -> Result<Self> {
        Self::built(&["--bin", "parlor"], "parlor")
    }

    /// The same with a clock that can be set, and promises that can be broken.
    pub fn steered() -> Result<Self> {
        let what = ["--example", "steered", "--features", "sabotage"];
        Ok(Self { steered: true, ..Self::built(&what, "examples/steered")? })
    }

    /// A program of the package `server`, built as this one is and to where this one is.
    fn built(what: &[&str], name: &str) -> Result<Self> {
        let release = !cfg!(debug_assertions);
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let target = target()?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .current_dir(workspace.context("crates/chaos is in a workspace")?)
            .args(["build", "--quiet", "--package", "server"])
            .args(what)
            .arg(if release { "--release" } else { "--profile=dev" })
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        ensure!(built.success(), "{name} cannot be built");
        Ok(Self::at(target.join(if release { "release" } else { "debug" }).join(name)))
    }

    /// The program in this file.
    pub fn at(path: PathBuf) -> Self {
        Self { path, environment: Vec::new(), steered: false, beside: None }
    }

    /// The same program with a variable set.
    #[must_use]
    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.push((variable, value.to_owned()));
        self
    }

    /// The same program, where it sees the file systems of another process.
    #[must_use]
    pub(crate) fn beside(mut self, process: u32) -> Self {
        self.beside = Some(process);
        self
    }

    fn command(&self) -> Command {
        let mut command = match self.beside {
            None => Command::new(&self.path),
            Some(process) => {
                let mut command = Command::new("nsenter");
                command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
                command.arg(process.to_string()).arg(&self.path);
                command
            }
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it on `data`, and returns when it takes connections. What it logs goes to the end of `log`.
    pub(crate) async fn start(&self, data: &Path, doors: Doors, log: &Path) -> Result<Running> {
        let child = self
            .command()
            .args(["--listen", &doors.people.to_string()])
            .args(["--metrics-listen", &doors.metrics.to_string()])
            .arg("--data")
            .arg(data)
            .args(OPTIONS)
            .stdin(if self.steered { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let mut running = Running { child };
        let printed = running.child.stdout.take().context("it was just piped")?;
        let first_line = spawn_blocking(move || {
            let (mut line, mut printed) = (String::new(), BufReader::new(printed));
            printed.read_line(&mut line)?;
            // Whatever else it prints must not stop it.
            std::thread::spawn(move || std::io::copy(&mut printed, &mut std::io::sink()));
            std::io::Result::Ok(line)
        });
        let line = timeout(START, first_line).await.context("it does not listen")???;
        if !line.starts_with("Parlor is at ") {
            bail!("it did not start: {}", last_line(log));
        }
        Ok(running)
    }

    /// Whether it finds its data sound; one that is steered does nothing but serve.
    pub(crate) async fn check(&self, data: &Path) -> Result<()> {
        if !self.steered {
            self.run(&["check".as_ref(), "--data".as_ref(), data.as_os_str()]).await?;
        }
        Ok(())
    }

    /// Runs another command of it to its end, and returns what it printed.
    pub(crate) async fn run(&self, arguments: &[&std::ffi::OsStr]) -> Result<String> {
        let mut command = self.command();
        command.args(arguments);
        let output = spawn_blocking(move || command.output()).await??;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {printed}{complaint}");
        Ok(printed)
    }
}

/// Where a program listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doors {
    /// For people.
    pub(crate) people: SocketAddr,
    /// For who reads the figures.
    pub(crate) metrics: SocketAddr,
}

impl Doors {
    /// Two that nobody has.
    pub(crate) fn free() -> Result<Self> {
        Ok(Self { people: free_port()?, metrics: free_port()? })
    }
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Its process, for `/proc`.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something, if it is one that is steered.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let told = self.child.stdin.as_mut().context("only what is steered listens")?;
        Ok(writeln!(told, "{line}")?)
    }

    /// Kills it, as a power switch does to one program: `kill -9`.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        // It must not have ended before by itself: that would be a crash that nobody looks at.
        ensure!(status.signal() == Some(Signal::KILL.as_raw()), "it ended by itself: {status}");
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has; how long that took.
    pub(crate) async fn end(mut self) -> Result<Duration> {
        let asked = Instant::now();
        match self.child.stdin.take() {
            Some(steered) => drop(steered),
            None => kill_process(Pid::from_child(&self.child), Signal::TERM)?,
        }
        let status = self.ended().await?;
        ensure!(status.success(), "it did not end well: {status}");
        Ok(asked.elapsed())
    }

    async fn ended(&mut self) -> Result<ExitStatus> {
        let end = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    return anyhow::Ok(status);
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(END, end).await.with_context(|| format!("it did not end within {END:?}"))?
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where this program was built to, so that everything else is there too.
pub(crate) fn target() -> Result<PathBuf> {
    let own = env::current_exe()?;
    // Programs are in target/PROFILE, tests in target/PROFILE/deps.
    let is_profile = |folder: &&Path| folder.ends_with("release") || folder.ends_with("debug");
    let profile = own.ancestors().find(is_profile);
    let target = profile.and_then(Path::parent);
    Ok(target.context("programs are in target/PROFILE")?.to_owned())
}

fn free_port() -> Result<SocketAddr> {
    let mut draws = rand::rng();
    for _ in 0..1_000 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, draws.random_range(PORTS)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free")
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().next_back().unwrap_or("it said nothing").to_owned()
}
