//! T5: the time of day jumps by an hour or a day, forward and back, while people talk. The order in rooms does not follow it,
//! their time never runs back, and nobody is logged out.

use anyhow::{Result, ensure};
use rand::seq::IndexedRandom;
use tokio::time::Instant;

use crate::client::Habits;
use crate::world::World;

const HOUR: i64 = 3_600_000;
const STEPS: [i64; 4] = [HOUR, -HOUR, 24 * HOUR, -24 * HOUR];
/// Between two jumps, in milliseconds.
const LIFE: std::ops::Range<u64> = 100..1_500;

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.gather(&Habits::default()).await?;
    world.pass(world.scale.length / 5).await;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        let step = *STEPS.choose(&mut world.draws).unwrap_or(&HOUR);
        world.history.fault(&format!("the clock is set by {step} ms"));
        world.running()?.tell(&step.to_string())?;
        world.pass_some(LIFE).await;
        world.history.healed();
        // Who comes back now shows a session that was used in another time.
        world.cut_all().await?;
        world.wait_until_all_are_here().await?;
    }
    for person in &world.people {
        ensure!(world.web.knows(person).await?, "{} is logged out", person.name);
    }
    Ok(())
}
