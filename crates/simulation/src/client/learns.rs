//! What a client learns on its connection: what it is told, and how it is answered.

use std::time::Duration;

use chat::wire::{Ack, Done, Joined, Sent};
use checker::{Event, Path, Post};
use serde::de::DeserializeOwned;

use super::{Asked, Client, Standing, nanos};
use crate::decoder::Told;
use crate::shore::Shore;

impl Client {
    pub(super) fn is_told(&mut self, told: Told, shore: &mut Shore) {
        match told {
            Told::Message(room, message) => {
                let Some(following) = self.rooms.iter_mut().find(|one| one.room == room) else {
                    return;
                };
                let path = match following.place {
                    Standing::Joining(_) => Path::Resume,
                    _ => Path::Live,
                };
                // What it has it ignores; a gap is the checker's business.
                if following.last.is_none_or(|last| message.seq == last + 1) {
                    following.last = Some(message.seq);
                }
                self.note(shore, Event::Heard { room: room.0, path, message });
            }
            Told::Resync(resync) => {
                let room = self.rooms.iter_mut().find(|one| one.room == resync.room);
                if let Some(room) = room {
                    (room.epoch, room.last) = (Some(resync.epoch), None);
                }
                let reason = format!("{:?}", resync.reason);
                let (epoch, head) = (resync.epoch.0, resync.head.0);
                self.note(shore, Event::Resync { room: resync.room.0, epoch, head, reason });
            }
            Told::Draining { retry_after_ms } => {
                let after = Duration::from_millis(retry_after_ms);
                self.connects_at = shore.nature.now() + nanos(after);
            }
            Told::Else => {}
        }
    }

    pub(super) fn is_answered(&mut self, number: u64, answer: &str, shore: &mut Shore) {
        let Some((_, asked)) = self.asked.remove(&number) else {
            shore.recorder.note_strange(format!("answer {number} to client {}", self.index + 1));
            return;
        };
        match asked {
            Asked::Join(room) => match read::<Joined>(answer) {
                Ok(joined) => self.has_joined(room, &joined, shore),
                Err(code) => self.has_not_joined(room, &code, shore),
            },
            Asked::Leave(room) => {
                let left = read::<Done>(answer);
                let following = &mut self.rooms[room];
                if left.is_ok() {
                    following.place = Standing::Out;
                    let room = following.room.0;
                    self.note(shore, Event::Left { room });
                } else {
                    following.place = Standing::In;
                }
            }
            Asked::Message(post) => self.has_said(post, read::<Sent>(answer), shore),
            Asked::Else => {}
        }
    }

    fn has_joined(&mut self, index: usize, joined: &Joined, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        room.place = match room.place {
            Standing::Joining(joins) if joins > 1 => Standing::Joining(joins - 1),
            _ => Standing::In,
        };
        room.epoch = Some(joined.epoch);
        room.last = Some(room.last.unwrap_or_default().max(joined.head.0));
        let room = room.room.0;
        let (epoch, head) = (joined.epoch.0, joined.head.0);
        self.note(shore, Event::Joined { room, epoch, head });
    }

    fn has_not_joined(&mut self, index: usize, code: &str, shore: &mut Shore) {
        if code == "internal" {
            shore.recorder.note_strange("a join is answered with `internal`".to_owned());
        }
        let room = &mut self.rooms[index];
        room.place = match room.place {
            Standing::Joining(joins) if joins > 1 => Standing::Joining(joins - 1),
            _ => Standing::Out,
        };
        let room = room.room.0;
        self.note(shore, Event::Left { room });
    }

    fn has_said(&mut self, post: Post, sent: Result<Sent, String>, shore: &mut Shore) {
        match sent {
            Ok(Sent { seq, id, at }) => {
                self.pending.retain(|other| other.client_id != post.client_id);
                let (seq, id, at) = (seq.0, id.0.cast_unsigned(), at.0);
                self.note(shore, Event::Ok { post, seq, id, at });
            }
            Err(code) if code == "storage_unavailable" => {
                self.note(shore, Event::Info { post });
            }
            Err(code) => {
                if matches!(&*code, "internal" | "idempotency_conflict" | "bad_request") {
                    shore.recorder.note_strange(format!("a message is answered with `{code}`"));
                }
                self.note(shore, Event::Fail { post, code });
            }
        }
    }
}

/// What an answer says, or the word for why not.
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    match serde_json::from_str(answer).expect("an answer is what the catalogue says") {
        Ack::Ok(done) => Ok(done),
        Ack::Error(error) => Err(error.code),
    }
}
