//! The end of a server: everybody is told, gets what was sent before, and nobody can hold it up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use volley::CloseReason;

use crate::poller::{self, Poller};
use crate::raw_socket::{self, RawSocket};
use crate::request::Request;
use crate::server::{PATIENCE, Server, anybody, with_echo};

#[tokio::test]
async fn everybody_gets_what_was_sent_before_and_is_told() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody()
        .on_connect(|socket| async move { socket.join(&socket.group("all")).unwrap() })
        .on_disconnect(move |_, reason| {
            note.send(reason).unwrap();
            async {}
        });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    let mut polling = Poller::enter(&server).await;
    let mut waiting = Poller::enter(&server).await;
    let poll = waiting.start_poll().await;
    let last_words = "x".repeat(500_000);
    server.volley.group("/", "all").emit("last words", &(&last_words,)).unwrap();

    let since = Instant::now();
    let shutdown = tokio::spawn({
        let volley = server.volley.clone();
        async move { volley.shutdown(PATIENCE).await }
    });
    let last_words = format!(r#"42["last words","{last_words}"]"#);
    socket.expect(&last_words).await;
    assert_eq!(socket.until_end().await, Some(1001));
    polling.expect(&last_words).await;
    polling.expect("1").await;
    waiting.take(&poll.answer().await);
    waiting.expect(&last_words).await;
    waiting.expect("1").await;
    drop(socket);
    shutdown.await.unwrap();
    assert!(since.elapsed() < PATIENCE / 2, "nobody was left to wait for");
    for _ in 0..3 {
        assert_eq!(notes.recv().await, Some(CloseReason::ServerShutdown));
    }
    server.until_empty().await;
}

#[tokio::test]
async fn nobody_comes_in_any_more() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    server.volley.shutdown(Duration::ZERO).await;
    assert_eq!(Request::get(poller::OPEN).send(&server).await.status, 503);
    assert_eq!(Request::upgrade(raw_socket::OPEN).send(&server).await.status, 503);
    assert_eq!(poller.poll().await.status, 400);
    server.volley.group("/", "all").emit("to nobody", &()).unwrap();
}

#[tokio::test]
async fn nobody_holds_it_up_beyond_the_deadline() {
    let namespace = anybody()
        .on_connect(|socket| async move { socket.join(&socket.group("all")).unwrap() })
        .on("stuck", |_, _| std::future::pending());
    let server =
        Server::start(|builder| builder.namespace("/", namespace).close_timeout(PATIENCE)).await;
    let _sleeper = RawSocket::enter(&server).await;
    let _absent = Poller::enter(&server).await;
    let mut stuck = RawSocket::enter(&server).await;
    stuck.send(r#"42["stuck"]"#).await;
    for _ in 0..40 {
        server.volley.group("/", "all").emit("said", &("x".repeat(20_000),)).unwrap();
    }
    let deadline = Duration::from_millis(300);
    let since = Instant::now();
    server.volley.shutdown(deadline).await;
    assert!(since.elapsed() < deadline + Duration::from_secs(3), "{:?}", since.elapsed());
    server.until_empty().await;
}

#[tokio::test]
async fn a_handler_that_was_not_waited_for_comes_to_its_end_all_the_same() {
    let (go_on, (note, mut notes)) = (Arc::new(Notify::new()), unbounded_channel());
    let namespace = anybody().on("slow", {
        let go_on = go_on.clone();
        move |_, _| {
            let (go_on, note) = (go_on.clone(), note.clone());
            async move {
                go_on.notified().await;
                note.send("done").unwrap();
            }
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["slow"]"#).await;
    server.until(|metrics| metrics.packets_received == 2).await;
    server.volley.shutdown(Duration::ZERO).await;
    go_on.notify_one();
    assert_eq!(timeout(PATIENCE, notes.recv()).await.unwrap(), Some("done"));
}

#[tokio::test]
async fn an_engine_that_is_dropped_lets_everybody_go() {
    let held = Arc::new(());
    let namespace = anybody().on_any({
        let held = held.clone();
        move |_, _| {
            let held = held.clone();
            async move { drop(held) }
        }
    });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    drop(server);
    socket.until_end().await;
    drop(socket);
    let since = Instant::now();
    while Arc::strong_count(&held) > 1 {
        assert!(since.elapsed() < PATIENCE, "the engine is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_deadline_may_be_as_far_away_as_can_be() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let leaving = async {
        assert_eq!(socket.until_end().await, Some(1001));
        drop(socket);
    };
    let ended = async { tokio::join!(server.volley.shutdown(Duration::MAX), leaving) };
    timeout(PATIENCE, ended).await.expect("nobody holds it up");
}
