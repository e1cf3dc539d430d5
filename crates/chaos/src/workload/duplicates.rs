//! T9: what is said is said again. Joins and messages are repeated without need, two clients of one person send the same at
//! the same time, some ask to be let in twice, and most move from long-polling to WebSocket in the middle of it.

use anyhow::Result;
use tokio::time::Instant;

use crate::client::Habits;
use crate::socket::Transport;
use crate::world::{Size, World};

pub(super) const SIZE: Size = Size { people: 6, rooms: 3, clients: 2, rooms_each: 2 };
/// Between one cut of all connections and the next, in milliseconds: joins cost credit, which takes its time to grow.
const LIFE: std::ops::Range<u64> = 3_000..10_000;

pub(super) async fn strike(world: &mut World) -> Result<()> {
    let transports = vec![Transport::Upgrade, Transport::Upgrade, Transport::WebSocket];
    let habits = Habits { transports, repeats: 3, stutters: 0.2, ..Habits::default() };
    world.gather_twins(&habits).await?;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        world.pass_some(LIFE).await;
        world.cut_all().await?;
        world.wait_until_all_are_here().await?;
    }
    Ok(())
}
