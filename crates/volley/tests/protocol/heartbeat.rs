//! Pings, pongs, and what becomes of those who do not answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use volley::{Builder, CloseReason, Namespace};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::request::Request;
use crate::server::{Server, anybody, with_echo};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);
/// What a busy machine may add to any time.
const SLACK: Duration = Duration::from_millis(400);

fn beating(builder: Builder) -> Builder {
    builder.ping_interval(INTERVAL).ping_timeout(TIMEOUT)
}

fn closes(metrics: &volley::Snapshot, reason: CloseReason) -> u64 {
    metrics.closes[reason as usize]
}

#[tokio::test]
async fn a_websocket_is_pinged_at_the_interval_and_lives_by_its_pongs() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let mut socket = RawSocket::enter(&server).await;
    for _ in 0..4 {
        let since = Instant::now();
        socket.expect("2").await;
        let took = since.elapsed();
        assert!(took >= INTERVAL / 2 && took <= INTERVAL + SLACK, "a ping after {took:?}");
        socket.send("3").await;
    }
    socket.expect_nothing_before(r#"42["alive"]"#).await;
    assert!(server.volley.metrics().pings >= 4);
}

#[tokio::test]
async fn a_polling_session_is_pinged_at_the_interval_and_lives_by_its_pongs() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let mut poller = Poller::enter(&server).await;
    for _ in 0..4 {
        poller.expect("2").await;
        poller.say("3").await;
    }
    poller.say(r#"42["alive"]"#).await;
    poller.expect(r#"42["alive"]"#).await;
}

#[tokio::test]
async fn a_websocket_that_does_not_answer_a_ping_is_closed() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let mut socket = RawSocket::enter(&server).await;
    let since = Instant::now();
    socket.expect("2").await;
    socket.expect_end().await;
    assert!(since.elapsed() <= INTERVAL + TIMEOUT + SLACK, "{:?}", since.elapsed());
    assert_eq!(closes(&server.until_empty().await, CloseReason::PingTimeout), 1);
}

#[tokio::test]
async fn events_do_not_stand_in_for_a_pong() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.expect("2").await;
    socket.expect_nothing_before(r#"42["no pong"]"#).await;
    socket.expect_end().await;
    assert_eq!(closes(&server.until_empty().await, CloseReason::PingTimeout), 1);
}

#[tokio::test]
async fn a_polling_session_that_does_not_answer_a_ping_is_closed() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let mut poller = Poller::enter(&server).await;
    poller.expect("2").await;
    let last = poller.poll().await;
    assert!([200, 400].contains(&last.status), "{last:?}");
    poller.expect_gone().await;
    assert_eq!(closes(&server.until_empty().await, CloseReason::PingTimeout), 1);
}

#[tokio::test]
async fn a_polling_session_that_is_abandoned_is_closed_in_the_same_time() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let poller = Poller::enter(&server).await;
    let since = Instant::now();
    let metrics = server.until_empty().await;
    assert!(since.elapsed() <= INTERVAL + TIMEOUT + SLACK, "{:?}", since.elapsed());
    assert_eq!(closes(&metrics, CloseReason::PingTimeout), 1);
    poller.expect_gone().await;
}

#[tokio::test]
async fn the_application_is_told_of_a_ping_timeout_once() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on_disconnect(move |_, reason| {
        note.send(reason).unwrap();
        async {}
    });
    let server = Server::start(|builder| beating(builder).namespace("/", namespace)).await;
    let _silent = RawSocket::enter(&server).await;
    assert_eq!(notes.recv().await, Some(CloseReason::PingTimeout));
    server.until_empty().await;
    assert!(notes.is_empty());
}

#[tokio::test]
async fn a_client_does_not_ping() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send("2").await;
    socket.expect_end().await;
}

#[tokio::test]
async fn a_pong_nobody_asked_for_does_no_harm() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send("3").await;
    socket.expect_nothing_before(r#"42["alive"]"#).await;
}

#[tokio::test]
async fn a_session_is_pinged_on_its_new_transport_after_going_over() {
    let server = Server::start(|builder| beating(with_echo(builder))).await;
    let poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    socket.send("5").await;
    for _ in 0..2 {
        socket.expect("2").await;
        socket.send("3").await;
    }
    socket.expect_nothing_before(r#"42["alive"]"#).await;
}

/// A handler that waits for a permit, for each of more events than are read ahead.
const EVENTS: usize = 100;

fn waiting(gate: &Arc<Semaphore>) -> Namespace<()> {
    let gate = gate.clone();
    anybody().on("wait", move |_, event| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            event.ack(&()).unwrap();
        }
    })
}

#[tokio::test]
async fn a_websocket_that_is_not_read_is_not_blamed_for_being_silent() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start(|builder| beating(builder).namespace("/", waiting(&gate))).await;
    let mut socket = RawSocket::enter(&server).await;
    let events: Vec<_> = (0..EVENTS).map(|id| format!(r#"42{id}["wait"]"#)).collect();
    for event in &events {
        socket.send(event).await;
    }
    socket.expect("2").await;
    socket.send("3").await;
    tokio::time::sleep(TIMEOUT + SLACK).await;
    gate.add_permits(EVENTS);
    for id in 0..EVENTS {
        socket.expect(&format!("43{id}[]")).await;
    }
}

#[tokio::test]
async fn a_polling_session_whose_post_is_held_back_is_not_blamed_for_being_silent() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start(|builder| beating(builder).namespace("/", waiting(&gate))).await;
    let mut poller = Poller::enter(&server).await;
    let events: Vec<_> = (0..EVENTS).map(|id| format!(r#"42{id}["wait"]"#)).collect();
    let post = Request::post(poller.query(), events.join("\x1e")).start(&server).await;
    poller.expect("2").await;
    tokio::time::sleep(TIMEOUT + SLACK).await;
    gate.add_permits(EVENTS);
    assert_eq!(post.answer().await.status, 200);
    poller.say("3").await;
    for id in 0..EVENTS {
        poller.expect(&format!("43{id}[]")).await;
    }
}
