//! T3: the disk gets full under load, and there is room again after a while. What cannot be stored is not acked and is sent
//! again; reading goes on; `/readyz` says so; and writing goes on by itself.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::client::Habits;
use crate::web::Health;
use crate::world::World;

/// Room for the whole of it and for much that is said.
const MEBIBYTES: u32 = 64;
/// Between two times without room, and how long those are, in milliseconds.
const LIFE: std::ops::Range<u64> = 300..2_000;
const FULL: std::ops::Range<u64> = 500..3_000;
/// Within this time a full disk has to be noticed, and room on it.
const NOTICED: Duration = Duration::from_secs(10);

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.move_to_small_disk(MEBIBYTES).await?;
    // Longer messages, so that what room is left is soon used.
    let habits = Habits { length: 1..2_000, ..Habits::default() };
    world.gather(&habits).await?;
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        world.history.fault("the disk is full");
        world.disk()?.fill()?;
        if !world.until_it_says(Health::Unwell, NOTICED).await {
            world.history.surprise("a full disk is not noticed".to_owned());
        }
        world.pass_some(FULL).await;
        // Reading goes on.
        world.web.page(&world.people[0], world.rooms[0], 0).await?;
        world.disk()?.free()?;
        if !world.next_ack(NOTICED).await || !world.until_it_says(Health::Well, NOTICED).await {
            world.history.surprise("room on the disk is not noticed".to_owned());
        }
        // Not before it has been noticed.
        world.history.healed();
        world.pass_some(LIFE).await;
    }
    Ok(())
}
