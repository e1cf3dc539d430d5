//! Histories in words, one thing on each line.
//!
//! A message is a word. Its author is whoever sends it; what nobody sends is carol's. Its text is the
//! word, unless another one follows after a `/`. It is stored at ten times its number, unless the word ends with `@` and
//! a time; its number on the server is a tenth of that.

use std::collections::HashMap;
use std::time::Duration;

use checker::{Event, Limits, Message, Moment, Path, Post, Record, Source, Whose, digest};
use uuid::Uuid;

const MILLISECOND: u64 = 1_000_000;
const CAROL: u64 = 3;

/// The lines of a story.
#[derive(Debug, Clone)]
pub(crate) struct Story(Vec<String>);

impl Story {
    pub(crate) fn new(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        Self(lines.filter(|line| !line.is_empty()).collect())
    }

    /// The same with lines in place of one that is there once.
    #[must_use]
    pub(crate) fn with(mut self, line: &str, instead: &[&str]) -> Self {
        let here = self.find(line);
        self.0.splice(here..=here, instead.iter().map(|&line| line.to_owned()));
        self
    }

    /// The same without a line that is there once.
    #[must_use]
    pub(crate) fn without(self, line: &str) -> Self {
        self.with(line, &[])
    }

    /// The same with two lines in each other's place.
    #[must_use]
    pub(crate) fn swapped(mut self, one: &str, other: &str) -> Self {
        let (one, other) = (self.find(one), self.find(other));
        self.0.swap(one, other);
        self
    }

    fn find(&self, line: &str) -> usize {
        let mut places = self.0.iter().enumerate().filter(|(_, one)| *one == line);
        let (place, _) = places.next().unwrap_or_else(|| panic!("no line {line:?}"));
        assert!(places.next().is_none(), "{line:?} is there twice");
        place
    }

    /// One record for each line, a millisecond apart. `wait` passes more of them.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut teller = Teller::default();
        self.0.iter().filter_map(|line| teller.record(line)).collect()
    }
}

#[derive(Default)]
struct Teller {
    at_ns: u64,
    authors: HashMap<String, u64>,
}

impl Teller {
    fn record(&mut self, line: &str) -> Option<Record> {
        self.at_ns += MILLISECOND;
        let mut words: Vec<&str> = line.split(' ').collect();
        let room = match words[..] {
            [.., "in", room] => {
                words.truncate(words.len() - 2);
                the_room(room)
            }
            _ => the_room("kitchen"),
        };
        if let ["wait", milliseconds] = words[..] {
            self.at_ns += number(milliseconds) * MILLISECOND;
            return None;
        }
        let (process, user) = match words[0] {
            "test" => (0, 0),
            "alice" => (1, 1),
            "bob" => (2, 2),
            "carol" => (3, CAROL),
            "alice's-phone" => (4, 1),
            nobody => panic!("who is {nobody}?"),
        };
        let event = self.event(user, room, &words[1..]);
        Some(Record { at_ns: self.at_ns, process, user, event })
    }

    fn event(&mut self, user: u64, room: Uuid, words: &[&str]) -> Event {
        let ours = || "test".to_owned();
        match *words {
            ["sends", word] => {
                self.authors.insert(name(word).to_owned(), user);
                Event::Invoke { post: post(room, word) }
            }
            ["acked", word, seq] => {
                let Message { seq, id, at, .. } = self.message(seq, word);
                Event::Ok { post: post(room, word), seq, id, at }
            }
            ["refused", word] => Event::Fail { post: post(room, word), code: ours() },
            ["unknown", word] => Event::Info { post: post(room, word) },
            ["logs-in"] => Event::LoggedIn,
            ["connects"] => Event::Connected,
            ["loses-connection"] => Event::Lost { reason: ours() },
            ["ends"] => Event::Gone,
            ["joins"] => Event::Joining { room, after: None, epoch: None },
            ["joins", "after", after] => {
                Event::Joining { room, after: Some(number(after)), epoch: None }
            }
            ["joins", "after", after, "of", epoch] => {
                Event::Joining { room, after: Some(number(after)), epoch: Some(number(epoch)) }
            }
            ["resync", head, "of", epoch] => {
                let (epoch, head) = (number(epoch), number(head));
                Event::Resync { room, epoch, head, reason: ours() }
            }
            ["joined", head, "of", epoch] => {
                Event::Joined { room, epoch: number(epoch), head: number(head) }
            }
            ["left"] => Event::Left { room },
            ["hears", seq, word] => self.heard(room, Path::Live, seq, word),
            ["resumes", seq, word] => self.heard(room, Path::Resume, seq, word),
            ["finds", seq, word] => self.heard(room, Path::History, seq, word),
            ["asks-for-history"] => Event::Reading { room },
            ["reads", head, "of", epoch] => {
                Event::Read { room, epoch: number(epoch), head: number(head) }
            }
            ["revoked"] => Event::Revoked { whose: Whose::Process },
            ["revoked-everywhere"] => Event::Revoked { whose: Whose::User },
            ["breaks", what] => Event::Fault { what: what.to_owned() },
            ["heals"] => Event::Healed,
            ["restores", since] => Event::Restored { since_ns: number(since) * MILLISECOND },
            ["uses", moment, memory, descriptors, tasks] => Event::Resources {
                moment: if moment == "before" { Moment::Baseline } else { Moment::After },
                memory_bytes: number(memory) << 20,
                descriptors: number(descriptors),
                tasks: number(tasks),
            },
            ["surprised", what] => Event::Surprise { what: what.to_owned() },
            ["allows-acks", milliseconds] => {
                let ack = Duration::from_millis(number(milliseconds));
                Event::Limits { limits: Limits { ack, ..Limits::default() } }
            }
            ["reads-all", head, "of", epoch] => all(room, epoch, head, Source::Http),
            ["opens-all", head, "of", epoch] => all(room, epoch, head, Source::Database),
            ["row", seq, word] => Event::Row { room, message: self.message(seq, word) },
            _ => panic!("what is {words:?}?"),
        }
    }

    fn heard(&self, room: Uuid, path: Path, seq: &str, word: &str) -> Event {
        Event::Heard { room, path, message: self.message(seq, word) }
    }

    fn message(&self, seq: &str, word: &str) -> Message {
        let seq = number(seq);
        let Post { client_id, body, .. } = post(Uuid::nil(), word);
        let at = word.split_once('@').map_or(seq * 10, |(_, at)| number(at));
        let author = *self.authors.get(name(word)).unwrap_or(&CAROL);
        Message { seq, id: at / 10, client_id, author, body, at: at.cast_signed() }
    }
}

fn all(room: Uuid, epoch: &str, head: &str, source: Source) -> Event {
    Event::Final { room, epoch: number(epoch), head: number(head), source }
}

fn post(room: Uuid, word: &str) -> Post {
    let text = word.split_once('/').map_or(name(word), |(_, text)| text);
    let client_id = Uuid::from_u128(digest(name(word)).into());
    Post { room, client_id, body: digest(text) }
}

fn name(word: &str) -> &str {
    word.split(['@', '/']).next().unwrap_or(word)
}

fn the_room(name: &str) -> Uuid {
    Uuid::from_u128(digest(name).into())
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word} is no number"))
}
