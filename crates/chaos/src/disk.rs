//! A small disk that can be filled: a file system in memory, in a namespace of its own, so that nobody has to be root. A
//! process that sleeps keeps it. The program enters that process's namespace, since `SQLite` would follow the link in
//! `/proc` to where the disk is not; everybody else reaches the disk through it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What the keeper does: it mounts, says so, and waits for its standard input to end.
const KEEP: &str = "mount -t tmpfs -o size=$1m chaos \"$2\" && echo mounted && read -r line";

/// A small disk. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Disk {
    keeper: Child,
    path: PathBuf,
}

impl Disk {
    /// One of so many MiB. `place` is an empty folder.
    pub(crate) fn new(mebibytes: u32, place: &Path) -> Result<Self> {
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", KEEP, "sh"])
            .arg(mebibytes.to_string())
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run unshare")?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().context("it was piped")?).read_line(&mut said)?;
        let inside = place.strip_prefix("/").context("the path is absolute")?;
        let path = Path::new("/proc").join(keeper.id().to_string()).join("root").join(inside);
        let disk = Self { keeper, path };
        ensure!(
            said.trim() == "mounted",
            "this system does not let us mount a file system in memory"
        );
        Ok(disk)
    }

    /// Who sees it where it was mounted.
    pub(crate) fn keeper(&self) -> u32 {
        self.keeper.id()
    }

    /// Where everybody else sees it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        // Smaller and smaller pieces, until none fits.
        for size in [1 << 20, 1 << 12, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again, if there is none.
    pub(crate) fn free(&self) -> Result<()> {
        if self.filler().exists() {
            fs::remove_file(self.filler())?;
        }
        Ok(())
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}
