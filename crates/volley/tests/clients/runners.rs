//! How the clients are installed, from their lockfiles, and started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The JavaScript clients, with their lockfile.
pub(crate) const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/node");
/// The Python clients, with their lockfile.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python");

/// Something to run against a server whose address is in `VOLLEY_URL`.
pub(crate) struct Runner(Command);

/// A file of tests for Node's own test runner.
pub(crate) fn node(tests: &str) -> Runner {
    let modules = Path::new(NODE).join("node_modules");
    install(&modules, &Path::new(NODE).join("package-lock.json"), || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(NODE));
    });
    let mut command = Command::new("node");
    command.args(["--test", tests]).current_dir(NODE);
    Runner(command)
}

/// A module of tests for Python's own test runner.
pub(crate) fn python(tests: &str) -> Runner {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-clients");
    let requirements = Path::new(PYTHON).join("requirements.txt");
    install(&environment, &requirements, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--requirement"];
        run(Command::new(environment.join("bin/python")).args(pip).arg(&requirements));
    });
    let mut command = Command::new(environment.join("bin/python"));
    // The sources are not the place for what Python compiles.
    command.args(["-B", "-m", "unittest", "--verbose", tests]).current_dir(PYTHON);
    Runner(command)
}

impl Runner {
    /// Panics with all that was said if it fails.
    pub(crate) fn succeed(mut self, url: &str) {
        run(self.0.env("VOLLEY_URL", url));
    }
}

/// Installs what a lockfile says into a folder, unless it was installed from the same lockfile before.
fn install(folder: &Path, lockfile: &Path, install: impl FnOnce()) {
    // Tests run side by side and share what is installed.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().expect("the installation that another test began succeeds");
    let wanted = fs::read(lockfile).expect("a lockfile");
    let stamp: PathBuf = folder.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return;
    }
    install();
    fs::write(stamp, wanted).expect("the folder that was just installed");
}

fn run(command: &mut Command) {
    let program = command.get_program().to_owned();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    assert!(
        output.status.success(),
        "{} failed:\n{}\n{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
