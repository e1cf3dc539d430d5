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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_name_leads_to_what_it_led_to_at_some_moment_since_the_last_sync() {
        let mut found = [false; 3];
        for seed in 0..100 {
            let mut directory = Directory::default();
            directory.set("log", Some(1));
            directory.sync();
            directory.set("log", None);
            directory.set("log", Some(2));
            directory.lose_power(&mut StdRng::seed_from_u64(seed));
            found[directory.find("log").unwrap_or_default()] = true;
        }
        assert_eq!(found, [true; 3]);
    }

    #[test]
    fn a_name_that_was_synced_stays() {
        for seed in 0..100 {
            let mut directory = Directory::default();
            directory.set("log", Some(1));
            directory.sync();
            directory.lose_power(&mut StdRng::seed_from_u64(seed));
            assert_eq!(directory.find("log"), Some(1));
        }
    }
}
