//! A file: what programs see of it, what is on the platter, and what was written in between.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use super::Remains;

/// What a disk writes as a whole or not at all, in bytes.
pub(super) const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(super) struct File {
    /// What programs see: the page cache.
    content: Vec<u8>,
    /// What is there whatever happens.
    durable: Vec<u8>,
    /// What has been done since the last sync, in its order.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// How much of what was not synced reaches the platter, in tenths of all sectors. Nothing and everything are as likely
/// as anything between.
const MOODS: [u32; 5] = [0, 1, 5, 9, 10];

impl File {
    pub(super) fn len(&self) -> usize {
        self.content.len()
    }

    /// Reads what there is. Returns how much that was.
    pub(super) fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let there = self.content.get(at..).unwrap_or_default();
        let length = there.len().min(into.len());
        into[..length].copy_from_slice(&there[..length]);
        length
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.content, at, bytes);
        self.pending.push(Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn resize(&mut self, length: usize) {
        self.content.resize(length, 0);
        self.pending.push(Change::Resize(length));
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            match change {
                Change::Write { at, bytes } => put(&mut self.durable, at, &bytes),
                Change::Resize(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// A sync that fails. The system throws away what it could not write and takes its pages for clean: the next sync
    /// succeeds and writes nothing of them. They may be seen for a while, or not.
    pub(super) fn fail_to_sync(&mut self, random: &mut StdRng) {
        self.durable = self.after_a_cut(random, &mut Remains::default());
        self.pending.clear();
        if random.random() {
            self.content.clone_from(&self.durable);
        }
    }

    /// Takes from programs what did not survive.
    pub(super) fn lose_power(&mut self, random: &mut StdRng, remains: &mut Remains) {
        self.durable = self.after_a_cut(random, remains);
        self.pending.clear();
        self.content.clone_from(&self.durable);
    }

    /// What is on the platter after power was cut. Each sector holds what was there, or what it was to hold after some
    /// of the changes; no sector waits for another one. The length and the cuts of the file are kept in a journal of
    /// the file system and so become true in their order, but independently of any data: a file may have grown before
    /// what it was to hold is there, and then it holds zeros or rubbish.
    fn after_a_cut(&self, random: &mut StdRng, remains: &mut Remains) -> Vec<u8> {
        let journalled = match random.random_range(0..3) {
            0 => self.pending.len(),
            _ => random.random_range(0..=self.pending.len()),
        };
        // What follows a cut of the file that did not happen has no place yet.
        let unmade =
            |change: &Change| matches!(change, Change::Resize(to) if *to < self.len_at_most());
        let end = self.pending.iter().skip(journalled).position(unmade);
        let reached = end.map_or(self.pending.len(), |cut| journalled + cut);
        let changes = &self.pending[..reached];

        let fates = Fates::draw(changes, random);
        let is_rubbish = random.random();
        let mut image = self.durable.clone();
        let (mut length, mut grown) = (self.durable.len(), self.durable.len());
        for (number, change) in changes.iter().enumerate() {
            match change {
                Change::Write { at, bytes } => {
                    grown = grown.max(at + bytes.len());
                    let (mut kept, mut lost) = (0, 0);
                    for (at, piece) in pieces(*at, bytes) {
                        if fates.reaches(at / SECTOR, number) {
                            put(&mut image, at, piece);
                            kept += 1;
                            continue;
                        }
                        lost += 1;
                        if is_rubbish && at >= self.durable.len() && fates.is_lost(at / SECTOR) {
                            let mut rubbish = vec![0; piece.len()];
                            random.fill_bytes(&mut rubbish);
                            put(&mut image, at, &rubbish);
                        }
                    }
                    remains.count(kept, lost);
                }
                Change::Resize(to) => {
                    image.resize(*to, 0);
                    grown = *to;
                }
            }
            if number < journalled {
                length = grown;
            }
        }
        remains.lost += (self.pending.len() - reached) as u64;
        if let Some(Change::Write { at, bytes }) = changes.get(journalled)
            && random.random_ratio(1, 4)
        {
            // It has grown by a part of a write.
            length = length.max(at + SECTOR * random.random_range(0..=bytes.len() / SECTOR));
        }
        image.resize(length, 0);
        image
    }

    /// The greatest length that the file has had since the last sync.
    fn len_at_most(&self) -> usize {
        let length = |change: &Change| match change {
            Change::Write { at, bytes } => at + bytes.len(),
            Change::Resize(length) => *length,
        };
        self.pending.iter().map(length).max().unwrap_or(0).max(self.durable.len())
    }
}

/// How far each sector that was written to has got: up to which change, that one not included.
struct Fates(BTreeMap<usize, usize>);

impl Fates {
    fn draw(changes: &[Change], random: &mut StdRng) -> Self {
        let mut writes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, change) in changes.iter().enumerate() {
            if let Change::Write { at, bytes } = change {
                for (at, _) in pieces(*at, bytes) {
                    writes.entry(at / SECTOR).or_default().push(number);
                }
            }
        }
        let mood = MOODS[random.random_range(0..MOODS.len())];
        let may_be_old = random.random();
        let fate = |(sector, numbers): (usize, Vec<usize>)| {
            // All that was to be in it, nothing of it, or an earlier state.
            let reached = if !random.random_ratio(mood, 10) {
                0
            } else if may_be_old {
                numbers[random.random_range(0..numbers.len())] + 1
            } else {
                changes.len()
            };
            (sector, reached)
        };
        Self(writes.into_iter().map(fate).collect())
    }

    fn reaches(&self, sector: usize, change: usize) -> bool {
        self.0.get(&sector).is_some_and(|&reached| change < reached)
    }

    /// Whether nothing has reached it.
    fn is_lost(&self, sector: usize) -> bool {
        !self.reaches(sector, 0)
    }
}

/// A write as the sectors see it: where each piece begins, and what it is.
fn pieces(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = (SECTOR - at % SECTOR).min(bytes.len());
    let (first, rest) = bytes.split_at(first);
    let starts = (at + first.len()..).step_by(SECTOR);
    std::iter::once((at, first)).chain(starts.zip(rest.chunks(SECTOR)))
}

fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[at..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SEEDS: std::ops::Range<u64> = 0..500;

    /// What is read of a file after the power was cut.
    fn after_a_cut(mut file: File, seed: u64) -> Vec<u8> {
        let mut random = StdRng::seed_from_u64(seed);
        file.lose_power(&mut random, &mut Remains::default());
        file.content
    }

    fn synced(bytes: &[u8]) -> File {
        let mut file = File::default();
        file.write(0, bytes);
        file.sync();
        file
    }

    #[test]
    fn a_write_is_torn_at_sectors_only() {
        let outcomes = SEEDS.map(|seed| {
            let mut file = synced(&[1; 4 * SECTOR]);
            file.write(SECTOR / 2, &[2; 2 * SECTOR]);
            let image = after_a_cut(file, seed);
            assert_eq!(image.len(), 4 * SECTOR);
            let expected = |sector: usize| match sector {
                0 => [[1; SECTOR / 2], [2; SECTOR / 2]].concat(),
                1 => vec![2; SECTOR],
                2 => [[2; SECTOR / 2], [1; SECTOR / 2]].concat(),
                _ => vec![1; SECTOR],
            };
            let fate = |(sector, found): (usize, &[u8])| {
                let is_new = found == expected(sector);
                assert!(is_new || found == [1; SECTOR], "seed {seed}: half a sector");
                is_new
            };
            image.chunks(SECTOR).enumerate().take(3).map(fate).collect::<Vec<_>>()
        });
        let outcomes: std::collections::BTreeSet<_> = outcomes.collect();
        assert_eq!(outcomes.len(), 8, "every subset is left by some cut");
    }

    #[test]
    fn an_earlier_state_of_a_sector_may_be_what_is_left() {
        let mut states = [false; 4];
        for seed in SEEDS {
            let mut file = synced(&[0; SECTOR]);
            for state in 1..4 {
                file.write(0, &[state; SECTOR]);
            }
            states[usize::from(after_a_cut(file, seed)[0])] = true;
        }
        assert_eq!(states, [true; 4]);
    }

    #[test]
    fn bytes_that_were_synced_stay_beside_those_that_were_not() {
        for seed in SEEDS {
            let mut file = synced(&[1; 100]);
            file.write(100, &[2; 1000]);
            let image = after_a_cut(file, seed);
            assert_eq!(image[..100], [1; 100], "seed {seed}");
        }
    }

    #[test]
    fn a_file_may_have_grown_before_its_content_came() {
        let mut kinds = [false; 3];
        for seed in SEEDS {
            let mut file = synced(&[]);
            file.write(0, &[2; SECTOR]);
            let image = after_a_cut(file, seed);
            match &image[..] {
                [] => kinds[0] = true,
                image if image == [2; SECTOR] => kinds[1] = true,
                image => {
                    assert_eq!(image.len(), SECTOR);
                    kinds[2] = true;
                }
            }
        }
        assert_eq!(kinds, [true; 3]);
    }

    #[test]
    fn a_file_that_was_cut_is_as_it_was_or_as_it_became() {
        let mut kinds = [false; 3];
        for seed in SEEDS {
            let mut file = synced(&[1; 2 * SECTOR]);
            file.resize(0);
            file.write(0, &[2; SECTOR]);
            let image = after_a_cut(file, seed);
            match image.len() {
                0 => kinds[0] = true,
                SECTOR => kinds[1] = true,
                _ => {
                    assert_eq!(image, [1; 2 * SECTOR], "what came later has no place in it");
                    kinds[2] = true;
                }
            }
        }
        assert_eq!(kinds, [true; 3]);
    }

    #[test]
    fn a_sync_after_a_failed_one_writes_nothing_of_what_was_thrown_away() {
        let lost = SEEDS.filter(|&seed| {
            let mut file = synced(&[1; SECTOR]);
            file.write(0, &[2; SECTOR]);
            file.fail_to_sync(&mut StdRng::seed_from_u64(seed));
            file.sync();
            after_a_cut(file, seed) == [1; SECTOR]
        });
        assert!(lost.count() > 100);
    }
}
