//! Every rule of the Engine.IO v4 and Socket.IO v5 documents, and of ours beside them, over real sockets.
//!
//! Time passes only where the protocol's own timers are what is tested.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test is where time comes from and what bounds its queues"
)]

use std::future::poll_fn;
use std::task::Poll;

#[path = "../support/poller.rs"]
mod poller;
#[path = "../support/raw_socket.rs"]
mod raw_socket;
#[path = "../support/request.rs"]
mod request;
#[path = "../support/server.rs"]
mod server;

mod access;
mod acks;
mod attachments;
mod closing;
mod events;
mod expelling;
mod groups;
mod handlers;
mod handshake;
mod heartbeat;
mod lag;
mod metrics;
mod namespaces;
mod order;
mod origins;
mod polling;
mod pumped;
mod salvo;
mod shutdown;
mod upgrade;

/// Awaits all of them at once.
async fn side_by_side(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
