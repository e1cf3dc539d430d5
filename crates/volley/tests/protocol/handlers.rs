//! When handlers run: one event of a connection at a time, in order, and nobody waits for anybody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use volley::{CloseReason, Namespace, Refused};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::request::Request;
use crate::server::{PATIENCE, Server, anybody, echo, with_echo};

#[tokio::test]
async fn an_event_in_the_same_write_as_the_connect_is_answered() {
    let server = Server::echo().await;
    for _ in 0..50 {
        let mut socket = RawSocket::connect(&server).await;
        socket.send_together(&["40", r#"421["first"]"#]).await;
        assert!(socket.text().await.starts_with(r#"40{"sid":""#));
        socket.expect("431[]").await;

        let mut poller = Poller::open(&server).await;
        poller.say("40\x1e421[\"first\"]").await;
        assert!(poller.hear().await.starts_with(r#"40{"sid":""#));
        poller.expect("431[]").await;
    }
}

#[tokio::test]
async fn an_event_is_answered_though_the_way_in_is_slow() {
    let slow = Namespace::new(|_| async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok::<_, Refused>(())
    })
    .on_connect(|socket| async move {
        socket.emit("before", &()).unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        socket.emit("after", &()).unwrap();
    })
    .on("first", |_, event| async move { event.ack(&("answered",)).unwrap() });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send_together(&["40", r#"421["first"]"#]).await;
    assert!(socket.text().await.starts_with(r#"40{"sid":""#));
    socket.expect(r#"42["before"]"#).await;
    socket.expect(r#"42["after"]"#).await;
    socket.expect(r#"431["answered"]"#).await;
}

#[tokio::test]
async fn many_events_that_come_before_the_way_in_is_decided_wait_their_turn() {
    let slow = Namespace::new(|_| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, Refused>(())
    })
    .on("early", |_, event| async move { event.ack(&()).unwrap() });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send("40").await;
    for id in 0..500 {
        socket.send(&format!(r#"42{id}["early"]"#)).await;
    }
    assert!(socket.text().await.starts_with("40"));
    for id in 0..500 {
        socket.expect(&format!("43{id}[]")).await;
    }
}

#[tokio::test]
async fn nothing_of_a_refused_client_is_handled() {
    let never = Namespace::new(|_| async { Err::<(), _>(Refused::new("no")) })
        .on_connect(|_| async { panic!("nobody came in") })
        .on_any(|_, _| async { panic!("nobody came in") })
        .on_disconnect(|_, _| async { panic!("nobody came in") });
    let server = Server::start(|builder| builder.namespace("/", never)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send_together(&["40", r#"421["first"]"#]).await;
    socket.expect(r#"44{"message":"no"}"#).await;
    drop(socket);
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::HandlerPanicked as usize], 0);
}

#[tokio::test]
async fn events_that_come_while_a_handler_waits_are_handled_after_it_in_order() {
    let slow = echo().on("slow", |_, event| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        event.ack(&("slow",)).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let mut socket = RawSocket::enter(&server).await;
    let mut wanted = Vec::new();
    for id in 0..40 {
        let slow = id % 4 == 0;
        let (event, ack) = if slow {
            (format!(r#"42{id}["slow"]"#), format!(r#"43{id}["slow"]"#))
        } else {
            (format!(r#"42{id}["fast",{id}]"#), format!("43{id}[{id}]"))
        };
        socket.send(&event).await;
        wanted.push(ack);
    }
    for ack in wanted {
        socket.expect(&ack).await;
    }
}

#[tokio::test]
async fn nobody_waits_for_the_handler_of_somebody_else() {
    let go_on = Arc::new(Notify::new());
    let stuck = echo().on("stuck", {
        let go_on = go_on.clone();
        move |_, event| {
            let go_on = go_on.clone();
            async move {
                go_on.notified().await;
                event.ack(&("free",)).unwrap();
            }
        }
    });
    let server = Server::start(|builder| builder.namespace("/", stuck).shards(1)).await;
    let mut alice = RawSocket::enter(&server).await;
    let mut bob = RawSocket::enter(&server).await;
    alice.send_together(&[r#"421["stuck"]"#, r#"422["patient"]"#]).await;
    for _ in 0..20 {
        bob.expect_nothing_before(r#"42["lively"]"#).await;
    }
    go_on.notify_one();
    alice.expect(r#"431["free"]"#).await;
    alice.expect("432[]").await;
}

/// Two yields: a handler is looked at twice before it is left alone.
async fn let_others_go_first() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn a_handler_goes_on_where_it_began() {
    let thread = || std::thread::current().name().map(str::to_owned);
    let namespace = anybody().on("slow", move |_, event| async move {
        let before = thread();
        tokio::time::sleep(Duration::from_millis(1)).await;
        event.ack(&(before, thread())).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"421["slow"]"#).await;
    socket.expect(r#"431["volley-0","volley-0"]"#).await;
}

#[tokio::test]
async fn a_client_that_sends_faster_than_it_is_handled_is_read_no_faster_and_loses_nothing() {
    let slow = anybody().on("slow", |_, event| async move {
        let_others_go_first().await;
        event.ack(&()).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let mut socket = RawSocket::enter(&server).await;
    for id in 0..2_000 {
        socket.send(&format!(r#"42{id}["slow"]"#)).await;
    }
    for id in 0..2_000 {
        socket.expect(&format!("43{id}[]")).await;
    }

    let mut poller = Poller::enter(&server).await;
    let payload: Vec<_> = (0..1_000).map(|id| format!(r#"42{id}["slow"]"#)).collect();
    poller.say(&payload.join("\x1e")).await;
    for id in 0..1_000 {
        poller.expect(&format!("43{id}[]")).await;
    }
}

#[tokio::test]
async fn a_client_that_sends_much_to_a_slow_handler_is_read_no_further() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let slow = echo().on("wait", move |_, _| {
        let gate = closed.clone();
        async move { gate.acquire().await.unwrap().forget() }
    });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let poller = Poller::enter(&server).await;
    let much = format!(r#"42["much","{}"]"#, "x".repeat(900_000));
    poller.say(r#"42["wait"]"#).await;
    poller.say(&much).await;
    let second = Request::post(poller.query(), much).start(&server).await.answer();
    tokio::pin!(second);
    assert!(timeout(Duration::from_millis(200), &mut second).await.is_err());
    gate.add_permits(1);
    assert_eq!(second.await.status, 200);
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_socket_and_nobody_elses() {
    let (note, mut notes) = unbounded_channel();
    let fragile = anybody()
        .on("at once", |_, _| async { panic!("at once") })
        .on("before the future", |_, _| -> std::future::Ready<()> { panic!("before the future") })
        .on("later", |_, _| async {
            let_others_go_first().await;
            panic!("later")
        })
        .on_disconnect(move |_, reason| {
            note.send(reason).unwrap();
            async {}
        });
    let server =
        Server::start(|builder| with_echo(builder).namespace("/custom", fragile).shards(1)).await;
    let mut bystander = RawSocket::enter(&server).await;
    let mut socket = RawSocket::enter(&server).await;
    for panics in ["at once", "before the future", "later"] {
        socket.enter_namespace("40/custom,").await;
        socket.send(&format!(r#"42/custom,["{panics}"]"#)).await;
        socket.expect("41/custom,").await;
        assert_eq!(notes.recv().await, Some(CloseReason::HandlerPanicked), "{panics}");
        socket.expect_nothing_before(r#"42["its other namespace"]"#).await;
        bystander.expect_nothing_before(r#"42["somebody else"]"#).await;
    }
    assert!(notes.is_empty());
}

#[tokio::test]
async fn a_panic_on_connect_or_disconnect_hurts_nobody_else() {
    let fragile = anybody()
        .on_connect(|_| async { panic!("on connect") })
        .on_disconnect(|_, _| async { panic!("on disconnect") });
    let server =
        Server::start(|builder| with_echo(builder).namespace("/custom", fragile).shards(1)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.expect("41/custom,").await;
    socket.expect_nothing_before(r#"42["unharmed"]"#).await;
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn every_socket_that_came_in_is_seen_leaving_after_its_last_event() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody()
        .on("last", {
            let note = note.clone();
            move |_, _| {
                let note = note.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    note.send("last event").unwrap();
                }
            }
        })
        .on_disconnect(move |_, _| {
            note.send("disconnect").unwrap();
            async {}
        });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["last"]"#).await;
    server.until(|metrics| metrics.packets_received == 2).await;
    drop(socket);
    assert_eq!(notes.recv().await, Some("last event"));
    assert_eq!(notes.recv().await, Some("disconnect"));
}

#[tokio::test]
async fn a_handler_that_outlives_its_socket_sends_into_nothing() {
    let go_on = Arc::new(Notify::new());
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("slow", {
        let go_on = go_on.clone();
        move |socket, event| {
            let (go_on, note) = (go_on.clone(), note.clone());
            async move {
                go_on.notified().await;
                let sent = socket.emit("late", &()).is_ok() && event.ack(&()).is_ok();
                note.send((sent, socket.is_connected(), socket.flushed().await)).unwrap();
            }
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"421["slow"]"#).await;
    server.until(|metrics| metrics.packets_received == 2).await;
    drop(socket);
    server.until_empty().await;
    go_on.notify_one();
    assert_eq!(notes.recv().await, Some((true, false, false)));
    server.until_empty().await;
}

#[tokio::test]
async fn flushed_resolves_when_everything_has_left() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("pages", move |socket, _| {
        let note = note.clone();
        async move {
            for page in 0..50 {
                socket.emit("page", &(page, "x".repeat(50_000))).unwrap();
                assert!(socket.flushed().await);
                note.send(page).unwrap();
            }
        }
    });
    let limit = 200_000;
    let server =
        Server::start(|builder| builder.namespace("/", namespace).max_queued_bytes(limit)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["pages"]"#).await;
    for page in 0..50 {
        assert!(socket.text().await.starts_with(&format!(r#"42["page",{page},"#)));
    }
    for page in 0..50 {
        assert_eq!(notes.recv().await, Some(page));
    }
}

#[tokio::test]
async fn a_handler_that_waits_for_a_flush_learns_that_its_client_is_gone() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("page", move |socket, _| {
        let note = note.clone();
        async move {
            socket.emit("page", &()).unwrap();
            note.send(socket.flushed().await).unwrap();
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let poller = Poller::enter(&server).await;
    poller.say(r#"42["page"]"#).await;
    poller.say("1").await;
    let flushed = timeout(PATIENCE, notes.recv()).await.expect("an answer in time");
    assert_eq!(flushed, Some(false));
}
