//! What the server does, with its bug if it has one.

use checker::{Event, Message, Post};
use uuid::Uuid;

use super::{Answer, Bug, MILLISECOND, PAGE, Request, USERS, World, name};

impl World {
    /// The server deals with one request.
    pub(super) fn handle(&mut self, who: usize, how: u8) {
        let epoch = self.epoch;
        match self.clients[who].requests.pop_front() {
            None => {}
            Some(Request::Join(room, after, given)) => {
                self.clients[who].rooms[room].member = false;
                let log = self.logs[room].clone();
                let head = log.last().map_or(0, |last| last.seq);
                let other = given.is_some_and(|given| given != epoch);
                let start = match after {
                    Some(_) if other && self.has(Bug::HidesTheResync) => log.len(),
                    Some(after) if other || after > head => {
                        self.answer(who, Answer::Resync(room, epoch, head));
                        log.len().saturating_sub(PAGE)
                    }
                    Some(after) => log.partition_point(|message| message.seq <= after),
                    None => log.len().saturating_sub(PAGE),
                };
                let mut told = log[start..].to_vec();
                if self.has(Bug::ForgetsOne) && told.len() > 1 {
                    told.remove(usize::from(how) % told.len());
                }
                if self.has(Bug::TellsNewestFirst) {
                    told.reverse();
                }
                for message in told {
                    self.answer(who, Answer::Message(room, message));
                }
                self.answer(who, Answer::Joined(room, epoch, head));
                self.clients[who].rooms[room].member = true;
            }
            Some(Request::Leave(room)) => {
                self.clients[who].rooms[room].member = false;
                self.answer(who, Answer::Left(room));
            }
            Some(Request::Send(post)) => self.store(who, post, how),
        }
    }

    pub(super) fn store(&mut self, who: usize, post: Post, how: u8) {
        let room = usize::from(post.room != name(0));
        if !self.clients[who].rooms[room].member {
            return self.answer(who, Answer::Fail(post));
        }
        let known = self.logs[room].iter().find(|message| message.client_id == post.client_id);
        if let Some(known) = known.copied()
            && !self.has(Bug::StoresTwice)
        {
            return self.answer(who, Answer::Ok(post, known));
        }
        let now = self.now.cast_signed() / 1_000_000;
        let last = self.logs[room].last().copied();
        let mut message = Message {
            seq: last.map_or(0, |last| last.seq) + 1,
            id: self.logs.iter().map(|log| log.len() as u64).sum(),
            client_id: post.client_id,
            author: USERS[who],
            body: post.body,
            at: last.map_or(now, |last| last.at.max(now)),
        };
        let rarely = how.is_multiple_of(4);
        match self.bug {
            Some(Bug::AcksAndForgets) if rarely => {
                return self.answer(who, Answer::Ok(post, message));
            }
            Some(Bug::Invents) if rarely => message.client_id = Uuid::from_u128(u128::MAX),
            Some(Bug::SkipsNumbers) if rarely => message.seq += 1,
            Some(Bug::TurnsBackTheClock) if rarely => message.at -= 1_000,
            Some(Bug::PutsBefore) if rarely && last.is_some() => {
                // It takes the number of the last one, which nobody is told of.
                let log = &mut self.logs[room];
                message.seq -= 1;
                let mut moved = log.pop().unwrap();
                moved.seq += 1;
                log.extend([message, moved]);
                return self.answer(who, Answer::Ok(post, message));
            }
            _ => {}
        }
        self.logs[room].push(message);
        for member in 0..USERS.len() {
            let mut message = message;
            if !self.clients[member].rooms[room].member {
                continue;
            }
            match self.bug {
                Some(Bug::TellsOthersElse) if rarely && member != who => message.body += 1,
                Some(Bug::TellsTwice) if rarely => {
                    self.answer(member, Answer::Message(room, message));
                }
                Some(Bug::ForgetsMembers) if rarely && member != who => {
                    self.clients[member].rooms[room].member = false;
                    continue;
                }
                _ => {}
            }
            self.answer(member, Answer::Message(room, message));
        }
        self.answer(who, Answer::Ok(post, message));
    }

    pub(super) fn answer(&mut self, who: usize, answer: Answer) {
        if self.clients[who].connected {
            self.clients[who].answers.push_back(answer);
        }
    }

    pub(super) fn restore(&mut self) {
        let Some((since_ns, logs)) = self.backup.clone() else { return };
        for who in 0..USERS.len() {
            self.cut(who);
        }
        self.now += MILLISECOND;
        self.logs = logs;
        self.epoch += u64::from(!self.has(Bug::RestoresInSilence));
        self.note(Event::Restored { since_ns });
        self.now += MILLISECOND;
    }
}
