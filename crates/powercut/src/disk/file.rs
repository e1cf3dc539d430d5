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
