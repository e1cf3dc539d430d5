//! Somebody who does not keep up is let go with a reason, and nobody else notices.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use volley::{Builder, CloseReason, Namespace};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody};

const ROOM: &str = "tea";

/// Everybody is in one room, and every end is told.
fn room() -> (Namespace<()>, UnboundedReceiver<CloseReason>) {
    let (note, notes) = unbounded_channel();
    let namespace = anybody()
        .on_connect(|socket| async move { socket.join(&socket.group(ROOM)).unwrap() })
        .on_disconnect(move |_, reason| {
            note.send(reason).unwrap();
            async {}
        });
    (namespace, notes)
}

async fn room_server(
    describe: impl FnOnce(Builder) -> Builder,
) -> (Server, UnboundedReceiver<CloseReason>) {
    let (namespace, notes) = room();
    (Server::start(|builder| describe(builder.namespace("/", namespace))).await, notes)
}

/// Says something long, and hears it as everybody does who keeps up.
async fn say_and_hear(server: &Server, number: u32, listeners: &mut [RawSocket]) {
    let padding = "x".repeat(20_000);
    server.volley.group("/", ROOM).emit("said", &(number, &padding)).unwrap();
    for listener in listeners {
        let heard = listener.text().await;
        assert!(heard.starts_with(&format!(r#"42["said",{number},"#)), "{}", &heard[..40]);
    }
}

#[tokio::test]
async fn who_does_not_read_is_let_go_by_bytes_and_the_others_hear_everything() {
    let (server, mut reasons) = room_server(|builder| builder.max_queued_bytes(256 * 1024)).await;
    let mut listeners = vec![RawSocket::enter(&server).await, RawSocket::enter(&server).await];
    let _sleeper = RawSocket::enter(&server).await;
    let mut number = 0;
    while reasons.is_empty() {
        say_and_hear(&server, number, &mut listeners).await;
        number += 1;
        assert!(number < 5_000, "so much fits into no buffer between");
    }
    assert_eq!(reasons.recv().await, Some(CloseReason::Lagging));
    for number in number..number + 10 {
        say_and_hear(&server, number, &mut listeners).await;
    }
    assert_eq!(server.volley.group("/", ROOM).len(), 2);
    drop(listeners);
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::Lagging as usize], 1);
    assert!(metrics.frames_discarded > 0);
}

#[tokio::test]
async fn who_does_not_read_is_let_go_by_age_and_the_others_hear_everything() {
    let (server, mut reasons) = room_server(|builder| {
        builder.max_queued_bytes(1 << 30).max_queued_age(Duration::from_millis(300))
    })
    .await;
    let mut listeners = vec![RawSocket::enter(&server).await];
    let _sleeper = RawSocket::enter(&server).await;
    for number in 0.. {
        say_and_hear(&server, number, &mut listeners).await;
        if !reasons.is_empty() {
            break;
        }
    }
    assert_eq!(reasons.recv().await, Some(CloseReason::Lagging));
    say_and_hear(&server, u32::MAX, &mut listeners).await;
}

#[tokio::test]
async fn who_does_not_poll_is_let_go_by_bytes() {
    let (server, mut reasons) = room_server(|builder| builder.max_queued_bytes(256 * 1024)).await;
    let poller = Poller::enter(&server).await;
    for number in 0..20 {
        say_and_hear(&server, number, &mut []).await;
    }
    assert_eq!(reasons.recv().await, Some(CloseReason::Lagging));
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn who_does_not_poll_is_let_go_by_age() {
    let (server, mut reasons) =
        room_server(|builder| builder.max_queued_age(Duration::from_millis(200))).await;
    let poller = Poller::enter(&server).await;
    say_and_hear(&server, 0, &mut []).await;
    assert_eq!(reasons.recv().await, Some(CloseReason::Lagging));
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_queue_that_empties_in_time_counts_for_nothing() {
    let age = Duration::from_millis(200);
    let (server, mut reasons) = room_server(|builder| builder.max_queued_age(age)).await;
    let mut poller = Poller::enter(&server).await;
    for _ in 0..6 {
        server.volley.group("/", ROOM).emit("said", &()).unwrap();
        tokio::time::sleep(age / 4).await;
        poller.expect(r#"42["said"]"#).await;
    }
    assert!(reasons.try_recv().is_err());
}

#[tokio::test]
async fn one_frame_larger_than_the_bound_is_not_sent_in_part() {
    let (server, mut reasons) = room_server(|builder| builder.max_queued_bytes(64 * 1024)).await;
    let poller = Poller::enter(&server).await;
    server.volley.group("/", ROOM).emit("said", &("x".repeat(100_000),)).unwrap();
    assert_eq!(reasons.recv().await, Some(CloseReason::Lagging));
    poller.expect_gone().await;
}
