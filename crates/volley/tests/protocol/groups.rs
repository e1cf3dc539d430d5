//! Groups: everything for those who are in, and nothing for those who left. In which order is in `order.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;
use volley::{Builder, Frame, Namespace};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody};

/// Rooms by name: `join` and `leave` with acks, `say` to everyone in it.
pub(super) fn rooms() -> Namespace<()> {
    anybody()
        .on("join", |socket, event| async move {
            let (room,): (String,) = event.args().unwrap();
            socket.join(&socket.group(&room)).unwrap();
            event.ack(&()).unwrap();
        })
        .on("leave", |socket, event| async move {
            let (room,): (String,) = event.args().unwrap();
            socket.leave(&socket.group(&room));
            event.ack(&()).unwrap();
        })
        .on("say", |socket, event| async move {
            let (room, text): (String, String) = event.args().unwrap();
            socket.group(&room).emit("said", &(text,)).unwrap();
            event.ack(&()).unwrap();
        })
}

pub(super) async fn rooms_server(describe: impl FnOnce(Builder) -> Builder) -> Server {
    Server::start(|builder| describe(builder.namespace("/", rooms()).namespace("/custom", rooms())))
        .await
}

/// Enters and joins a room.
pub(super) async fn member(server: &Server, room: &str) -> RawSocket {
    let mut socket = RawSocket::enter(server).await;
    socket.send(&format!(r#"427["join","{room}"]"#)).await;
    socket.expect("437[]").await;
    socket
}

#[tokio::test]
async fn everyone_in_a_group_hears_what_is_said_the_sender_included() {
    let server = rooms_server(|builder| builder).await;
    let mut alice = member(&server, "tea").await;
    let mut bob = member(&server, "tea").await;
    let mut carol = member(&server, "coffee").await;
    alice.send(r#"421["say","tea","hello"]"#).await;
    alice.expect(r#"42["said","hello"]"#).await;
    alice.expect("431[]").await;
    bob.expect(r#"42["said","hello"]"#).await;
    carol.send(r#"421["say","coffee","morning"]"#).await;
    carol.expect(r#"42["said","morning"]"#).await;
}

#[tokio::test]
async fn a_group_spans_shards_and_transports() {
    let server = rooms_server(|builder| builder.shards(4)).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(member(&server, "tea").await);
    }
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"427["join","tea"]"#).await;
    poller.expect("437[]").await;
    assert_eq!(server.volley.group("/", "tea").len(), 21);
    server.volley.group("/", "tea").emit("said", &("to all",)).unwrap();
    for socket in &mut sockets {
        socket.expect(r#"42["said","to all"]"#).await;
    }
    poller.expect(r#"42["said","to all"]"#).await;
}

#[tokio::test]
async fn who_joins_twice_hears_once_and_who_leaves_hears_no_more() {
    let server = rooms_server(|builder| builder).await;
    let mut alice = member(&server, "tea").await;
    alice.send_together(&[r#"421["join","tea"]"#, r#"422["join","tea"]"#]).await;
    alice.expect("431[]").await;
    alice.expect("432[]").await;
    assert_eq!(server.volley.group("/", "tea").len(), 1);
    alice.send_together(&[r#"423["say","tea","once"]"#, r#"424["leave","tea"]"#]).await;
    alice.expect(r#"42["said","once"]"#).await;
    alice.expect("433[]").await;
    alice.expect("434[]").await;
    alice.send_together(&[r#"425["say","tea","unheard"]"#, r#"426["leave","tea"]"#]).await;
    alice.expect("435[]").await;
    alice.expect("436[]").await;
    assert!(server.volley.group("/", "tea").is_empty());
}

#[tokio::test]
async fn groups_of_the_same_name_in_two_namespaces_are_two_groups() {
    let server = rooms_server(|builder| builder).await;
    let mut alice = member(&server, "tea").await;
    alice.enter_namespace("40/custom,").await;
    alice.send(r#"42/custom,8["join","tea"]"#).await;
    alice.expect("43/custom,8[]").await;
    server.volley.group("/custom", "tea").emit("said", &("in custom",)).unwrap();
    alice.expect(r#"42/custom,["said","in custom"]"#).await;
    server.volley.group("/", "tea").emit("said", &("in main",)).unwrap();
    alice.expect(r#"42["said","in main"]"#).await;
    alice.send("41/custom,").await;
    server.until(|metrics| metrics.sockets == 1).await;
    assert!(server.volley.group("/custom", "tea").is_empty());
    assert_eq!(server.volley.group("/", "tea").len(), 1);
}

#[tokio::test]
async fn a_socket_that_is_gone_is_a_member_of_nothing() {
    let server = rooms_server(|builder| builder).await;
    let group = server.volley.group("/", "tea");
    let mut leaving = member(&server, "tea").await;
    let closing = member(&server, "tea").await;
    assert_eq!(group.len(), 2);
    leaving.send("41").await;
    drop(closing);
    server.until(|metrics| metrics.sockets == 0).await;
    assert!(group.is_empty());
    group.emit("said", &("to nobody",)).unwrap();
    leaving.enter_namespace("40").await;
    assert!(group.is_empty());
}

#[tokio::test]
async fn who_joins_when_it_has_left_already_is_no_member() {
    let (go_on, joined) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = anybody().on("join", {
        let (go_on, joined) = (go_on.clone(), joined.clone());
        move |socket, _| {
            let (go_on, joined) = (go_on.clone(), joined.clone());
            async move {
                go_on.notified().await;
                let frame = Frame::event("/", "backlog", &()).unwrap();
                socket.join_after(&socket.group("tea"), vec![frame]).unwrap();
                joined.notify_one();
            }
        }
    });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let group = server.volley.group("/", "tea");
    let mut socket = RawSocket::enter(&server).await;
    socket.send_together(&[r#"42["join"]"#, "41"]).await;
    server.until(|metrics| metrics.packets_received == 3).await;
    go_on.notify_one();
    joined.notified().await;
    socket.enter_namespace("40").await;
    assert!(group.is_empty());
}

#[tokio::test]
async fn bytes_reach_everyone_in_a_group() {
    let server = rooms_server(|builder| builder).await;
    let mut alice = member(&server, "tea").await;
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"427["join","tea"]"#).await;
    poller.expect("437[]").await;
    let args = (volley::Placeholder::new(0),);
    let bytes = [bytes::Bytes::from_static(&[1, 2, 3, 4])];
    let frame = Frame::binary_event("/", "picture", &args, &bytes).unwrap();
    server.volley.group("/", "tea").send(&frame).unwrap();
    let packet = r#"451-["picture",{"_placeholder":true,"num":0}]"#;
    alice.expect(packet).await;
    alice.expect_binary(&[1, 2, 3, 4]).await;
    poller.expect(packet).await;
    poller.expect("bAQIDBA==").await;
}

#[tokio::test]
async fn a_broadcast_reaches_everyone_in_a_namespace_and_nobody_else() {
    let server = rooms_server(|builder| builder).await;
    let mut both = RawSocket::enter(&server).await;
    both.enter_namespace("40/custom,").await;
    let mut main_only = RawSocket::enter(&server).await;
    let frame = Frame::event("/custom", "news", &()).unwrap();
    server.volley.broadcast("/custom", &frame).unwrap();
    both.expect(r#"42/custom,["news"]"#).await;
    main_only.send(r#"421["join","tea"]"#).await;
    main_only.expect("431[]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_coming_and_going_while_others_send_leaves_nobody_behind() {
    let server = rooms_server(|builder| builder.shards(3)).await;
    let group = server.volley.group("/", "tea");
    let over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..3)
        .map(|sender| {
            let (group, over) = (group.clone(), over.clone());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    group.emit("said", &(sender,)).unwrap();
                    thread::sleep(Duration::from_micros(200));
                }
            })
        })
        .collect();
    for number in 0..200 {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(r#"427["join","tea"]"#).await;
        if number % 2 == 0 {
            while socket.text().await != "437[]" {}
        }
        match number % 5 {
            0 => socket.send("41").await,
            1 => socket.send(r#"428["leave","tea"]"#).await,
            2 => socket.send("1").await,
            3 => socket.send("nonsense").await,
            _ => {}
        }
    }
    over.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().unwrap();
    }
    server.until_empty().await;
    assert!(group.is_empty());
}

#[tokio::test]
async fn a_socket_in_as_many_groups_as_it_may_be_is_told_and_may_join_after_leaving_one() {
    let namespace = anybody()
        .on("join", |socket, event| async move {
            let (name,) = event.args::<(&str,)>().unwrap();
            let joined = socket.join(&socket.group(name)).is_ok();
            event.ack(&(joined,)).unwrap();
        })
        .on("leave", |socket, event| async move {
            let (name,) = event.args::<(&str,)>().unwrap();
            socket.leave(&socket.group(name));
            event.ack(&()).unwrap();
        });
    let server =
        Server::start(|builder| builder.namespace("/", namespace).max_groups_per_socket(2)).await;
    let mut socket = RawSocket::enter(&server).await;
    for (group, joined) in [("a", true), ("b", true), ("c", false)] {
        socket.send(&format!(r#"421["join","{group}"]"#)).await;
        socket.expect(&format!("431[{joined}]")).await;
    }
    socket.send(r#"422["leave","a"]"#).await;
    socket.expect("432[]").await;
    socket.send(r#"423["join","c"]"#).await;
    socket.expect("433[true]").await;
}
