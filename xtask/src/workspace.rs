//! Where things lie in this repository.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where builds go. The commands put logs and tools there too, so `cargo clean` removes them.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Programs installed for this workspace alone, so that nothing of the person's machine changes.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// The search path of programs, ours first.
pub(crate) fn path_with_tools() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = iter::once(tools().join("bin"));
    env::join_paths(ours.chain(env::split_paths(&path))).unwrap_or(path)
}

/// The folders, relative to the root, that hold a file called `name`. What is built or downloaded
/// is not looked at.
pub(crate) fn directories_with(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().to_owned()];
    while let Some(directory) = open.pop() {
        if directory.join(name).is_file() {
            let relative = directory.strip_prefix(root()).unwrap_or(&directory);
            found.push(relative.to_owned());
        }
        open.extend(entries(&directory).filter(|path| path.is_dir() && is_ours(path)));
    }
    found.sort();
    found
}

/// Whether the npm packages in `directory` are those of its lockfile. npm writes its own copy when it is done.
pub(crate) fn is_installed(directory: &str) -> bool {
    let written = |file: &str| fs::metadata(root().join(directory).join(file))?.modified();
    match (written("node_modules/.package-lock.json"), written("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

/// The file names in `directory`, without their extensions.
pub(crate) fn stems_in(directory: &str) -> Vec<String> {
    let mut stems: Vec<String> = entries(&root().join(directory))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    stems.sort();
    stems
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn is_ours(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && name != "node_modules" && name != "target"
}
