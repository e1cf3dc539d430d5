//! A salvo to many: clients are read from half-way through it, and it is everybody's all the same.

use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::unbounded_channel;

use crate::groups::{member, rooms, rooms_server};
use crate::raw_socket::{Heard, RawSocket};
use crate::server::Server;
use crate::side_by_side;

/// Enough for a long salvo, whoever leaves.
const MANY: usize = 400;
/// How often the first member says something to which others answer.
const ROUNDS: usize = 10;

#[tokio::test]
async fn clients_are_read_before_a_long_salvo_has_reached_everybody() {
    let (note, mut notes) = unbounded_channel();
    let last_reached = Arc::new(OnceLock::<TcpStream>::new());
    let namespace = rooms().on("answer", {
        let last_reached = last_reached.clone();
        move |_, _| {
            let reached = last_reached.get().expect("it is a member").peek(&mut [0]).is_ok();
            note.send(reached).unwrap();
            async {}
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let mut members = Vec::new();
    for _ in 0..MANY {
        members.push(member(&server, "tea").await);
    }
    let (earlier, later) = members.split_at_mut(MANY / 2);
    let (last, first) = (earlier.last_mut().unwrap(), later.first_mut().unwrap());
    last_reached.set(last.peephole()).unwrap();
    for _ in 0..2_000 {
        server.volley.group("/", "tea").emit("said", &()).unwrap();
        first.expect(r#"42["said"]"#).await;
        first.send(r#"42["answer"]"#).await;
        let reached = notes.recv().await.unwrap();
        last.expect(r#"42["said"]"#).await;
        if !reached {
            return;
        }
    }
    panic!("whoever answers at once was always read last");
}

#[tokio::test]
async fn whoever_speaks_or_leaves_while_a_long_salvo_is_fired_disturbs_nobody() {
    let server = rooms_server(|builder| builder.shards(1)).await;
    let mut members = Vec::new();
    for _ in 0..MANY {
        members.push(member(&server, "tea").await);
    }
    let speakers = (0..MANY).filter(|number| number % 10 == 1).count();
    let wanted = ROUNDS * (1 + speakers);
    let (note, mut notes) = unbounded_channel();
    side_by_side(members.into_iter().enumerate().map(|(number, socket)| {
        let note = note.clone();
        async move {
            if let Some(heard) = attend(number, socket, wanted).await {
                note.send(heard).unwrap();
            }
        }
    }))
    .await;

    let first = notes.recv().await.unwrap();
    let mut once = first.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), wanted, "each once");
    let mut stayed = 1;
    while let Ok(heard) = notes.try_recv() {
        assert_eq!(heard, first, "all in one order");
        stayed += 1;
    }
    assert_eq!(stayed, MANY * 7 / 10);
    server.until_empty().await;
}

/// What a member hears, if it stays to the end. What it does meanwhile follows from its number.
async fn attend(number: usize, mut socket: RawSocket, wanted: usize) -> Option<Vec<String>> {
    let say = |text: String| format!(r#"421["say","tea","{text}"]"#);
    if number == 0 {
        socket.send(&say("round 0".to_owned())).await;
    }
    let mut all = Vec::new();
    while all.len() < wanted {
        let heard = said(&mut socket).await;
        let round = heard.strip_prefix("round ").map(|round| round.parse::<usize>().unwrap());
        all.push(heard);
        let Some(round) = round else { continue };
        match number % 10 {
            0 if number == 0 && round + 1 < ROUNDS => {
                socket.send(&say(format!("round {}", round + 1))).await;
            }
            1 => socket.send(&say(format!("{number} to {round}"))).await,
            2 => socket.ping(b"still there").await,
            3 if round == number / 10 % ROUNDS => {
                socket.send(r#"422["leave","tea"]"#).await;
                while socket.text().await != "432[]" {}
                return None;
            }
            4 if round == number / 10 % ROUNDS => return None,
            5 if round == number / 10 % ROUNDS => {
                socket.send("41").await;
                return None;
            }
            _ => {}
        }
    }
    Some(all)
}

/// What is said next in the room.
async fn said(socket: &mut RawSocket) -> String {
    loop {
        match socket.hear().await {
            Heard::Text(text) => {
                if let Some(said) = text.strip_prefix(r#"42["said",""#) {
                    return said.strip_suffix(r#""]"#).unwrap().to_owned();
                }
            }
            Heard::Pong(_) => {}
            other => panic!("expected something said, heard {other:?}"),
        }
    }
}
