//! What a client asks for over HTTP: to be let in and out, another password, a page of history.

use chat::{Error, History, Logged, Page, PasswordHash, RoomId, Seq, SessionId, Token};
use checker::{Event, Path, Whose};

use super::{Client, Following, Request, Standing, as_seen};
use crate::happening::Answer;
use crate::house::House;
use crate::shore::Shore;

impl Client {
    /// Its session may be among those that have ended.
    pub(crate) fn is_revoked(&self, ended: &[SessionId], shore: &mut Shore) {
        if self.session.as_ref().is_some_and(|(session, _)| ended.contains(session)) {
            self.note(shore, Event::Revoked { whose: Whose::Process });
        }
    }

    /// The database was put back to an earlier state, and with it the sessions that had ended since.
    pub(crate) fn is_restored(&self, shore: &mut Shore) {
        self.note(shore, Event::LoggedIn);
    }

    /// A request of its has been answered.
    pub(crate) fn gets(&mut self, number: u64, answer: Answer, shore: &mut Shore) {
        let Some(request) = self.request.take_if(|request| request.number == number) else {
            return;
        };
        match answer {
            Answer::LoggedIn(Ok(session)) => {
                self.session = Some(session);
                self.note(shore, Event::LoggedIn);
            }
            // It was logged out before: what it asked for is so.
            Answer::LoggedOut(Ok(()) | Err(Error::NotLoggedIn | Error::NotFound)) => {
                if let Some((session, _)) = &self.session {
                    let session = [*session];
                    self.is_revoked(&session, shore);
                }
                self.session = None;
            }
            Answer::LoggedIn(Err(_)) | Answer::LoggedOut(Err(_)) | Answer::Read(_, Err(_)) => {}
            Answer::PasswordChanged(Ok(token)) => {
                if let Some((_, known)) = &mut self.session {
                    *known = token;
                }
            }
            Answer::PasswordChanged(Err(error)) => {
                // Nobody knows which of the two it is now.
                let is_open = matches!(error, Error::StorageUnavailable { .. });
                if let Some(password) = request.password.filter(|_| !is_open) {
                    shore.people[self.person].passwords.retain(|known| *known != password);
                }
            }
            Answer::Read(room, Ok(history)) => self.reads(room, history, shore),
        }
    }

    fn reads(&mut self, room: RoomId, history: History, shore: &mut Shore) {
        let (epoch, head) = (history.epoch.0, history.head.0);
        self.note(shore, Event::Read { room: room.0, epoch, head });
        for Logged::Message(message) in &history.events {
            let message = as_seen(message);
            self.note(shore, Event::Heard { room: room.0, path: Path::History, message });
        }
        let following = self.rooms.iter_mut().find(|one| one.room == room);
        if let (Some(following), Some(read)) = (following, history.events.last())
            && following.place == Standing::Out
            && following.epoch == Some(history.epoch)
            && shore.nature.once_in(2)
        {
            // It shows what it has read, and goes on from there.
            following.last = following.last.max(Some(read.seq().0));
        }
    }

    pub(super) fn asks_for_history(&mut self, room: usize, shore: &mut Shore) {
        if self.request.is_some() {
            return;
        }
        let Following { room, last, .. } = self.rooms[room];
        let somewhere = Seq(shore.nature.below(1 + last.unwrap_or_default() as usize) as u64);
        let page = match shore.nature.below(3) {
            0 => Page::Newest,
            1 => Page::Before(somewhere),
            _ => Page::After(somewhere),
        };
        self.note(shore, Event::Reading { room: room.0 });
        let from = self.from();
        let Some((_, token)) = self.session.clone() else { return };
        self.requests(shore, None, move |house| async move {
            Answer::Read(room, house.history(token, from, room, page).await)
        });
    }

    pub(super) fn log_in(&mut self, shore: &mut Shore) {
        let person = &shore.people[self.person];
        let user = person.user.id;
        let password = person.passwords[shore.nature.below(person.passwords.len())].clone();
        let token = Token::from_random_bytes(shore.nature.bytes());
        self.requests(shore, None, move |house| async move {
            Answer::LoggedIn(house.log_in(user, password, token).await)
        });
    }

    pub(super) fn log_out(&mut self, shore: &mut Shore) {
        let (from, Some((_, token))) = (self.from(), self.session.clone()) else { return };
        self.requests(shore, None, move |house| async move {
            Answer::LoggedOut(house.log_out(token, from).await)
        });
    }

    pub(super) fn change_password(&mut self, shore: &mut Shore) {
        let (from, Some((_, token))) = (self.from(), self.session.clone()) else { return };
        let new_token = Token::from_random_bytes(shore.nature.bytes());
        let new = PasswordHash(format!("password {:016x}", shore.nature.number()));
        let passwords = &mut shore.people[self.person].passwords;
        let old = passwords[shore.nature.below(passwords.len())].clone();
        passwords.push(new.clone());
        self.requests(shore, Some(new.clone()), move |house| async move {
            let changed = house.change_password(token, from, (old, new), new_token).await;
            Answer::PasswordChanged(changed)
        });
    }

    fn requests<F: Future<Output = Answer> + 'static>(
        &mut self,
        shore: &mut Shore,
        password: Option<PasswordHash>,
        request: impl FnOnce(House) -> F + 'static,
    ) {
        self.requests += 1;
        let (client, number) = (self.index, self.requests);
        self.request = Some(Request { number, since: shore.nature.now(), password });
        shore.request(client, number, request);
    }
}
