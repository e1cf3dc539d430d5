//! What clients do, and what they record of it.

use checker::{Event, Message, Path, Post, Whose};
use uuid::Uuid;

use super::{Answer, Bug, Client, MILLISECOND, PAGE, Request, Standing, World, name};

impl World {
    pub(super) fn connect(&mut self, who: usize) {
        if !self.clients[who].connected {
            self.clients[who].connected = true;
            self.record(who, Event::Connected);
        }
    }

    pub(super) fn join(&mut self, who: usize, room: usize) {
        if self.clients[who].rooms[room].standing == Standing::Out {
            self.join_again(who, room);
        }
    }

    pub(super) fn join_again(&mut self, who: usize, room: usize) {
        self.connect(who);
        let seat = &mut self.clients[who].rooms[room];
        // One cursor at a time is hard enough to keep.
        if seat.standing == Standing::Asked {
            return;
        }
        (seat.wants, seat.standing) = (true, Standing::Asked);
        let (after, epoch) = (seat.after, seat.epoch);
        self.record(who, Event::Joining { room: name(room), after, epoch });
        self.clients[who].requests.push_back(Request::Join(room, after, epoch));
    }

    pub(super) fn leave(&mut self, who: usize, room: usize) {
        let client = &mut self.clients[who];
        if client.rooms[room].standing == Standing::In {
            client.rooms[room].standing = Standing::Asked;
            client.requests.push_back(Request::Leave(room));
        }
    }

    pub(super) fn send(&mut self, who: usize, room: usize) {
        if self.clients[who].rooms[room].standing == Standing::In {
            self.sent += 1;
            let client_id = Uuid::from_u128(self.sent.into());
            self.invoke(who, Post { room: name(room), client_id, body: self.sent });
        }
    }

    pub(super) fn send_again(&mut self, who: usize) {
        if self.clients[who].connected
            && let Some(post) = self.clients[who].unknown.pop()
        {
            self.invoke(who, post);
        }
    }

    pub(super) fn invoke(&mut self, who: usize, post: Post) {
        self.record(who, Event::Invoke { post });
        self.clients[who].asked.push(post);
        self.clients[who].requests.push_back(Request::Send(post));
    }

    /// The client hears one thing.
    pub(super) fn receive(&mut self, who: usize, how: u8) {
        let Some(answer) = self.clients[who].answers.pop_front() else { return };
        let client = &mut self.clients[who];
        let event = match answer {
            Answer::Message(room, message) => {
                let seat = &mut client.rooms[room];
                seat.after = Some(message.seq);
                let path = if seat.standing == Standing::In { Path::Live } else { Path::Resume };
                Event::Heard { room: name(room), path, message }
            }
            Answer::Resync(room, epoch, head) => {
                (client.rooms[room].after, client.rooms[room].epoch) = (None, None);
                Event::Resync { room: name(room), epoch, head, reason: String::new() }
            }
            Answer::Joined(room, epoch, head) => {
                let seat = &mut client.rooms[room];
                (seat.standing, seat.epoch) = (Standing::In, Some(epoch));
                seat.after.get_or_insert(head);
                Event::Joined { room: name(room), epoch, head }
            }
            Answer::Left(room) => {
                let seat = &mut client.rooms[room];
                (seat.wants, seat.standing) = (false, Standing::Out);
                Event::Left { room: name(room) }
            }
            Answer::Ok(post, Message { seq, id, at, .. }) => {
                client.forget(&post);
                // Now and then the answer gets lost, and is asked for again.
                if how.is_multiple_of(16) {
                    client.unknown.push(post);
                }
                Event::Ok { post, seq, id, at }
            }
            Answer::Fail(post) => {
                client.forget(&post);
                client.unknown.push(post);
                Event::Fail { post, code: "not_in_room".to_owned() }
            }
        };
        self.record(who, event);
    }

    pub(super) fn ask_for_page(&mut self, who: usize, room: usize) {
        if self.clients[who].page.is_some() || !self.clients[who].connected {
            return;
        }
        self.record(who, Event::Reading { room: name(room) });
        let mut log = self.logs[room].clone();
        if self.has(Bug::ShowsOldPages) {
            log.pop();
        }
        let head = log.last().map_or(0, |last| last.seq);
        let page = log.split_off(log.len().saturating_sub(PAGE));
        self.clients[who].page = Some((room, self.epoch, head, page));
    }

    pub(super) fn turn_page(&mut self, who: usize) {
        let Some((room, epoch, head, page)) = self.clients[who].page.take() else { return };
        let room = name(room);
        self.record(who, Event::Read { room, epoch, head });
        for message in page {
            self.record(who, Event::Heard { room, path: Path::History, message });
        }
    }

    /// The connection breaks. What was sent may have arrived.
    pub(super) fn lose(&mut self, who: usize, how: u8) {
        for _ in 0..how % 4 {
            self.handle(who, how);
        }
        self.cut(who);
    }

    pub(super) fn cut(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if !client.connected {
            return;
        }
        client.connected = false;
        client.requests.clear();
        client.answers.clear();
        client.page = None;
        for seat in &mut client.rooms {
            (seat.standing, seat.member) = (Standing::Out, false);
            if seat.epoch.is_none() {
                seat.after = None;
            }
        }
        let asked = std::mem::take(&mut client.asked);
        client.unknown.extend(&asked);
        self.record(who, Event::Lost { reason: String::new() });
        for post in asked {
            self.record(who, Event::Info { post });
        }
    }

    pub(super) fn revoke(&mut self, who: usize, how: u8) {
        self.record(who, Event::Revoked { whose: Whose::Process });
        if self.has(Bug::GoesOnAfterRevocation) {
            self.now += 2_000 * MILLISECOND;
            for _ in 0..how % 8 {
                self.handle(who, how);
                self.receive(who, how);
            }
        } else {
            self.receive(who, how);
            self.now += 1_000 * MILLISECOND;
        }
        self.cut(who);
        self.record(who, Event::LoggedIn);
    }
}

impl Client {
    fn forget(&mut self, post: &Post) {
        if let Some(index) = self.asked.iter().position(|asked| asked == post) {
            self.asked.swap_remove(index);
        }
    }
}
