//! What people do with the store, whatever befalls them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chat::Store;
use rand::RngExt;
use rusqlite::{Connection, OpenFlags};
use server::store::Sqlite;
use tokio::time::{interval, timeout};

use super::people::{Deed, Outcome};
use super::{AGAIN, Trial, Violation, is_worth_a_retry, violated};
use crate::{Call, VFS};

/// A test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most things that are asked for at once.
const CROWD: usize = 5;

/// What must go on while something is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    GoesOn,
    MayFail,
}

impl Trial<'_> {
    /// People use the store.
    pub(super) async fn live(
        &mut self,
        store: &Arc<Sqlite>,
        steps: u64,
        reading: Reading,
    ) -> Result<(), Violation> {
        for _ in 0..steps {
            if self.disk.struck().is_some() {
                return Ok(());
            }
            match self.random.random_range(0..10) {
                0 => self.come_or_leave(),
                1 if !self.people.rooms.is_empty() => self.look(store, reading).await?,
                _ => self.crowd(store).await?,
            }
        }
        Ok(())
    }

    /// Some things are asked for at once, and become one transaction.
    async fn crowd(&mut self, store: &Arc<Sqlite>) -> Result<(), Violation> {
        let size = self.random.random_range(1..=CROWD);
        let deeds: Vec<Deed> = (0..size).map(|_| self.people.next()).collect();
        let refused = self.ask(store, deeds).await?;
        if refused && !self.disk.fails_for_good() {
            self.until_it_works_or_strikes(store).await?;
        }
        // The writer tidies up when it has answered, and takes this when it has done so.
        let _ = store.check().await;
        Ok(())
    }

    /// Returns whether any was refused.
    async fn ask(&mut self, store: &Arc<Sqlite>, deeds: Vec<Deed>) -> Result<bool, Violation> {
        let hold = (deeds.len() > 1).then(|| self.disk.hold());
        // The writer takes this one, stands before the disk, and finds all the others when it comes back.
        let mut first = Box::pin(store.check());
        if let Some(hold) = &hold
            && !is_done(&mut first)
        {
            hold.until_somebody_waits();
        }
        let mut asked: Vec<_> = deeds.into_iter().map(|deed| Box::pin(deed.ask(store))).collect();
        let answers: Vec<_> = asked.iter_mut().map(poll).collect();
        drop(hold);
        let mut refused = false;
        for (asked, answer) in asked.into_iter().zip(answers) {
            let answer = match answer {
                Some(answer) => answer,
                None => asked.await,
            };
            self.report.asked += 1;
            match self.people.learn(answer)? {
                Outcome::Acked => self.report.acked += 1,
                Outcome::Refused => refused = true,
            }
        }
        self.report.refused += u64::from(refused);
        Ok(refused)
    }

    async fn look(&mut self, store: &Arc<Sqlite>, reading: Reading) -> Result<(), Violation> {
        let rooms = &self.people.rooms;
        let room = rooms[self.random.random_range(0..rooms.len())].id;
        let was_read = self.witness.look(store, room).await;
        if !was_read && reading == Reading::GoesOn {
            return violated("Reading does not go on.".to_owned());
        }
        Ok(())
    }

    /// Somebody begins to read and stays, or has read enough.
    fn come_or_leave(&mut self) {
        if self.visitor.is_some() {
            return self.leave();
        }
        let begun = || -> rusqlite::Result<_> {
            let file = self.folder.join("parlor.db");
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let db = Connection::open_with_flags_and_vfs(file, flags, VFS)?;
            db.execute_batch("BEGIN")?;
            let events = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
            Ok((db, events))
        };
        // It may fail as anything may; who visits is no promise of ours.
        self.visitor = begun().ok();
    }

    pub(super) fn leave(&mut self) {
        let Some((db, events)) = self.visitor.take() else { return };
        let now = db.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
        if now.is_ok_and(|now| now != events) {
            self.witness.seen().amiss.push("A reader's view has changed.".to_owned());
        }
    }

    /// What was acked gets the same answer again; what was not is stored now, if it was not before.
    pub(super) async fn send_all_again(&mut self, store: &Arc<Sqlite>) -> Result<(), Violation> {
        let all: Vec<_> = (0..self.people.messages.len()).collect();
        for some in all.chunks(CROWD) {
            let deeds = some.iter().map(|&number| self.people.send_again(number)).collect();
            if self.ask(store, deeds).await? {
                return violated("It refuses to work in fair weather.".to_owned());
            }
        }
        Ok(())
    }

    pub(super) async fn until_it_works(&mut self, store: &Sqlite) -> Result<(), Violation> {
        let trying = async {
            let mut ticks = interval(AGAIN);
            while let Err(error) = store.check().await {
                if !is_worth_a_retry(&error.into()) {
                    return violated(format!("It does not recover: {error}."));
                }
                // What a sync may have thrown away has to be moved again, and all of it: that can wait for whoever reads
                // an old state.
                if self.disk.failed().keys().any(|(call, _)| *call == Call::Sync) {
                    self.leave();
                }
                ticks.tick().await;
            }
            Ok(())
        };
        let recovered = timeout(PATIENCE, trying).await;
        recovered.unwrap_or_else(|_| violated("It does not recover.".to_owned()))
    }

    async fn until_it_works_or_strikes(&mut self, store: &Sqlite) -> Result<(), Violation> {
        let disk = self.disk.clone();
        let struck = async move {
            let mut ticks = interval(AGAIN);
            while disk.struck().is_none() {
                ticks.tick().await;
            }
            Ok(())
        };
        tokio::select! {
            works = self.until_it_works(store) => works,
            struck = struck => struck,
        }
    }
}

/// Gives what is asked to whoever is to answer it.
fn poll<F: Future>(asked: &mut Pin<Box<F>>) -> Option<F::Output> {
    match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn is_done<F: Future>(asked: &mut Pin<Box<F>>) -> bool {
    poll(asked).is_some()
}
