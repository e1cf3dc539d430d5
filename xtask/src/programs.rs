//! The programs the commands need: whether they are here, and what to do when they are not.

use std::process::{Command, ExitCode};

use crate::report::Verdict;
use crate::step::step;
use crate::workspace;

#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    /// Command lines of which the first that works shows the version.
    probes: &'static [&'static [&'static str]],
    at_least: u32,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// What only the person can put there, and how.
    Person(&'static str),
    /// A package of Debian and its relatives.
    Debian(&'static str),
    /// A crate, installed for this workspace alone.
    Crate(&'static str),
}

const ANY_VERSION: u32 = 0;

pub(crate) const RUSTFMT: Program = Program {
    name: "rustfmt",
    probes: &[&["cargo", "fmt", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Person("rustup component add rustfmt"),
};
pub(crate) const CLIPPY: Program = Program {
    name: "clippy",
    probes: &[&["cargo", "clippy", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Person("rustup component add clippy"),
};
pub(crate) const NODE: Program = Program {
    name: "Node.js 20 or newer",
    probes: &[&["node", "--version"]],
    at_least: 20,
    source: Source::Person("install it from https://nodejs.org"),
};
pub(crate) const NPM: Program = Program {
    name: "npm",
    probes: &[&["npm", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Person("it comes with Node.js: install that from https://nodejs.org"),
};
pub(crate) const PYTHON: Program = Program {
    name: "Python 3 with venv",
    // Debian ships Python without the part that fills a new environment: `venv` alone is there.
    probes: &[&[
        "python3",
        "-c",
        "import ensurepip, venv, platform; print(platform.python_version())",
    ]],
    at_least: 3,
    source: Source::Debian("python3-venv"),
};
pub(crate) const CHROMIUM: Program = Program {
    name: "Chromium",
    probes: &[&["chromium", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Debian("chromium"),
};
pub(crate) const CPLUSPLUS: Program = Program {
    name: "a C++ compiler",
    probes: &[&["c++", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Debian("g++"),
};
pub(crate) const CARGO_DENY: Program = Program {
    name: "cargo-deny",
    probes: &[&["cargo", "deny", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Crate("cargo-deny@0.20.2"),
};
pub(crate) const CARGO_FUZZ: Program = Program {
    name: "cargo-fuzz",
    probes: &[&["cargo", "fuzz", "--version"]],
    at_least: ANY_VERSION,
    source: Source::Crate("cargo-fuzz@0.13.2"),
};

/// Installs what is missing and can be installed. What only the person can install is asked for
/// first, all of it at once.
pub(crate) fn ensure(programs: &[Program]) -> Result<(), String> {
    let missing: Vec<&Program> = programs.iter().filter(|p| p.version().is_none()).collect();
    let requests: Vec<String> = missing
        .iter()
        .filter_map(|program| program.request())
        .collect();
    if !requests.is_empty() {
        return Err(requests.join("\n"));
    }
    missing.into_iter().try_for_each(Program::install)
}

/// Tells which programs are here; nothing is installed.
pub(crate) fn list(programs: &[Program]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for program in programs {
        match (program.version(), program.request()) {
            (Some(version), _) => println!("{:24}{version}", program.name),
            (None, None) => println!("{:24}missing; will be installed when needed", program.name),
            (None, Some(request)) => {
                println!("{request}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

impl Program {
    /// The first line of what it says about itself; nothing when it is missing or too old.
    fn version(&self) -> Option<String> {
        let version = self.probes.iter().find_map(|words| first_line(words))?;
        (first_number(&version)? >= self.at_least).then_some(version)
    }

    /// What to ask of the person; nothing when the program can be installed from here.
    fn request(&self) -> Option<String> {
        let remedy = match self.source {
            Source::Person(remedy) => remedy.to_owned(),
            Source::Debian(package) if !may_install_packages() => {
                format!("sudo apt-get install {package}")
            }
            Source::Debian(_) | Source::Crate(_) => return None,
        };
        Some(format!("{} is missing: {remedy}", self.name))
    }

    fn install(&self) -> Result<(), String> {
        let tools = workspace::tools();
        let lines = match self.source {
            Source::Person(_) => Vec::new(),
            Source::Debian(package) => vec![
                "apt-get update --quiet".to_owned(),
                format!("apt-get install --quiet --yes --no-install-recommends {package}"),
            ],
            Source::Crate(name) => {
                vec![format!(
                    "cargo install --locked --root {} {name}",
                    tools.display()
                )]
            }
        };
        println!("{} is missing and will be installed.", self.name);
        for line in lines {
            let report = step(&line, &line)
                .with_env("DEBIAN_FRONTEND", "noninteractive")
                .run();
            if report.verdict != Verdict::Passed {
                return Err(format!("{} could not be installed.", self.name));
            }
        }
        Ok(())
    }
}

fn first_line(words: &[&str]) -> Option<String> {
    let output = Command::new(words[0])
        .args(&words[1..])
        .env("PATH", workspace::path_with_tools())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn first_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty())?
        .parse()
        .ok()
}

fn may_install_packages() -> bool {
    first_line(&["id", "-u"]).as_deref() == Some("0")
        && first_line(&["apt-get", "--version"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(first_number("v20.20.2"), Some(20));
        assert_eq!(
            first_number("Chromium 151.0.7922.71 built on Debian"),
            Some(151)
        );
        assert_eq!(first_number("none"), None);
    }
}
