//! The servers that are compared: how each is built, started, found ready and ended.
use std::ffi::OsStr;
use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;

/// A server that needs longer to listen has failed to start.
const START: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Server {
    Volley,
    Raw,
    Socketioxide,
    Bun,
    Node,
    Parlor,
}

impl Server {
    /// Those of the fan-out comparison, in the order of its columns.
    pub(crate) const ALL: [Self; 5] =
        [Self::Volley, Self::Raw, Self::Socketioxide, Self::Bun, Self::Node];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Volley => "volley",
            Self::Raw => "raw",
            Self::Socketioxide => "socketioxide",
            Self::Bun => "bun",
            Self::Node => "node",
            Self::Parlor => "parlor",
        }
    }

    /// Whether all members of a room get its messages in one order. Whoever has one thread keeps it.
    pub(crate) fn promises_order(self) -> bool {
        self != Self::Socketioxide
    }

    /// Builds what must be built. Afterwards all are of one kind: a program that takes
    /// `--listen ADDRESS` and serves until it is killed.
    pub(crate) fn build(self) -> Result<Built> {
        let places = Places::find()?;
        let peer = places.bench.join("peers").join(self.name());
        let mut arguments = Vec::new();
        let (program, version) = match self {
            Self::Volley => {
                let build =
                    format!("build --quiet {} -p volley --example rooms", Profile::OWN.flags());
                cargo(&places.workspace, &build, &places.target)?;
                (places.own("examples/rooms"), own_version())
            }
            Self::Raw => {
                arguments.push("raw".into());
                (std::env::current_exe()?, own_version())
            }
            Self::Socketioxide => {
                let target = places.target.join("peers");
                cargo(&peer, "build --quiet --release --locked", &target)?;
                let version = version_after(&peer.join("Cargo.lock"), "name = \"socketioxide\"")?;
                (target.join("release/bench-peer-socketioxide"), version)
            }
            Self::Bun => {
                npm_install(&peer)?;
                arguments.push(peer.join("server.js"));
                let program = peer.join("node_modules/.bin/bun");
                let version = output_of(Command::new(&program).arg("--version"))?;
                (program, version)
            }
            Self::Node => {
                npm_install(&peer)?;
                arguments.push(peer.join("server.js"));
                let lock = peer.join("package-lock.json");
                let library = version_after(&lock, "\"node_modules/socket.io\"")?;
                let node = output_of(Command::new("node").arg("--version"))?;
                ("node".into(), format!("socket.io {library}, Node {node}"))
            }
            Self::Parlor => {
                let build =
                    format!("build --quiet {} -p server --bin parlor", Profile::OWN.flags());
                cargo(&places.workspace, &build, &places.target)?;
                (places.own("parlor"), own_version())
            }
        };
        Ok(Built { server: self, program, arguments, version })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A server that can be started.
pub(crate) struct Built {
    pub(crate) server: Server,
    pub(crate) version: String,
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Built {
    /// Where it is on the disk.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts it on a free port of 127.0.0.1 and returns when it takes connections.
    pub(crate) fn start(&self) -> Result<Running> {
        let mut running = self.begin(&[])?;
        running.wait_until(PROBE_EVERY, |address| TcpStream::connect(address).is_ok())?;
        Ok(running)
    }

    /// Starts it on a free port of 127.0.0.1, with more arguments, and does not wait for it.
    pub(crate) fn begin(&self, more: &[&OsStr]) -> Result<Running> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .args(["--listen", &address.to_string()])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        Ok(Running { child, address })
    }
}

/// A server that has been started. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Returns when it is as it should be, which is tried again and again.
    pub(crate) fn wait_until(
        &mut self,
        every: Duration,
        is_so: impl Fn(SocketAddr) -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self.address) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            ensure!(begun.elapsed() < START, "it does not listen");
            std::thread::sleep(every);
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> Result<()> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "it did not end well: {status}");
        Ok(())
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How this program was built, and what it measures with it.
pub(crate) struct Profile {
    release: bool,
}

impl Profile {
    pub(crate) const OWN: Self = Self { release: !cfg!(debug_assertions) };

    fn flags(&self) -> &'static str {
        if self.release { "--release" } else { "--profile=dev" }
    }

    fn folder(&self) -> &'static str {
        if self.release { "release" } else { "debug" }
    }
}

pub(crate) struct Places {
    bench: PathBuf,
    workspace: PathBuf,
    /// Where this program was built to, so that everything else is built there too.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Of a program of the workspace, built as this one is.
    fn own(&self, name: &str) -> PathBuf {
        self.target.join(Profile::OWN.folder()).join(name)
    }

    pub(crate) fn find() -> Result<Self> {
        let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let workspace = bench.ancestors().nth(2).context("crates/bench is in a workspace")?;
        let program = std::env::current_exe()?;
        let target = program.ancestors().nth(2).context("programs are in target/PROFILE")?;
        Ok(Self { workspace: workspace.into(), target: target.into(), bench })
    }
}

fn cargo(directory: &Path, arguments: &str, target: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(directory).args(arguments.split(' '));
    command.arg("--target-dir").arg(target);
    output_of(&mut command).map(drop)
}

/// Installs exactly what the lockfile says, unless that was done before.
fn npm_install(peer: &Path) -> Result<()> {
    let changed = |file: &str| peer.join(file).metadata().and_then(|file| file.modified());
    let wanted = changed("package-lock.json")?;
    if changed("node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(peer).args(["ci", "--no-audit", "--no-fund"]);
    output_of(&mut npm).map(drop)
}

/// What a command prints. If it fails: the line in which it says why.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let first = complaint.lines().find(|line| line.contains("rror")).unwrap_or_default();
    ensure!(output.status.success(), "{program} failed ({}): {first}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn own_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The version that a lockfile gives after the line with which a package begins.
fn version_after(lock: &Path, package: &str) -> Result<String> {
    let text = std::fs::read_to_string(lock)?;
    find_version(&text, package)
        .map(str::to_owned)
        .with_context(|| format!("{} does not name {package}", lock.display()))
}

fn find_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(package)?;
    let (_, after) = after.split_once("version")?;
    after.split('"').find(|part| part.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_the_lockfiles_of_cargo_and_npm() {
        let cargo = "dependencies = [\"peer\"]\n\nname = \"peer\"\nversion = \"1.2.3\"\n";
        assert_eq!(find_version(cargo, "name = \"peer\""), Some("1.2.3"));

        let npm = "\"node_modules/peer\": {\n  \"version\": \"4.5.6\",\n";
        assert_eq!(find_version(npm, "\"node_modules/peer\""), Some("4.5.6"));
    }

    #[test]
    fn a_command_that_fails_tells_why() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo error: no such thing >&2; exit 3"]);
        let error = output_of(&mut command).expect_err("it exits with 3").to_string();
        assert!(error.contains("no such thing"), "{error}");
    }
}
