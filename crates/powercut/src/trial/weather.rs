//! What befalls those who use the store.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::life::Reading;
use super::{Trial, Violation, judge, violated};
use crate::{Calls, Fault, Outage, Strike};

/// What happens to the disk.
#[derive(Debug, Clone, Copy)]
pub enum Weather {
    /// Power is cut and processes are killed in the midst of whatever is being done, one to three times in a trial.
    /// Sometimes calls fail before that.
    Storms,
    /// These calls fail for a while, counted from the first one of all.
    Faults(Fault),
    /// Calls fail for a while; which ones is drawn.
    Breakdowns,
    /// The disk is full for a while, once or often.
    Floods,
    /// Power is cut, and the disk has never synced what it said it had. No store can stand that.
    Lies,
}

/// Most changes that are made before something strikes, if not earlier.
const CHANGES: u64 = 150;
/// About so many changes lie between two syncs.
const CHANGES_PER_SYNC: u64 = 8;
/// Most times that somebody asks for something before that.
const STEPS: u64 = 40;
/// How much longer it takes in one of eight lives.
const LONGER: u64 = 8;
/// Most changes that opening a store makes, about.
const CHANGES_TO_OPEN: u64 = 40;
/// Most room that there is before a disk is full, in bytes.
const ROOM: usize = 100_000;

impl Trial<'_> {
    /// What this weather brings, and then fair weather.
    pub(super) async fn go_through(&mut self, weather: Weather) -> Result<(), Violation> {
        match weather {
            Weather::Storms => self.storms().await,
            Weather::Faults(fault) => self.faults(fault).await,
            Weather::Breakdowns => self.breakdowns().await,
            Weather::Floods => self.floods().await,
            Weather::Lies => {
                self.disk.lie();
                self.storms().await
            }
        }
    }

    /// Power is cut, processes are killed.
    async fn storms(&mut self) -> Result<(), Violation> {
        for _ in 0..self.random.random_range(1..=3) {
            let outage =
                if self.random.random_ratio(2, 3) { Outage::Power } else { Outage::Process };
            let long = if self.random.random_ratio(1, 8) { LONGER } else { 1 };
            let early = self.random.random_ratio(1, 4);
            if early {
                let after = self.random.random_range(0..CHANGES_TO_OPEN);
                self.disk.strike_during(Strike { outage, calls: Calls::Changes, after });
            }
            if let Some(store) = self.open()? {
                let judged = self.judge(&store).await;
                // A judge who is struck as well knows nothing.
                if self.disk.struck().is_none() {
                    judged?;
                }
                if !early {
                    let (calls, after) = self.some_call(long);
                    self.disk.strike_during(Strike { outage, calls, after });
                }
                if self.random.random_ratio(1, 4) {
                    self.break_something();
                }
                let rooms = self.people.rooms.iter().map(|room| room.id).collect();
                let watching = StdRng::seed_from_u64(self.random.random());
                self.witness.watch(&self.disk, &store, rooms, watching);
                let steps = self.random.random_range(1..STEPS * long);
                self.live(&store, steps, Reading::MayFail).await?;
                // In the midst of closing, perhaps.
                if self.random.random() {
                    self.leave();
                    store.close().await;
                }
                self.disk.watch_no_more();
                self.disk.strike(outage);
                self.leave();
                store.close().await;
            }
            self.disk.mend();
            self.restart();
        }
        self.fair_weather().await
    }

    /// Some calls fail, one, a few, or all that follow it.
    async fn breakdowns(&mut self) -> Result<(), Violation> {
        let calls = [Calls::Any, Calls::Changes, Calls::Syncs][self.random.random_range(0..3)];
        let times = [1, 3, Fault::FOR_GOOD][self.random.random_range(0..3)];
        let most = CHANGES << self.random.random_range(0..3);
        let after = self.random.random_range(0..most);
        self.faults(Fault { calls, after, times }).await
    }

    /// Calls fail, and then no more.
    async fn faults(&mut self, fault: Fault) -> Result<(), Violation> {
        let reading = match fault.calls {
            Calls::Any => Reading::MayFail,
            Calls::Changes | Calls::Syncs => Reading::GoesOn,
        };
        self.disk.break_down(fault);
        let opened = self.try_open();
        let store = match opened {
            Ok(store) => store,
            Err(error) => {
                self.disk.mend();
                if self.disk.failed().is_empty() {
                    return violated(format!("It does not open: {error}"));
                }
                self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?
            }
        };
        self.live(&store, 8, reading).await?;
        if !self.disk.failed().is_empty() {
            self.disk.mend();
            // Without a restart.
            self.until_it_works(&store).await?;
            self.judge(&store).await?;
            self.send_all_again(&store).await?;
        }
        self.leave();
        store.close().await;
        self.disk.mend();
        drop(store);
        self.fair_weather().await
    }

    /// The disk is full, and then no more.
    async fn floods(&mut self) -> Result<(), Violation> {
        let store = self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?;
        for _ in 0..self.random.random_range(1..=3) {
            self.live(&store, 5, Reading::GoesOn).await?;
            self.disk.limit(Some(self.disk.used() + self.random.random_range(0..ROOM)));
            let before = self.report.refused;
            for _ in 0..100 {
                self.live(&store, 1, Reading::GoesOn).await?;
                if self.report.refused > before {
                    break;
                }
            }
            self.live(&store, 5, Reading::GoesOn).await?;
            self.report.floods += u64::from(self.report.refused > before);
            self.disk.limit(None);
            self.until_it_works(&store).await?;
            self.judge(&store).await?;
        }
        self.send_all_again(&store).await?;
        if self.random.random() {
            self.disk.strike(Outage::Power);
        }
        self.leave();
        store.close().await;
        drop(store);
        self.restart();
        self.fair_weather().await
    }

    /// Nothing happens any more. Everybody sends again what was not acked, and then everything is there once.
    async fn fair_weather(&mut self) -> Result<(), Violation> {
        for _ in 0..2 {
            let store = self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?;
            self.judge(&store).await?;
            self.send_all_again(&store).await?;
            self.judge(&store).await?;
            store.close().await;
            judge::file(&self.folder.join("parlor.db"))?;
        }
        Ok(())
    }

    /// No call that reads: which of two readers makes it is chance, and it would not be the same trial again.
    fn break_something(&mut self) {
        let ((calls, after), times) = (self.some_call(1), self.random.random_range(1..4));
        self.disk.break_down(Fault { calls, after, times });
    }

    /// A change that is to come, or a sync: soon, or at any time of a life that is so long.
    fn some_call(&mut self, long: u64) -> (Calls, u64) {
        let (calls, most) = if self.random.random_ratio(1, 3) {
            (Calls::Syncs, CHANGES / CHANGES_PER_SYNC * long)
        } else {
            (Calls::Changes, CHANGES * long)
        };
        let most = most >> self.random.random_range(0..5);
        (calls, self.random.random_range(0..=most))
    }
}
