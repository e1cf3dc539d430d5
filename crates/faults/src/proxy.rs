//! The proxy, and what can be asked of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::conditions::Conditions;
use crate::connection::{self, BUFFER};
use crate::counts::{Counters, Counts};
use crate::schedule::Schedule;

/// Connections that wait to be accepted: a whole crowd may come back at once.
const BACKLOG: u32 = 4096;

/// A TCP proxy on a port of its own of the loopback interface. Dropping it closes all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    orders: watch::Sender<Orders>,
    counters: Arc<Counters>,
    accepting: JoinHandle<()>,
}

/// What all connections obey.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    pub(crate) upstream: SocketAddr,
    pub(crate) regime: Regime,
    pub(crate) door: Door,
    /// Connections made before this number was reached are cut.
    pub(crate) cuts: u64,
}

/// Who decides how bytes travel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Regime {
    /// The test: the same for all.
    ByHand(Conditions),
    /// Each connection has a script of its own.
    Scheduled(Schedule),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Shut,
}

impl Proxy {
    /// Listens, and passes what comes on to `upstream`, without any fault yet. Needs tokio's
    /// runtime around it.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // What is accepted has the listener's buffers.
        socket.set_recv_buffer_size(BUFFER)?;
        socket.set_send_buffer_size(BUFFER)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let regime = Regime::ByHand(Conditions::default());
        let orders = watch::Sender::new(Orders { upstream, regime, door: Door::Open, cuts: 0 });
        let counters = Arc::new(Counters::default());
        let accepting = accept(listener, orders.subscribe(), Arc::clone(&counters));
        let accepting = tokio::spawn(accepting);
        Ok(Self { address, orders, counters, accepting })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections from now on go to this server, after a restart on another port, say.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        self.orders.send_modify(|orders| orders.upstream = upstream);
    }

    /// From now on bytes travel like this, on all connections that there are and will be.
    pub fn set_conditions(&self, conditions: Conditions) {
        self.orders.send_modify(|orders| orders.regime = Regime::ByHand(conditions));
    }

    /// From now on each connection has its own script of faults.
    pub fn follow(&self, schedule: Schedule) {
        self.orders.send_modify(|orders| orders.regime = Regime::Scheduled(schedule));
    }

    /// No faults from now on. Connections that cannot go on, since bytes of theirs were lost, are reset.
    pub fn calm(&self) {
        self.set_conditions(Conditions::default());
    }

    /// Resets all connections at once.
    pub fn cut_all(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Resets whoever connects from now on.
    pub fn refuse(&self) {
        self.orders.send_modify(|orders| orders.door = Door::Shut);
    }

    /// Lets clients connect again.
    pub fn admit(&self) {
        self.orders.send_modify(|orders| orders.door = Door::Open);
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, orders: watch::Receiver<Orders>, counters: Arc<Counters>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of descriptors, say: then those that end make room.
                let Ok((client, _)) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                number += 1;
                let carried =
                    connection::carry(client, number, orders.clone(), Arc::clone(&counters));
                connections.spawn(carried);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
