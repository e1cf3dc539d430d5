//! The programs the commands need: whether they are here, and what to do when they are not.

use std::env;
use std::process::{Command, ExitCode};

use crate::report::Verdict;
use crate::step::{Step, step};
use crate::workspace;

#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    /// What it says about its version; nothing when it is missing or too old.
    version: fn() -> Option<String>,
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

pub(crate) const RUSTFMT: Program = Program {
    name: "rustfmt",
    version: || answer(&["cargo", "fmt", "--version"]),
    source: Source::Person("rustup component add rustfmt"),
};
pub(crate) const CLIPPY: Program = Program {
    name: "clippy",
    version: || answer(&["cargo", "clippy", "--version"]),
    source: Source::Person("rustup component add clippy"),
};
pub(crate) const NODE: Program = Program {
    name: "Node.js 20.19 or newer",
    version: || answer(&["node", "--version"]).filter(|said| version(said) >= Some((20, 19))),
    source: Source::Person("install it from https://nodejs.org"),
};
pub(crate) const NPM: Program = Program {
    name: "npm",
    version: || answer(&["npm", "--version"]),
    source: Source::Person("it comes with Node.js: install that from https://nodejs.org"),
};
/// Debian's Python has `venv` but not `ensurepip`, without which a new environment stays empty.
pub(crate) const PYTHON: Program = Program {
    name: "Python 3 with venv",
    version: || answer(&["python3", "-c", "import ensurepip, sys; print(sys.version)"]),
    source: Source::Debian("python3-venv"),
};
/// The tests start the same file: Debian's, or what the variable names.
pub(crate) const CHROMIUM: Program = Program {
    name: "Chromium",
    version: || {
        let file = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        answer(&[&file, "--version"])
    },
    source: Source::Debian("chromium"),
};
/// Chromium has no emoji of its own, and a picture with boxes in their place shows nobody's page.
pub(crate) const EMOJI: Program = Program {
    name: "a font with emoji",
    version: || answer(&["fc-list", ":lang=und-zsye", "family"]).filter(|font| !font.is_empty()),
    source: Source::Debian("fonts-noto-color-emoji"),
};
/// The allocator under the examples is built with it.
pub(crate) const MAKE: Program = Program {
    name: "make",
    version: || answer(&["make", "--version"]),
    source: Source::Debian("make"),
};
pub(crate) const CPLUSPLUS: Program = Program {
    name: "a C++ compiler",
    version: || answer(&["c++", "--version"]),
    source: Source::Debian("g++"),
};
pub(crate) const CARGO_DENY: Program = Program {
    name: "cargo-deny",
    version: || answer(&["cargo", "deny", "--version"]),
    source: Source::Crate("cargo-deny@0.20.2"),
};
pub(crate) const CARGO_FUZZ: Program = Program {
    name: "cargo-fuzz",
    version: || answer(&["cargo", "fuzz", "--version"]),
    source: Source::Crate("cargo-fuzz@0.13.2"),
};

/// Installs what is missing and can be installed. What only the person can install is asked for
/// first, all of it at once.
pub(crate) fn ensure(programs: &[Program]) -> Result<(), String> {
    let missing: Vec<&Program> = programs.iter().filter(|p| (p.version)().is_none()).collect();
    let requests: Vec<String> = missing.iter().filter_map(|program| program.request()).collect();
    if !requests.is_empty() {
        return Err(requests.join("\n"));
    }
    missing.into_iter().try_for_each(Program::install)
}

/// Tells which programs are here; nothing is installed.
pub(crate) fn list(programs: &[Program]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for program in programs {
        match ((program.version)(), program.request()) {
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
    /// What to ask of the person; nothing when the program can be installed from here.
    fn request(&self) -> Option<String> {
        let remedy = match self.source {
            Source::Person(remedy) => remedy.to_owned(),
            Source::Debian(package) if !may_install_packages() => {
                format!("on Debian or Ubuntu, sudo apt-get install {package}")
            }
            Source::Debian(_) | Source::Crate(_) => return None,
        };
        Some(format!("{} is missing: {remedy}", self.name))
    }

    fn install(&self) -> Result<(), String> {
        println!("{} is missing and will be installed.", self.name);
        for step in self.installation() {
            if step.run().verdict == Verdict::Failed {
                return Err(format!("{} could not be installed.", self.name));
            }
        }
        match (self.version)() {
            Some(_) => Ok(()),
            None => Err(format!("{} was installed and still does not start.", self.name)),
        }
    }

    fn installation(&self) -> Vec<Step> {
        let tools = workspace::tools();
        match self.source {
            Source::Person(_) => Vec::new(),
            Source::Debian(package) => vec![
                step("list of Debian packages", "apt-get update"),
                step(package, "apt-get install --yes --no-install-recommends")
                    .and(&[package])
                    .with_env("DEBIAN_FRONTEND", "noninteractive"),
            ],
            Source::Crate(name) => vec![
                step(name, "cargo install --locked --root").and(&[&tools.to_string_lossy(), name]),
            ],
        }
    }
}

/// The first line that a program prints, when it can be run and succeeds.
fn answer(words: &[&str]) -> Option<String> {
    let output = Command::new(words[0])
        .args(&words[1..])
        .env("PATH", workspace::path_with_tools())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// The major and the minor version.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn may_install_packages() -> bool {
    answer(&["id", "-u"]).as_deref() == Some("0") && answer(&["apt-get", "--version"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_two_numbers() {
        assert_eq!(version("v20.20.2"), Some((20, 20)));
        assert_eq!(version("Chromium 151.0.7922.71 built on Debian"), Some((151, 0)));
        assert_eq!(version("none"), None);
    }
}
