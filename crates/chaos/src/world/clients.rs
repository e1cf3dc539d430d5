//! The clients of a world: how they come, and how all of them are cut off.

use anyhow::Result;
use rand::RngExt;
use tokio::sync::mpsc;

use super::World;
use crate::client::{Habits, Role, Twin};
use crate::crowd::Crowd;
use crate::web::Person;
use crate::wire::RoomId;

/// Messages that a client passes to its twin and that the twin has not taken. Past it the twin is left alone.
const BETWEEN_TWINS: usize = 16;

/// Somebody with a session that is to end.
pub(crate) struct Guest {
    /// Whoever it is, in that session.
    pub(crate) person: Person,
    /// Their clients.
    pub(crate) crowd: Crowd,
    /// And the numbers of those.
    pub(crate) numbers: Vec<u32>,
}

impl World {
    /// Everybody comes with so many clients, each into some rooms, and begins to talk.
    pub(crate) async fn gather(&mut self, habits: &Habits) -> Result<()> {
        self.gather_some(self.people.len(), habits).await
    }

    /// Some come with so many clients, each into some rooms, and begin to talk.
    pub(crate) async fn gather_some(&mut self, people: usize, habits: &Habits) -> Result<()> {
        for index in 0..people {
            for _ in 0..self.size.clients {
                let (person, rooms) = (self.people[index].clone(), self.some_rooms());
                self.add(person, rooms, habits, None);
            }
        }
        self.wait_until_all_are_here().await
    }

    /// Everybody comes with two clients that say the same.
    pub(crate) async fn gather_twins(&mut self, habits: &Habits) -> Result<()> {
        for person in self.people.clone() {
            let rooms = self.some_rooms();
            let (one, other) = (mpsc::channel(BETWEEN_TWINS), mpsc::channel(BETWEEN_TWINS));
            let twin = Twin { tell: one.0, told: other.1 };
            self.add(person.clone(), rooms.clone(), habits, Some(twin));
            let twin = Twin { tell: other.0, told: one.1 };
            self.add(person, rooms, habits, Some(twin));
        }
        self.wait_until_all_are_here().await
    }

    /// One client more.
    fn add(&mut self, person: Person, rooms: Vec<RoomId>, habits: &Habits, twin: Option<Twin>) {
        let role = self.role(person, rooms, habits, twin);
        self.crowd.add(role, &self.history, &self.web);
    }

    fn role(
        &mut self,
        person: Person,
        rooms: Vec<RoomId>,
        habits: &Habits,
        twin: Option<Twin>,
    ) -> Role {
        self.clients += 1;
        Role { number: self.clients, seed: self.seed, person, rooms, habits: habits.clone(), twin }
    }

    /// Somebody logs in once more, and comes with these clients, each into some rooms.
    pub(crate) async fn welcome_guest(&mut self, clients: &[Habits]) -> Result<Guest> {
        let host = self.draws.random_range(0..self.people.len());
        let person = self.web.log_in(&self.people[host].name).await?;
        let mut crowd = Crowd::new(self.doors.people);
        let mut numbers = Vec::new();
        for habits in clients {
            let rooms = self.some_rooms();
            let role = self.role(person.clone(), rooms, habits, None);
            numbers.push(role.number);
            crowd.add(role, &self.history, &self.web);
        }
        crowd.wait(|muster| muster.here, 100, self.scale.patience).await?;
        Ok(Guest { person, crowd, numbers })
    }

    /// Waits until all clients are in all their rooms.
    pub(crate) async fn wait_until_all_are_here(&self) -> Result<()> {
        self.crowd.wait(|muster| muster.here, 100, self.scale.patience).await
    }

    /// Waits until no client is in all its rooms.
    pub(crate) async fn wait_until_all_are_away(&self) -> Result<()> {
        let all = self.crowd.size();
        self.crowd.wait(|muster| all - muster.here, 100, self.scale.patience).await
    }

    /// Cuts every connection, from the clients' side and without a word, and waits until that is done.
    pub(crate) async fn cut_all(&self) -> Result<()> {
        self.history.fault("every connection is cut");
        let all = self.crowd.size() as u64;
        self.history.figures(|figures| figures.cuts += all);
        self.crowd.cut();
        let cut = self.crowd.wait(|muster| muster.cut, 100, self.scale.patience).await;
        self.history.healed();
        cut
    }

    fn some_rooms(&mut self) -> Vec<RoomId> {
        let count = self.size.rooms_each;
        let first = self.draws.random_range(0..self.rooms.len());
        (0..count).map(|step| self.rooms[(first + step) % self.rooms.len()]).collect()
    }
}
