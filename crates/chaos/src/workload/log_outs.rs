//! T14: people are logged out while their clients talk and listen, on every transport. They hear nothing more, are let in no
//! more, and nobody else notices.

use std::time::Duration;

use anyhow::Result;
use checker::{Event, Whose};
use tokio::time::Instant;

use crate::client::Habits;
use crate::socket::Transport;
use crate::world::{Guest, World};

/// Between a coming and the end of the session, in milliseconds.
const STAY: std::ops::Range<u64> = 100..1_000;
/// How soon nothing may arrive any more.
const PROMISED: Duration = Duration::from_secs(1);
/// For so long it is seen that nothing does.
const SILENCE: Duration = Duration::from_secs(1);

pub(super) async fn strike(world: &mut World) -> Result<()> {
    world.gather(&Habits::default()).await?;
    let end = Instant::now() + world.scale.length;
    while Instant::now() < end {
        let guests = [come(world).await?, come(world).await?];
        world.pass_some(STAY).await;
        for guest in &guests {
            log_out(world, guest).await?;
        }
        world.pass(PROMISED + SILENCE).await;
        for guest in guests {
            see_off(world, guest).await;
        }
    }
    Ok(())
}

/// Somebody comes on each transport.
async fn come(world: &mut World) -> Result<Guest> {
    let clients = Transport::ALL.map(|transport| Habits {
        transports: vec![transport],
        may_be_logged_out: true,
        ..Habits::default()
    });
    world.welcome_guest(&clients).await
}

async fn log_out(world: &World, guest: &Guest) -> Result<()> {
    world.web.log_out(&guest.person).await?;
    for number in &guest.numbers {
        let revoked = Event::Revoked { whose: Whose::Process };
        world.history.record(*number, guest.person.id, revoked);
    }
    world.history.figures(|figures| figures.log_outs += 1);
    Ok(())
}

/// Nobody is there any more, although they have tried to come back since.
async fn see_off(world: &World, mut guest: Guest) {
    let here = guest.crowd.muster().here;
    if here > 0 {
        world.history.surprise(format!("{here} clients are in their rooms after a log-out"));
    }
    guest.crowd.leave().await;
}
