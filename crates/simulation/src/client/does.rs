//! What a client does on its connection: it talks, joins, leaves, looks around, and goes.

use chat::wire::{InRoom, Join, Nothing, Say};
use chat::{ClientId, RoomId, Seq};
use checker::{Event, Post};
use serde::Serialize;
use volley::CloseReason;

use super::{Asked, Client, Following, MOST_PENDING, Standing, Wish, post, words};
use crate::plan::Trouble;
use crate::shore::Shore;
use crate::wire::Line;

impl Client {
    /// Says again, on this client, what another client of the same person has said.
    pub(crate) fn says_too(&mut self, post: Post, shore: &mut Shore) {
        let is_in = |room: &Following| room.room.0 == post.room && room.place == Standing::In;
        if let Some(line) = self.line.clone()
            && self.rooms.iter().any(is_in)
        {
            self.says(&line, post, shore);
        }
    }

    pub(super) fn plays(&mut self, line: &Line, shore: &mut Shore) -> Option<Wish> {
        if shore.nature.once_in(shore.plan.revokes_once_in) && self.request.is_none() {
            if shore.nature.once_in(2) {
                self.log_out(shore);
            } else {
                self.change_password(shore);
            }
            return None;
        }
        if shore.nature.below(10) < shore.plan.talkativeness {
            return self.talks(line, shore);
        }
        let room = shore.nature.below(self.rooms.len());
        match (shore.nature.below(12), self.rooms[room].place) {
            (0..=5, Standing::Out) => self.joins(line, room, shore),
            (0, Standing::In) => self.leaves(line, room, shore),
            (1, Standing::In) => {
                self.joins(line, room, shore);
                // A server that is too full for an answer would leave it open which of the two was answered.
                if shore.nature.once_in(4) && !shore.plan.has(Trouble::Overload) {
                    self.joins(line, room, shore);
                }
            }
            (2, Standing::In) => {
                let payload = InRoom { room: self.rooms[room].room };
                self.emits(line, "heartbeat", &payload, Asked::Else, shore);
            }
            (3, _) => self.emits(line, "watch_rooms", &Nothing {}, Asked::Else, shore),
            (4, _) => self.emits(line, "unwatch_rooms", &Nothing {}, Asked::Else, shore),
            (5 | 6, _) => self.asks_for_history(room, shore),
            (7, _) if shore.nature.once_in(8) => {
                let politely = shore.nature.once_in(2);
                let reason = if politely {
                    CloseReason::ClientDisconnect
                } else {
                    CloseReason::TransportClosed
                };
                self.hangs_up(shore, reason);
            }
            _ => {}
        }
        None
    }

    /// Joins every room, and says what is still to be said.
    pub(super) fn catches_up(&mut self, line: &Line, shore: &mut Shore) {
        for room in 0..self.rooms.len() {
            if self.rooms[room].place == Standing::Out {
                self.joins(line, room, shore);
            }
        }
        self.repeats(line, shore);
    }

    fn talks(&mut self, line: &Line, shore: &mut Shore) -> Option<Wish> {
        self.repeats(line, shore);
        let room = shore.nature.below(self.rooms.len());
        let outburst = if shore.nature.once_in(10) { MOST_PENDING } else { 1 };
        let mut wish = None;
        for _ in self.pending.len()..outburst.max(self.pending.len() + 1).min(MOST_PENDING) {
            wish = self.says_something(line, room, shore);
        }
        wish
    }

    fn says_something(&mut self, line: &Line, room: usize, shore: &mut Shore) -> Option<Wish> {
        let room = &self.rooms[room];
        if room.place != Standing::In {
            return None;
        }
        let (post, _) = post(room.room, &shore.nature);
        self.pending.push_back(post);
        self.says(line, post, shore);
        if shore.nature.once_in(8) {
            self.says(line, post, shore);
        }
        shore.nature.once_in(8).then_some(Wish::SaidByAnother(post))
    }

    /// Says again what waits for its ack, unless that may still come.
    fn repeats(&mut self, line: &Line, shore: &mut Shore) {
        for post in self.pending.clone() {
            let waits = |(_, asked): &(u64, Asked)| matches!(asked, Asked::Message(other) if other.client_id == post.client_id);
            let is_in = |room: &Following| room.room.0 == post.room && room.place == Standing::In;
            if !self.asked.values().any(waits) && self.rooms.iter().any(is_in) {
                self.says(line, post, shore);
            }
        }
    }

    fn says(&mut self, line: &Line, post: Post, shore: &mut Shore) {
        self.note(shore, Event::Invoke { post });
        let body = words(post.client_id);
        let say = Say { room: RoomId(post.room), client_id: ClientId(post.client_id), body };
        self.emits(line, "message", &say, Asked::Message(post), shore);
    }

    pub(super) fn joins(&mut self, line: &Line, index: usize, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        let (mut after, mut epoch) = (room.last, room.epoch);
        if epoch.is_none() || after.is_none() || (!shore.is_healing && shore.nature.once_in(10)) {
            (after, epoch) = (None, None);
        } else if !shore.is_healing && shore.nature.once_in(6) {
            // Further back than it needs.
            let back = [200, 2000][shore.nature.below(2)];
            let back = shore.nature.below(back) as u64;
            after = after.map(|after| after.saturating_sub(back));
        }
        if after.is_none() {
            // What it hears from now on belongs to a life of the log that it learns with the answer.
            (room.last, room.epoch) = (None, None);
        }
        room.place = match room.place {
            Standing::Joining(joins) => Standing::Joining(joins + 1),
            Standing::Out | Standing::In | Standing::Leaving => Standing::Joining(1),
        };
        let room = room.room;
        let joining = Event::Joining { room: room.0, after, epoch: epoch.map(|epoch| epoch.0) };
        self.note(shore, joining);
        let join = Join { room, after: after.map(Seq), epoch };
        self.emits(line, "join", &join, Asked::Join(index), shore);
    }

    fn leaves(&mut self, line: &Line, index: usize, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        room.place = Standing::Leaving;
        let payload = InRoom { room: room.room };
        self.emits(line, "leave", &payload, Asked::Leave(index), shore);
    }

    fn emits<T: Serialize>(
        &mut self,
        line: &Line,
        name: &'static str,
        payload: &T,
        asked: Asked,
        shore: &mut Shore,
    ) {
        let payload = serde_json::to_string(payload).expect("a payload can be written as JSON");
        self.asks += 1;
        self.asked.insert(self.asks, (shore.nature.now(), asked));
        line.say(name, payload.into(), self.asks);
    }
}
