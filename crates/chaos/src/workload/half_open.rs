//! T7: connections whose other end has vanished without a word. The server finds them within `pingInterval` and
//! `pingTimeout` together, and has nothing left of them.

use std::time::Duration;

use anyhow::Result;
use checker::Moment;
use faults::{Conditions, Flow, Proxy};
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use crate::client::Habits;
use crate::process::Usage;
use crate::socket::{Socket, Transport};
use crate::web::figure;
use crate::world::World;

/// Of each transport, in turn for the people.
const VANISHING: usize = 30;
/// pingInterval and pingTimeout, and what it takes to look.
const FOUND: Duration = Duration::from_secs(45 + 2);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Threads that helped once end by themselves after this time.
const QUIET: Duration = Duration::from_secs(11);

pub(super) async fn strike(world: &mut World) -> Result<()> {
    let habits = Habits { transports: vec![Transport::WebSocket], ..Habits::default() };
    world.gather(&habits).await?;
    world.pass(world.scale.length / 5).await;
    let process = world.running()?.id();
    let before = connections(world).await?;
    world.history.note(Usage::of(process)?.seen(Moment::Baseline));

    let proxy = Proxy::start(world.doors.people)?;
    let opened = (0..VANISHING * Transport::ALL.len()).map(|number| {
        let (person, transport) = (number % world.people.len(), number % Transport::ALL.len());
        Socket::open(proxy.address(), &world.people[person].token, Transport::ALL[transport])
    });
    let mut sockets = try_join_all(opened).await?;
    for socket in &mut sockets {
        // Let in.
        socket.next().await;
    }
    world.pass(Duration::from_secs(1)).await;
    let with_them = connections(world).await?;
    world.history.fault(&format!("{} connections vanish", sockets.len()));
    proxy.set_conditions(Conditions::both(Flow::Vanishes.into()));
    let vanished = Instant::now();
    while connections(world).await? > before {
        if vanished.elapsed() > FOUND {
            let left = connections(world).await? - before;
            let of = with_them - before;
            world.history.surprise(format!(
                "{left} of {of} half-open connections are there after {FOUND:?}"
            ));
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    world.history.figures(|figures| figures.half_open.record(vanished.elapsed()));
    drop(sockets);
    world.history.healed();
    world.pass(QUIET).await;
    world.history.note(Usage::of(process)?.seen(Moment::After));
    Ok(())
}

async fn connections(world: &World) -> Result<u64> {
    let websockets = figure(world.doors.metrics, "parlor_websockets").await?;
    Ok(websockets + figure(world.doors.metrics, "parlor_polling_sessions").await?)
}
