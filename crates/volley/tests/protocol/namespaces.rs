//! How a client enters a namespace, is refused, and leaves.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use volley::{CloseReason, Connect, Namespace, Refused};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody, echo, with_echo};

/// Tells everybody the auth they came with.
fn told_auth() -> Namespace<Value> {
    Namespace::new(|connect: Connect| async move {
        connect.auth().map_err(|_| Refused::new("that is no auth"))
    })
    .on_connect(|socket| async move { socket.emit("auth", &(socket.session(),)).unwrap() })
}

#[tokio::test]
async fn the_main_namespace_is_entered_with_and_without_auth() {
    let server = Server::start(|builder| builder.namespace("/", told_auth())).await;
    for (connect, auth) in [
        ("40", r#"42["auth",{}]"#),
        (r#"40{"token":"123"}"#, r#"42["auth",{"token":"123"}]"#),
        ("40{}", r#"42["auth",{}]"#),
        ("40/,", r#"42["auth",{}]"#),
    ] {
        let mut socket = RawSocket::connect(&server).await;
        socket.send(connect).await;
        let granted = socket.text().await;
        let granted: Value = serde_json::from_str(granted.strip_prefix("40").unwrap()).unwrap();
        let sid = granted["sid"].as_str().unwrap();
        assert_eq!(granted, json!({ "sid": sid }));
        socket.expect(auth).await;
    }
}

#[tokio::test]
async fn a_named_namespace_is_entered_with_and_without_auth() {
    let server = Server::start(|builder| builder.namespace("/custom", told_auth())).await;
    for (connect, auth) in [
        ("40/custom,", r#"42/custom,["auth",{}]"#),
        ("40/custom", r#"42/custom,["auth",{}]"#),
        (r#"40/custom,{"token":"abc"}"#, r#"42/custom,["auth",{"token":"abc"}]"#),
    ] {
        let mut socket = RawSocket::connect(&server).await;
        socket.send(connect).await;
        assert!(socket.text().await.starts_with(r#"40/custom,{"sid":""#));
        socket.expect(auth).await;
    }
}

#[tokio::test]
async fn the_id_of_a_socket_is_not_that_of_its_connection() {
    let server = Server::echo().await;
    let (mut socket, open) = RawSocket::open(&server, &[]).await;
    let mut ids = vec![open["sid"].as_str().unwrap().to_owned()];
    for (connect, granted) in [("40", "40"), ("40/custom,", "40/custom,")] {
        socket.send(connect).await;
        let answer = socket.text().await;
        let answer: Value = serde_json::from_str(answer.strip_prefix(granted).unwrap()).unwrap();
        let id = answer["sid"].as_str().unwrap().to_owned();
        assert!(id.len() >= 22 && !ids.contains(&id), "{id} of {ids:?}");
        ids.push(id);
    }
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_connection_goes_on() {
    let server = Server::echo().await;
    let mut socket = RawSocket::connect(&server).await;
    for unknown in ["40/random", "40/random,", r#"40/random,{"token":"abc"}"#] {
        socket.send(unknown).await;
        socket.expect(r#"44/random,{"message":"Invalid namespace"}"#).await;
    }
    socket.enter_namespace("40").await;

    let only_custom = Server::start(|builder| builder.namespace("/custom", echo())).await;
    let mut socket = RawSocket::connect(&only_custom).await;
    socket.send("40").await;
    socket.expect(r#"44{"message":"Invalid namespace"}"#).await;
}

#[tokio::test]
async fn the_application_refuses_with_its_own_words_and_data() {
    let namespace = Namespace::new(|connect: Connect| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let auth: Value = connect.auth().expect("auth is JSON");
        match auth["token"].as_str() {
            Some("right") => Ok(()),
            Some(_) => Err(Refused::new("Not with \"that\".").with_data(json!({ "code": 7 }))),
            None => Err(Refused::new("Not authorized")),
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send("40").await;
    socket.expect(r#"44{"message":"Not authorized"}"#).await;
    socket.send(r#"40{"token":"wrong"}"#).await;
    socket.expect(r#"44{"message":"Not with \"that\".","data":{"code":7}}"#).await;
    socket.enter_namespace(r#"40{"token":"right"}"#).await;
}

#[tokio::test]
async fn a_refused_client_is_told_so_while_polling_too() {
    let server = Server::echo().await;
    let mut poller = Poller::open(&server).await;
    poller.say("40/random,").await;
    poller.expect(r#"44/random,{"message":"Invalid namespace"}"#).await;
}

#[tokio::test]
async fn a_panic_on_the_way_in_is_a_refusal() {
    let namespace = Namespace::<()>::new(|_| async { panic!("out of luck") });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send("40/custom,").await;
    let refusal = socket.text().await;
    assert!(refusal.starts_with(r#"44/custom,{"message":"#), "{refusal}");
    assert!(!refusal.contains("luck"), "the panic is the log's affair");
    socket.expect_nothing_before(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn who_connects_twice_is_shown_the_door() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send("40").await;
    socket.expect_end().await;

    let mut socket = RawSocket::connect(&server).await;
    socket.send_together(&["40", "40"]).await;
    socket.until_end().await;
}

#[tokio::test]
async fn who_connects_twice_while_the_first_is_decided_is_shown_the_door() {
    let namespace = Namespace::<()>::new(|_| std::future::pending());
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send("40").await;
    socket.send("40").await;
    socket.expect_end().await;
}

#[tokio::test]
async fn who_speaks_before_connecting_is_shown_the_door() {
    let server = Server::echo().await;
    for early in [
        r#"42["hello"]"#,
        r#"421["hello"]"#,
        "431[]",
        "41",
        r#"451-["hello",{"_placeholder":true,"num":0}]"#,
    ] {
        let mut socket = RawSocket::connect(&server).await;
        socket.send(early).await;
        socket.expect_end().await;

        let poller = Poller::open(&server).await;
        assert_eq!(poller.post(early).await.status, 400, "{early}");
        poller.expect_gone().await;
    }
}

#[tokio::test]
async fn who_speaks_in_a_namespace_never_entered_is_shown_the_door() {
    let server = Server::echo().await;
    for stray in [r#"42/custom,["hello"]"#, r#"42/random,["hello"]"#] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(stray).await;
        socket.expect_end().await;
    }
}

#[tokio::test]
async fn auth_is_an_object_or_nothing() {
    let server = Server::echo().await;
    for connect in
        [r#"40"token""#, "40[1]", "40null", "401", "40{", r#"40{"a":1}x"#, "40/custom,[]"]
    {
        let mut socket = RawSocket::connect(&server).await;
        socket.send(connect).await;
        socket.expect_end().await;
    }
}

#[tokio::test]
async fn who_never_connects_is_let_go_in_time() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).connect_timeout(timeout)).await;
    let since = Instant::now();
    let mut socket = RawSocket::connect(&server).await;
    let poller = Poller::open(&server).await;
    let poll = poller.start_poll().await;
    socket.expect_end().await;
    assert!(since.elapsed() >= timeout, "{:?}", since.elapsed());
    assert_eq!(poll.answer().await.body, "1");
    poller.expect_gone().await;
    drop(socket);
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::ConnectTimeout as usize], 2);
}

#[tokio::test]
async fn who_was_only_ever_refused_is_let_go_in_time() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).connect_timeout(timeout)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send("40/random,").await;
    socket.expect(r#"44/random,{"message":"Invalid namespace"}"#).await;
    socket.expect_end().await;
}

#[tokio::test]
async fn who_is_never_decided_about_is_let_go_in_time() {
    let timeout = Duration::from_millis(200);
    let undecided = Namespace::<()>::new(|_| std::future::pending());
    let server =
        Server::start(|builder| builder.namespace("/", undecided).connect_timeout(timeout)).await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send_together(&["40", r#"42["early"]"#]).await;
    socket.expect_end().await;
}

#[tokio::test]
async fn who_leaves_before_it_was_let_in_was_never_there() {
    let go_on = Arc::new(Notify::new());
    let slow = Namespace::new({
        let go_on = go_on.clone();
        move |_| {
            let go_on = go_on.clone();
            async move {
                go_on.notified().await;
                Ok::<_, Refused>(())
            }
        }
    })
    .on_connect(|_| async { panic!("nobody came in") })
    .on_disconnect(|_, _| async { panic!("nobody came in") });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", slow)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send_together(&["40/custom,", "41/custom,"]).await;
    server.until(|metrics| metrics.packets_received == 3).await;
    go_on.notify_one();
    socket.expect_nothing_before(r#"42["still here"]"#).await;
    drop(socket);
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::HandlerPanicked as usize], 0);
}

#[tokio::test]
async fn who_connects_in_time_stays() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).connect_timeout(timeout)).await;
    let mut socket = RawSocket::enter(&server).await;
    tokio::time::sleep(2 * timeout).await;
    socket.expect_nothing_before(r#"42["still here"]"#).await;
}

#[tokio::test]
async fn two_namespaces_share_a_connection_and_are_left_one_by_one() {
    let (note, mut notes) = unbounded_channel();
    let custom = echo().on_disconnect(move |socket, reason| {
        note.send((socket.namespace().to_owned(), reason)).unwrap();
        async {}
    });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", custom)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    server.until(|metrics| metrics.sockets == 2 && metrics.websockets == 1).await;
    socket.send(r#"42["to main"]"#).await;
    socket.expect(r#"42["to main"]"#).await;
    socket.send(r#"42/custom,["to custom"]"#).await;
    socket.expect(r#"42/custom,["to custom"]"#).await;

    socket.send_together(&["41/custom,", r#"42["main goes on"]"#]).await;
    socket.expect(r#"42["main goes on"]"#).await;
    assert_eq!(notes.recv().await.unwrap(), ("/custom".to_owned(), CloseReason::ClientDisconnect));
    server.until(|metrics| metrics.sockets == 1 && metrics.websockets == 1).await;

    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,["again"]"#).await;
    socket.expect(r#"42/custom,["again"]"#).await;
    socket.send("41").await;
    socket.send(r#"42/custom,["custom goes on"]"#).await;
    socket.expect(r#"42/custom,["custom goes on"]"#).await;
}

#[tokio::test]
async fn what_was_on_its_way_when_a_namespace_was_left_is_dropped() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket
        .send_together(&["41/custom,", r#"42/custom,["late"]"#, "41/custom,", "43/custom,1[]"])
        .await;
    socket.expect_nothing_before(r#"42["still here"]"#).await;
}

#[tokio::test]
async fn the_application_ends_a_socket_and_the_connection_stays() {
    let (note, mut notes) = unbounded_channel();
    let custom = anybody()
        .on("show me out", |socket, _| async move {
            socket.emit("goodbye", &()).unwrap();
            socket.disconnect();
            socket.emit("too late", &()).unwrap();
        })
        .on_disconnect(move |socket, reason| {
            note.send((socket.is_connected(), reason)).unwrap();
            async {}
        });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", custom)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,["show me out"]"#).await;
    socket.expect(r#"42/custom,["goodbye"]"#).await;
    socket.expect("41/custom,").await;
    assert_eq!(notes.recv().await.unwrap(), (false, CloseReason::ServerDisconnect));
    socket.expect_nothing_before(r#"42["still here"]"#).await;
    socket.enter_namespace("40/custom,").await;
}

#[tokio::test]
async fn events_that_wait_when_the_application_ends_a_socket_are_not_handled() {
    let (note, mut notes) = unbounded_channel();
    let custom = anybody()
        .on("show me out", |socket, _| async move { socket.disconnect() })
        .on("unheard", {
            let note = note.clone();
            move |_, _| {
                note.send("an event").unwrap();
                async {}
            }
        })
        .on_disconnect(move |_, _| {
            note.send("the end").unwrap();
            async {}
        });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", custom)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.send_together(&[r#"42/custom,["show me out"]"#, r#"42/custom,["unheard"]"#]).await;
    socket.expect("41/custom,").await;
    assert_eq!(notes.recv().await, Some("the end"));
}

#[tokio::test]
async fn what_was_sent_before_a_handler_panicked_arrives_before_the_client_is_told() {
    let custom = anybody().on("panic", |socket, _| async move {
        socket.emit("before", &()).unwrap();
        panic!("after that");
    });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", custom)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,["panic"]"#).await;
    socket.expect(r#"42/custom,["before"]"#).await;
    socket.expect("41/custom,").await;
}

#[tokio::test]
async fn who_left_all_namespaces_has_time_to_enter_another() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).connect_timeout(timeout)).await;
    let mut socket = RawSocket::enter(&server).await;
    tokio::time::sleep(2 * timeout).await;
    socket.send("41").await;
    socket.enter_namespace("40/custom,").await;
    socket.send("41/custom,").await;
    socket.expect_end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_enters_again_hears_nothing_of_what_was_sent_to_the_socket_before() {
    let (enter, mut entered) = unbounded_channel();
    let custom = anybody().on_connect(move |socket| {
        enter.send(socket).unwrap();
        async {}
    });
    let server = Server::start(|builder| {
        builder.namespace("/", anybody()).namespace("/custom", custom).max_queued_bytes(1 << 30)
    })
    .await;
    let mut client = RawSocket::enter(&server).await;
    // The moment is short, and is hit in some of so many tries.
    for _ in 0..200 {
        client.enter_namespace("40/custom,").await;
        let socket = entered.recv().await.unwrap();
        let talking = thread::spawn({
            let socket = socket.clone();
            move || {
                for _ in 0..500 {
                    socket.emit("said", &()).unwrap();
                }
            }
        });
        client.expect(r#"42/custom,["said"]"#).await;
        socket.disconnect();
        while client.text().await != "41/custom," {}
        talking.join().unwrap();
    }
}
