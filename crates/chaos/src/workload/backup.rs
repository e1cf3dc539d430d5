//! T11: a backup is taken under load and put back later, in place of what was there. Everybody comes back with cursors of
//! a life of the log that is over, is told so, and what was in nobody's log any more is said again if it was not acked.

use anyhow::Result;
use checker::Event;
use tokio::time::Instant;

use crate::client::Habits;
use crate::world::World;

/// Between a start, the backup and the restoring of it, in milliseconds.
const LIFE: std::ops::Range<u64> = 500..3_000;

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.gather(&Habits::default()).await?;
    world.pass(world.scale.length / 5).await;
    let (end, mut number) = (Instant::now() + world.scale.length, 0);
    while Instant::now() < end {
        number += 1;
        let backup = world.folder().join(format!("backup-{number}"));
        let since_ns = world.history.now_ns();
        world.parlor("backup", &backup).await?;
        world.pass_some(LIFE).await;
        world.kill()?;
        // What was acked and is still on its way to somebody was acked before this.
        world.wait_until_all_are_away().await?;
        world.move_to(world.folder().join(format!("data-{number}")));
        world.parlor("restore", &backup).await?;
        world.history.note(Event::Restored { since_ns });
        world.start().await?;
        world.wait_until_all_are_here().await?;
        world.pass_some(LIFE).await;
    }
    Ok(())
}
