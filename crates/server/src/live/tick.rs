//! What happens by and by: changes among people and rooms are told in batches, activity is noted in the database in
//! larger ones, rooms that nobody is in are closed, sessions that nobody can use any more are removed. When nothing has
//! happened, nothing happens here.

use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use chat::{Activity, Error, SESSION_IDLE, SESSION_LIFETIME, SessionId, Store, Timestamp};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Live;
use super::engine::Engine;
use super::room::OpenRoom;

/// How often changes are looked at while there are any. Short enough to be "at once" for somebody who watches.
const TICK: Duration = Duration::from_millis(100);
/// How long activity may stay in memory alone. A crash forgets no more than this of when people were last active.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether there is something to save when nothing has stirred.
const QUIET: Duration = Duration::from_mins(1);
/// Rows of activity in one transaction, a room's worth more or less, so that a message does not wait long behind them.
const MOST_SAVED: usize = 2000;

/// Activity of some rooms, to be saved together.
struct Batch<E: Engine> {
    rooms: Vec<(Arc<OpenRoom<E>>, Vec<Activity>)>,
    rows: usize,
}

impl<S: Store, E: Engine> Live<S, E> {
    /// Does by and by what is to be done, for as long as the server runs.
    pub async fn tick(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut save_at = self.clock.monotonic() + SAVE_EVERY;
        loop {
            // Sessions are also used without anything stirring here: by requests over HTTP.
            let _ = timeout(QUIET, self.stirred()).await;
            while self.tick_once(&mut save_at).await {
                ticks.tick().await;
            }
        }
    }

    /// Resolves when there is something to do for [`tick_once`](Self::tick_once).
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Notes in the database everything that only memory knows; also the last thing before the end.
    pub async fn save_activity(&self) -> Result<(), Error> {
        let mut sessions = self.sessions.take_used();
        let mut batch = Batch::default();
        for room in self.rooms.all() {
            let unsaved = room.take_unsaved();
            if !unsaved.is_empty() {
                batch.rows += unsaved.len();
                batch.rooms.push((room, unsaved));
            }
            if batch.rows >= MOST_SAVED {
                self.save(take(&mut batch), take(&mut sessions)).await?;
            }
        }
        if batch.rows > 0 || !sessions.is_empty() {
            self.save(batch, sessions).await?;
        }
        Ok(())
    }

    /// Removes the sessions that have become too old or are not used, and ends their connections.
    pub async fn end_stale_sessions(&self) -> Result<(), Error> {
        // What only memory knows of their use counts, and whoever is connected uses their session, however quiet they are.
        self.save_activity().await?;
        let now = self.clock.now();
        let in_use = self.sockets.sessions().into_iter().map(|session| (session, now)).collect();
        self.chat.record_activity(Vec::new(), in_use).await?;
        let (created, used) = (now.minus(SESSION_LIFETIME), now.minus(SESSION_IDLE));
        let ended = self.chat.store().end_stale_sessions(created, used).await?;
        if !ended.is_empty() {
            self.sessions.forget(&ended);
            self.end_sessions(&ended);
        }
        Ok(())
    }

    async fn save(
        &self,
        batch: Batch<E>,
        sessions: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), Error> {
        let activity = batch.rooms.iter().flat_map(|(_, unsaved)| unsaved).copied().collect();
        let saved = self.chat.record_activity(activity, sessions.clone()).await;
        if saved.is_err() {
            sessions.into_iter().for_each(|(session, at)| self.sessions.note_use(session, at));
        }
        for (room, unsaved) in &batch.rooms {
            match saved {
                Ok(()) => room.recount(&self.chat).await?,
                Err(_) => room.put_back(unsaved),
            }
        }
        saved
    }

    /// Does what is to be done now, and saves when `save_at` has come. `true` while something waits for its time.
    pub async fn tick_once(&self, save_at: &mut Duration) -> bool {
        let (now, passed) = (self.clock.now(), self.clock.monotonic());
        let mut waiting = false;
        for room in self.rooms.all() {
            if room.is_behind() {
                waiting |= room.catch_up(&self.chat).await.is_err() || room.is_behind();
            }
            waiting |= room.tell_changes(now, passed) | room.has_unsaved();
        }
        // Last, because it asks the store about each room that has changed.
        waiting |= self.lobby.tell_changes(self, passed).await;
        waiting |= self.rooms.has_unused();
        if passed >= *save_at {
            *save_at = passed + SAVE_EVERY;
            if let Err(error) = self.save_activity().await {
                tracing::warn!(%error, "when people were last active was not noted");
            }
            self.rooms.close_unused();
            self.credits.forget_the_rested(passed);
        }
        waiting
    }
}

impl<E: Engine> Default for Batch<E> {
    fn default() -> Self {
        Self { rooms: Vec::new(), rows: 0 }
    }
}
