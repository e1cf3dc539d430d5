//! One connection, from its beginning to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::conditions::{Conditions, Direction, Flow, Travel};
use crate::counts::Counters;
use crate::proxy::{Door, Orders, Regime};
use crate::pump::Pump;
use crate::schedule::{Schedule, Script, Step};

/// Bytes that the kernel keeps for one direction of one socket. Small, so that one end soon feels that the other has
/// stopped, and not when megabytes lie between them.
pub(crate) const BUFFER: u32 = 64 * 1024;

/// It ends for both sides with a reset.
#[derive(Debug)]
pub(crate) struct Torn;

/// Carries bytes between a client and the server until one of them or a fault ends it.
pub(crate) async fn carry(
    client: TcpStream,
    number: u64,
    orders: watch::Receiver<Orders>,
    counters: Arc<Counters>,
) {
    let Orders { upstream, door, cuts, .. } = *orders.borrow();
    if door == Door::Shut {
        counters.refused.add(1);
        return reset(&client);
    }
    let Ok(server) = connect(upstream).await else {
        counters.unreachable.add(1);
        return reset(&client);
    };
    counters.connections.add(1);
    // Each write is to leave as it is.
    let _ = client.set_nodelay(true);
    let conditions = watch::Sender::new(Conditions::default());
    let watched = conditions.subscribe();
    let torn = tokio::select! {
        // First the orders, so that nothing passes under conditions that hold no more.
        biased;
        Torn = direct(number, cuts, orders, conditions, &counters) => {
            counters.resets.add(1);
            true
        }
        ended = both_ways(&client, &server, number, watched, &counters) => ended.is_err(),
    };
    if torn {
        reset(&client);
        reset(&server);
    }
}

async fn connect(upstream: SocketAddr) -> io::Result<TcpStream> {
    let socket = if upstream.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    let server = socket.connect(upstream).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

/// What is closed now is reset, whatever lies in buffers.
fn reset(stream: &TcpStream) {
    // It fails only for what is no socket any more.
    let _ = stream.set_zero_linger();
}

async fn both_ways(
    client: &TcpStream,
    server: &TcpStream,
    number: u64,
    conditions: watch::Receiver<Conditions>,
    counters: &Counters,
) -> Result<(), Torn> {
    let draws = StdRng::seed_from_u64(number);
    let up = Pump::new(client, server, Direction::Up, conditions.clone(), draws, counters);
    let draws = StdRng::seed_from_u64(!number);
    let down = Pump::new(server, client, Direction::Down, conditions, draws, counters);
    tokio::try_join!(up.run(), down.run())?;
    Ok(())
}

/// Says how bytes travel, as the orders and the script have it, until one of them says that the connection ends.
async fn direct(
    number: u64,
    cuts_before: u64,
    mut orders: watch::Receiver<Orders>,
    conditions: watch::Sender<Conditions>,
    counters: &Counters,
) -> Torn {
    let mut script: Option<(Schedule, Script)> = None;
    let mut next: Option<(Instant, Step)> = None;
    loop {
        let Orders { regime, cuts, .. } = *orders.borrow_and_update();
        if cuts > cuts_before {
            return Torn;
        }
        match regime {
            Regime::ByHand(by_hand) => {
                (script, next) = (None, None);
                set(&conditions, by_hand, counters);
            }
            Regime::Scheduled(schedule) => {
                if script.as_ref().is_none_or(|(known, _)| *known != schedule) {
                    (script, next) = (Some((schedule, schedule.script(number))), None);
                }
                let script = script.as_mut().map(|(_, script)| script);
                next = next.or_else(|| follow(script?));
            }
        }
        // Without a next step it waits for orders alone.
        let until = next.map(|(until, _)| until);
        tokio::select! {
            changed = orders.changed() => if changed.is_err() { return Torn },
            () = async { sleep_until(until.unwrap_or_else(Instant::now)).await }, if until.is_some() => {
                match next.take() {
                    Some((_, Step::Reset)) => return Torn,
                    Some((_, Step::Change(change))) => set(&conditions, change, counters),
                    None => {}
                }
            }
        }
    }
}

fn follow(script: &mut Script) -> Option<(Instant, Step)> {
    script.next().map(|(wait, step)| (Instant::now() + wait, step))
}

fn set(conditions: &watch::Sender<Conditions>, new: Conditions, counters: &Counters) {
    conditions.send_if_modified(|current| {
        count(counters, current.up, new.up);
        count(counters, current.down, new.down);
        std::mem::replace(current, new) != new
    });
}

/// Counts what is new.
fn count(counters: &Counters, old: Travel, new: Travel) {
    let begins = |flow| old.flow != flow && new.flow == flow;
    let delayed = |travel: Travel| !(travel.latency + travel.jitter).is_zero();
    counters.stalls.add_if(begins(Flow::Stalls));
    counters.vanished.add_if(begins(Flow::Vanishes));
    counters.ended.add_if(begins(Flow::Ends));
    counters.delays.add_if(!delayed(old) && delayed(new));
    counters.trickles.add_if(old.bytes_per_second.is_none() && new.bytes_per_second.is_some());
}
