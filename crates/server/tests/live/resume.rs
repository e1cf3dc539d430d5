//! Going away and coming back: exactly what was missed, once, in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{Server, client_id};

pub(crate) fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

pub(crate) fn say(client: &mut Client, room: &str, numbers: std::ops::RangeInclusive<u64>) {
    let answers: Vec<_> = numbers
        .map(|number| {
            let id = client_id(number);
            let body = format!("message {number}");
            client.emit("message", &json!({ "room": room, "client_id": id, "body": body }))
        })
        .collect();
    for answer in answers {
        assert!(client.answer(answer)["ok"]["seq"].is_u64());
    }
}

#[test]
fn a_reconnecting_client_receives_exactly_what_it_missed() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let bob = server.register("bob");
    let mut before = Client::connect(server.address(), &bob);
    let joined = before.ask("join", &json!({ "room": room }));
    say(&mut alice, &room, 1..=3);
    before.next_where("message", |message| message["seq"] == 3);
    before.vanish();
    say(&mut alice, &room, 4..=9);

    let mut after = Client::connect(server.address(), &bob);
    let cursor = json!({ "room": room, "after": 3, "epoch": joined["epoch"] });
    assert_eq!(after.ask("join", &cursor)["head"], 9);
    assert_eq!(seqs(&after.heard_messages()), [4, 5, 6, 7, 8, 9]);
    say(&mut alice, &room, 10..=10);
    assert_eq!(after.next("message")["seq"], 10);
}

#[test]
fn rooms_with_more_to_tell_than_may_wait_can_be_entered_in_one_go() {
    let server = Server::start_with(&["--messages-per-second", "1000"]);
    let token = server.register("alice");
    let mut alice = Client::connect(server.address(), &token);
    let rooms: Vec<_> =
        (0..24).map(|number| server.create_room(&token, &format!("Room {number}"))).collect();
    let body = "x".repeat(8_000);
    for (number, room) in rooms.iter().enumerate() {
        alice.ask("join", &json!({ "room": room }));
        for message in 0..15 {
            let id = client_id(number as u64 * 15 + message);
            alice.ask("message", &json!({ "room": room, "client_id": id, "body": body }));
        }
    }
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    let joins: Vec<_> =
        rooms.iter().map(|room| bob.emit("join", &json!({ "room": room }))).collect();
    // Bob's machine is a moment behind.
    for _ in 0..20 {
        alice.ask("heartbeat", &json!({ "room": rooms[0] }));
    }
    for join in joins {
        assert_eq!(bob.answer(join)["ok"]["head"], 15);
    }
    assert_eq!(bob.heard_messages().len(), 24 * 15);
}

#[test]
fn more_is_resumed_than_memory_holds() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    for start in (1..=1000).step_by(50) {
        say(&mut alice, &room, start..=start + 49);
    }
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    let joined = bob.ask("join", &json!({ "room": room, "after": 10, "epoch": 1 }));
    assert_eq!(joined["head"], 1000);
    assert_eq!(seqs(&bob.heard_messages()), (11..=1000).collect::<Vec<_>>());
}

#[test]
fn many_long_messages_are_resumed_by_polling_and_nobody_is_closed_as_lagging() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    // On the wire each quote takes two bytes.
    let body = "\"".repeat(8192);
    for number in 1..=400 {
        let id = client_id(number);
        alice.ask("message", &json!({ "room": room, "client_id": id, "body": body }));
        alice.next("message");
    }
    let bob = server.register("bob");
    let path = "/socket.io/?EIO=4&transport=polling";
    let open = server.get(path, Some(&bob)).1;
    let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let path = format!("{path}&sid={}", open["sid"].as_str().unwrap());
    server.post_packet(&path, &bob, "40");
    let join = json!(["join", { "room": room, "after": 0, "epoch": 1 }]);
    server.post_packet(&path, &bob, &format!("420{join}"));
    // Bob is slow: alice has been answered thousands of times before he polls.
    for _ in 0..20 {
        server.clock().advance(Duration::from_secs(20));
        (0..150).for_each(|_| drop(alice.ask("unwatch_rooms", &json!({}))));
    }
    let mut heard = Vec::new();
    loop {
        let (status, packets) = server.get(&path, Some(&bob));
        assert_eq!(status, 200, "{packets}");
        for packet in packets.split('\x1e') {
            if let Some(ack) = packet.strip_prefix("430") {
                let ack: Value = serde_json::from_str(ack).unwrap();
                assert_eq!(ack[0]["ok"]["head"], 400);
                assert_eq!(seqs(&heard), (1..=400).collect::<Vec<_>>());
                return;
            }
            assert_ne!(packet, "1", "closed");
            let event = packet.strip_prefix("42").map(serde_json::from_str::<(String, Value)>);
            match event.transpose().unwrap() {
                Some((name, message)) if name == "message" => heard.push(message),
                _ => {}
            }
        }
    }
}

