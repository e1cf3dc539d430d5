//! Many clients, and how they all stand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::client::{Client, Role};
use crate::history::History;
use crate::web::Web;
use crate::wire::RoomId;

/// What all clients are to do.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    /// Where the server is, or what stands before it.
    pub(crate) at: SocketAddr,
    /// Say something new now and then.
    pub(crate) talk: bool,
    /// Each time this changes, every connection is cut.
    pub(crate) cuts: u64,
    /// What every room has come to.
    pub(crate) heads: Option<Arc<Heads>>,
    /// End.
    pub(crate) leave: bool,
}

/// The last number of each room.
#[derive(Debug)]
pub(crate) struct Heads {
    /// When the last fault ended.
    pub(crate) since: Instant,
    /// By address.
    pub(crate) of: HashMap<RoomId, u64>,
}

impl Heads {
    pub(crate) fn of(&self, room: RoomId) -> Option<u64> {
        self.of.get(&room).copied()
    }
}

/// How many clients stand how.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Muster {
    /// In all their rooms.
    pub(crate) here: usize,
    /// And have nothing more to say.
    pub(crate) resting: usize,
    /// And have heard everything.
    pub(crate) home: usize,
    /// Without the connection that they had when all were cut last.
    pub(crate) cut: usize,
}

/// How one client stands.
#[derive(Debug)]
pub(crate) struct Standing {
    muster: watch::Sender<Muster>,
    stance: Stance,
}

/// How far one client has come. Whoever is at one of these is at all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stance {
    /// Not in all its rooms.
    Away,
    /// In all its rooms.
    Here,
    /// And has nothing more to say.
    Resting,
    /// And has heard everything.
    Home,
}

impl Standing {
    pub(crate) fn is_home(&self) -> bool {
        self.stance == Stance::Home
    }

    pub(crate) fn is_cut(&self) {
        self.muster.send_modify(|muster| muster.cut += 1);
    }

    pub(crate) fn set(&mut self, stance: Stance) {
        let before = std::mem::replace(&mut self.stance, stance);
        if stance == before {
            return;
        }
        self.muster.send_modify(|muster| {
            for (at_least, count) in [
                (Stance::Here, &mut muster.here),
                (Stance::Resting, &mut muster.resting),
                (Stance::Home, &mut muster.home),
            ] {
                *count = *count + usize::from(stance >= at_least) - usize::from(before >= at_least);
            }
        });
    }
}

/// Clients that go on by themselves. Dropping them ends them.
#[derive(Debug)]
pub(crate) struct Crowd {
    orders: watch::Sender<Orders>,
    muster: watch::Sender<Muster>,
    clients: JoinSet<()>,
}

impl Crowd {
    /// Nobody yet.
    pub(crate) fn new(at: SocketAddr) -> Self {
        let orders = Orders { at, talk: true, cuts: 0, heads: None, leave: false };
        Self {
            orders: watch::Sender::new(orders),
            muster: watch::Sender::new(Muster::default()),
            clients: JoinSet::new(),
        }
    }

    /// Somebody more.
    pub(crate) fn add(&mut self, role: Role, history: &Arc<History>, web: &Web) {
        let standing = Standing { muster: self.muster.clone(), stance: Stance::Away };
        let orders = self.orders.subscribe();
        let client = Client::new(role, history.clone(), web.clone(), orders, standing);
        self.clients.spawn(client.run());
    }

    /// How many there are.
    pub(crate) fn size(&self) -> usize {
        self.clients.len()
    }

    /// Tells everybody what to do from now on.
    pub(crate) fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_modify(change);
    }

    /// Has everybody cut their connection.
    pub(crate) fn cut(&self) {
        self.muster.send_modify(|muster| muster.cut = 0);
        self.order(|orders| orders.cuts += 1);
    }

    /// How they stand.
    pub(crate) fn muster(&self) -> Muster {
        *self.muster.borrow()
    }

    /// Waits until so many percent stand as wanted.
    pub(crate) async fn wait(
        &self,
        count: impl Fn(&Muster) -> usize,
        percent: usize,
        within: Duration,
    ) -> Result<()> {
        let (mut muster, all) = (self.muster.subscribe(), self.size());
        let wanted = (all * percent).div_ceil(100);
        let enough = muster.wait_for(|muster| count(muster) >= wanted);
        let arrived = timeout(within, enough).await.map(|_| ());
        arrived.with_context(|| format!("of {all} clients {:?} after {within:?}", self.muster()))
    }

    /// Sends everybody home, and waits until they have gone.
    pub(crate) async fn leave(&mut self) {
        self.order(|orders| orders.leave = true);
        while self.clients.join_next().await.is_some() {}
        self.muster.send_replace(Muster::default());
        self.order(|orders| orders.leave = false);
    }
}
