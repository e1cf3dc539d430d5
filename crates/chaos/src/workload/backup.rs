//! T11: a backup is taken under load and put back later, in place of what was there. Everybody comes back with cursors of
//! a life of the log that is over, is told so, and what was in nobody's log any more is said again if it was not acked.

use anyhow::Result;
use checker::Event;
use tokio::time::Instant;

use crate::client::Habits;
use crate::history::Verdict;
use crate::world::{Plan, Size, World};

const SIZE: Size = Size { people: 6, rooms: 4, clients: 3, rooms_each: 2 };
/// Between a start, the backup and the restoring of it, in milliseconds.
const LIFE: std::ops::Range<u64> = 500..3_000;

pub(super) async fn run(plan: Plan<'_>) -> Result<Verdict> {
    let mut world = World::new(&plan, &SIZE).await?;
    world.gather(&SIZE, &Habits::default()).await?;
    world.pass(plan.length / 5).await;
    let (end, mut number) = (Instant::now() + plan.length, 0);
    while Instant::now() < end {
        number += 1;
        let backup = world.folder().join(format!("backup-{number}"));
        let since_ns = world.history.now_ns();
        world.parlor("backup", &backup).await?;
        world.pass_some(LIFE).await;
        world.kill()?;
        world.move_to(world.folder().join(format!("data-{number}")));
        world.parlor("restore", &backup).await?;
        world.history.note(Event::Restored { since_ns });
        world.start().await?;
        world.wait_until_all_are_here().await?;
        world.pass_some(LIFE).await;
    }
    world.judge().await
}
