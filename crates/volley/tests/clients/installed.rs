//! The clients that people have, installed from their lockfiles. The tests of the server use the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The JavaScript clients, with their lockfile.
pub(crate) const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../volley/tests/clients/node");
/// The Python clients, with their lockfile.
pub(crate) const PYTHON: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../volley/tests/clients/python");

/// The folder in which Node finds its clients.
pub(crate) fn node_modules() -> PathBuf {
    let modules = Path::new(NODE).join("node_modules");
    install(&modules, &Path::new(NODE).join("package-lock.json"), || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(NODE));
    });
    modules
}

/// The Python that finds its clients.
pub(crate) fn python() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-clients");
    let requirements = Path::new(PYTHON).join("requirements.txt");
    let python = environment.join("bin/python");
    install(&environment, &requirements, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--requirement"];
        run(Command::new(&python).args(pip).arg(&requirements));
    });
    python
}

/// Runs something to its end. Panics with all that was said if it fails.
pub(crate) fn run(command: &mut Command) {
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
