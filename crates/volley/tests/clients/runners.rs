//! How the clients' tests are started.

use std::process::Command;

use crate::installed::{self, NODE, PYTHON};

/// Something to run against a server whose address is in `VOLLEY_URL`.
pub(crate) struct Runner(Command);

/// A file of tests for Node's own test runner.
pub(crate) fn node(tests: &str) -> Runner {
    installed::node_modules();
    let mut command = Command::new("node");
    command.args(["--test", tests]).current_dir(NODE);
    Runner(command)
}

/// A module of tests for Python's own test runner.
pub(crate) fn python(tests: &str) -> Runner {
    let mut command = Command::new(installed::python());
    // The sources are not the place for what Python compiles.
    command.args(["-B", "-m", "unittest", "--verbose", tests]).current_dir(PYTHON);
    Runner(command)
}

impl Runner {
    /// Panics with all that was said if it fails.
    pub(crate) fn succeed(mut self, url: &str) {
        installed::run(self.0.env("VOLLEY_URL", url));
    }
}
