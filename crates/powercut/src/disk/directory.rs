//! A folder: which name leads to which file, now and on the platter.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

/// The number of a file. Names come and go; it stays.
pub(super) type FileId = usize;

#[derive(Debug, Default)]
pub(super) struct Directory {
    /// For each name what it has led to since the last sync of the folder, the present last.
    names: BTreeMap<String, Vec<Option<FileId>>>,
}

impl Directory {
    pub(super) fn find(&self, name: &str) -> Option<FileId> {
        self.names.get(name)?.last().copied().flatten()
    }

    /// From now on the name leads there, or nowhere.
    pub(super) fn set(&mut self, name: &str, file: Option<FileId>) {
        self.names.entry(name.to_owned()).or_insert_with(|| vec![None]).push(file);
    }

    /// The files that have a name.
    pub(super) fn files(&self) -> impl Iterator<Item = FileId> {
        self.names.values().filter_map(|history| history.last().copied().flatten())
    }

    pub(super) fn sync(&mut self) {
        self.settle(|history| history.len() - 1);
    }

    /// Each name leads to what it led to at some moment since the last sync.
    pub(super) fn lose_power(&mut self, random: &mut StdRng) {
        self.settle(|history| random.random_range(0..history.len()));
    }

    fn settle(&mut self, mut choose: impl FnMut(&[Option<FileId>]) -> usize) {
        self.names.retain(|_, history| {
            let chosen = history[choose(history)];
            *history = vec![chosen];
            chosen.is_some()
        });
    }
}
