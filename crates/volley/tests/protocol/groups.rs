//! Groups: one order for everyone, a backlog without gaps, and nothing for those who left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;
use volley::{Builder, Frame, Group, Namespace};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody};
use crate::side_by_side;

/// Rooms by name: `join` and `leave` with acks, `say` to everyone in it.
fn rooms() -> Namespace<()> {
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

async fn rooms_server(describe: impl FnOnce(Builder) -> Builder) -> Server {
    Server::start(|builder| describe(builder.namespace("/", rooms()).namespace("/custom", rooms())))
        .await
}

/// Enters and joins a room.
async fn member(server: &Server, room: &str) -> RawSocket {
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
async fn all_members_hear_concurrent_senders_in_one_order() {
    const SENDERS: u32 = 4;
    const EACH: u32 = 500;
    let server = rooms_server(|builder| builder.shards(3)).await;
    let mut members = Vec::new();
    for _ in 0..12 {
        members.push(member(&server, "tea").await);
    }
    let group = server.volley.group("/", "tea");
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let group = group.clone();
            thread::spawn(move || {
                for number in 0..EACH {
                    group.emit("said", &(sender, number)).unwrap();
                }
            })
        })
        .collect();
    let mut first_order: Option<Vec<String>> = None;
    for member in &mut members {
        let mut heard = Vec::new();
        for _ in 0..SENDERS * EACH {
            heard.push(member.text().await);
        }
        let first_order = first_order.get_or_insert_with(|| heard.clone());
        assert_eq!(&heard, first_order);
    }
    for sender in senders {
        sender.join().unwrap();
    }
    let order = first_order.unwrap();
    for sender in 0..SENDERS {
        let prefix = format!(r#"42["said",{sender},"#);
        let own: Vec<_> = order.iter().filter(|packet| packet.starts_with(&prefix)).collect();
        let wanted: Vec<_> = (0..EACH).map(|number| format!("{prefix}{number}]")).collect();
        assert_eq!(own, wanted.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_one_handler_sends_to_two_groups_arrives_in_order_around_a_join() {
    let namespace = rooms().on("mix", |socket, _| async move {
        let (tea, coffee) = (socket.group("tea"), socket.group("coffee"));
        coffee.emit("said", &(1,)).unwrap();
        tea.emit("said", &("unheard",)).unwrap();
        socket.join(&tea).unwrap();
        tea.emit("said", &(2,)).unwrap();
        coffee.emit("said", &(3,)).unwrap();
        socket.leave(&coffee);
        coffee.emit("said", &("unheard",)).unwrap();
        tea.emit("said", &(4,)).unwrap();
        socket.emit("said", &(5,)).unwrap();
        tea.emit("said", &(6,)).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let _others = (member(&server, "tea").await, member(&server, "coffee").await);
    let mut alice = member(&server, "coffee").await;
    alice.send(r#"42["mix"]"#).await;
    for number in 1..=6 {
        alice.expect(&format!(r#"42["said",{number}]"#)).await;
    }
}

/// With so many members a salvo is dear enough to be held while the handler is under way.
#[tokio::test]
async fn what_one_handler_sends_to_two_groups_arrives_in_order_while_a_salvo_is_held() {
    const MEMBERS: usize = 300;
    let namespace = rooms().on("mix", |socket, _| async move {
        let (tea, coffee) = (socket.group("tea"), socket.group("coffee"));
        tea.emit("said", &(1,)).unwrap();
        socket.emit("said", &(2,)).unwrap();
        assert!(socket.flushed().await);
        coffee.emit("said", &(3,)).unwrap();
        tea.emit("said", &(4,)).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let mut others = Vec::new();
    for _ in 0..MEMBERS {
        others.push(member(&server, "tea").await);
    }
    let mut alice = member(&server, "tea").await;
    alice.send(r#"427["join","coffee"]"#).await;
    alice.expect("437[]").await;
    for _ in 0..10 {
        alice.send(r#"42["mix"]"#).await;
        for number in 1..=4 {
            alice.expect(&format!(r#"42["said",{number}]"#)).await;
        }
    }
}

/// A log as an application keeps it: what was said, under a lock that is also around sending and joining.
struct Log {
    group: Group,
    said: Mutex<Vec<Frame>>,
}

impl Log {
    fn say(&self) {
        let mut said = self.said.lock().unwrap();
        let frame = Frame::event("/", "said", &(said.len(),)).unwrap();
        said.push(frame.clone());
        self.group.send(&frame).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_joins_with_the_backlog_while_others_send_hears_everything_once_and_in_order() {
    const LAST: usize = 2_000;
    let log: Arc<Mutex<Option<Arc<Log>>>> = Arc::default();
    let namespace = anybody().on("join", {
        let log = log.clone();
        move |socket, _| {
            let log = log.lock().unwrap().clone().expect("the log is there before the clients");
            let said = log.said.lock().unwrap();
            socket.join_after(&log.group, said.clone()).unwrap();
            async {}
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(3)).await;
    let group = server.volley.group("/", "tea");
    let log = log.lock().unwrap().insert(Arc::new(Log { group, said: Mutex::default() })).clone();
    let talking = thread::spawn(move || {
        for number in 0..=LAST {
            log.say();
            if number % 20 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let joining = (0..20).map(async |number| {
        tokio::time::sleep(Duration::from_millis(5 * number)).await;
        let mut socket = RawSocket::enter(&server).await;
        socket.send(r#"42["join"]"#).await;
        for number in 0..=LAST {
            socket.expect(&format!(r#"42["said",{number}]"#)).await;
        }
    });
    side_by_side(joining).await;
    talking.join().unwrap();
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

/// All of it is one handler's doing, so that it happens in one tick.
#[tokio::test]
async fn who_joins_a_group_between_two_frames_of_another_hears_all_in_order() {
    let talking = rooms().on("talk", |socket, _| async move {
        let (tea, coffee) = (socket.group("tea"), socket.group("coffee"));
        coffee.emit("said", &(0,)).unwrap();
        tea.emit("said", &(1,)).unwrap();
        socket.join(&coffee).unwrap();
        coffee.emit("said", &(2,)).unwrap();
        tea.emit("said", &(3,)).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", talking).shards(1)).await;
    let mut alice = member(&server, "tea").await;
    let mut bob = member(&server, "coffee").await;
    alice.send(r#"42["talk"]"#).await;
    for number in [1, 2, 3] {
        alice.expect(&format!(r#"42["said",{number}]"#)).await;
    }
    for number in [0, 2] {
        bob.expect(&format!(r#"42["said",{number}]"#)).await;
    }
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