#[test]
fn the_log_goes_on_where_it_was_after_a_restart() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    say(&mut alice, &room, 1..=5);
    let server = server.restart();
    let mut alice = Client::connect(server.address(), &server.log_in("alice"));
    let joined = alice.ask("join", &json!({ "room": room, "after": 2, "epoch": 1 }));
    assert_eq!((&joined["head"], &joined["epoch"]), (&json!(5), &json!(1)));
    assert_eq!(seqs(&alice.heard_messages()), [3, 4, 5]);
    say(&mut alice, &room, 6..=6);
    assert_eq!(alice.next("message")["seq"], 6);
}

#[test]
fn without_a_cursor_the_newest_page_is_told() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    say(&mut alice, &room, 1..=60);
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    assert_eq!(seqs(&bob.heard_messages()), (11..=60).collect::<Vec<_>>());
}

#[test]
fn a_cursor_of_another_life_of_the_log_or_from_the_future_is_told_so() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    say(&mut alice, &room, 1..=2);
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    for (after, epoch, reason) in [(1, 7, "epoch"), (3, 1, "ahead")] {
        bob.ask("join", &json!({ "room": room, "after": after, "epoch": epoch }));
        let resync = bob.next("resync");
        assert_eq!(resync, json!({ "room": room, "epoch": 1, "head": 2, "reason": reason }));
        assert_eq!(seqs(&bob.heard_messages()), [1, 2]);
    }
}

#[test]
fn joining_amid_a_storm_of_messages_loses_none_and_repeats_none() {
    let server = Server::start();
    let (alice, room) = server.alice_in_a_room();
    drop(alice);
    let bob = server.register("bob");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let talkers: Vec<_> = (0..4_u64)
            .map(|talker| {
                let token = server.register(&format!("talker{talker}"));
                let (server, room) = (&server, &room);
                scope.spawn(move || {
                    let mut client = Client::connect(server.address(), &token);
                    client.ask("join", &json!({ "room": room }));
                    for start in (talker * 1000 + 1..=talker * 1000 + 300).step_by(10) {
                        say(&mut client, room, start..=start + 9);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            // Again and again: join with the cursor so far, listen a little, be gone.
            let mut last = 0;
            while !over.load(Ordering::SeqCst) || last < 1200 {
                // Joining costs credit, which comes back with time.
                server.clock().advance(Duration::from_secs(2));
                let mut client = Client::connect(server.address(), &bob);
                let cursor = json!({ "room": room, "after": last, "epoch": 1 });
                client.ask("join", &cursor);
                client.ask("join", &cursor);
                let mut heard = client.heard_messages();
                // The second join told everything after the cursor again; nothing else may come twice.
                let again = heard.iter().rposition(|message| message["seq"] == last + 1);
                heard.drain(..again.unwrap_or_default());
                let expected: Vec<_> = (last + 1..).take(heard.len()).collect();
                assert_eq!(seqs(&heard), expected);
                last += heard.len() as u64;
            }
            assert_eq!(last, 1200);
        });
        for talker in talkers {
            talker.join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn nothing_that_follows_its_head_comes_before_the_answer_to_a_join() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (over, talks_in) = (&over, room.clone());
        scope.spawn(move || {
            for number in (1..).take_while(|_| !over.load(Ordering::Relaxed)) {
                say(&mut alice, &talks_in, number..=number);
            }
        });
        for _ in 0..500 {
            // A join costs credit.
            server.clock().advance(Duration::from_secs(1));
            let joined = bob.ask("join", &json!({ "room": room }));
            let last = seqs(&bob.messages_before_the_answer()).last().copied().unwrap_or(0);
            over.store(joined["head"] != last, Ordering::Relaxed);
            assert_eq!(joined["head"], last);
        }
        over.store(true, Ordering::Relaxed);
    });
}
