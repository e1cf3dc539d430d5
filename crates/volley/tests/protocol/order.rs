//! One order for everyone in a group, and no gap between a backlog and what follows.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use volley::{Frame, Group};

use super::groups::{member, rooms, rooms_server};
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody};
use crate::side_by_side;

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
