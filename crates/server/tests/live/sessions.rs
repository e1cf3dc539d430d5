//! Who gets in, and who is shown out.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use chat::SESSION_IDLE;
use serde_json::json;

use crate::client::Client;
use crate::support::Server;

#[test]
fn only_who_is_logged_in_gets_in() {
    let server = Server::start();
    let wrong = "A".repeat(43);
    for token in ["", "x", "null", &wrong] {
        let refusal = Client::try_connect(server.address(), token).err().expect("a refusal");
        assert_eq!(refusal["message"], "not_logged_in", "{token}");
        assert_eq!(refusal["data"]["code"], "not_logged_in");
    }
    let alice = server.register("alice");
    assert!(Client::try_connect(server.address(), &alice).is_ok());
}

#[test]
fn long_polling_without_a_cookie_or_header_is_refused() {
    let server = Server::start();
    let alice = server.register("alice");
    let path = "/socket.io/?EIO=4&transport=polling";
    assert_eq!(server.get(path, None).0, 401);
    assert_eq!(server.get(path, Some("nonsense")).0, 401);
    assert_eq!(server.get(&format!("{path}&transport=websocket"), None).0, 401);
    assert_eq!(server.get(path, Some(&alice)).0, 200);
}

#[test]
fn logging_out_ends_the_sockets_of_that_session_and_of_no_other() {
    let server = Server::start();
    let (mut here, room) = server.alice_in_a_room();
    let elsewhere = server.log_in("alice");
    let mut there = Client::connect(server.address(), &elsewhere);
    there.ask("join", &json!({ "room": room }));
    server.log_out(&elsewhere);
    there.wait_for_the_end();
    assert!(Client::try_connect(server.address(), &elsewhere).is_err());
    here.ask("heartbeat", &json!({ "room": room }));
}

/// A commit whose end nobody saw can leave a session ended of which everybody but the store believes that it is alive.
#[test]
fn logging_out_of_a_session_that_has_ended_unseen_ends_its_sockets() {
    let server = Server::start();
    let (_here, room) = server.alice_in_a_room();
    let elsewhere = server.log_in("alice");
    let mut there = Client::connect(server.address(), &elsewhere);
    there.ask("join", &json!({ "room": room }));
    let db = rusqlite::Connection::open(server.folder().join("parlor.db")).unwrap();
    let ended = db.execute("DELETE FROM sessions WHERE id = (SELECT max(id) FROM sessions)", []);
    assert_eq!(ended, Ok(1));
    server.log_out(&elsewhere);
    there.wait_for_the_end();
}

#[test]
fn logging_out_and_hanging_up_before_the_answer_ends_the_sockets_all_the_same() {
    let server = Server::start();
    server.register("alice");
    for _ in 0..10 {
        let token = server.log_in("alice");
        let mut alice = Client::connect(server.address(), &token);
        let mut request = TcpStream::connect(server.address()).unwrap();
        let address = server.address();
        let head = format!("POST /api/logout HTTP/1.1\r\nhost: {address}\r\n");
        let rest = format!("authorization: Bearer {token}\r\ncontent-length: 0\r\n\r\n");
        request.write_all((head + &rest).as_bytes()).unwrap();
        drop(request);
        alice.wait_for_the_end();
    }
}

#[test]
fn nobody_ends_the_sockets_of_somebody_else() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let bob = server.register("bob");
    for session in 1..=2 {
        server.end_session(&bob, session);
    }
    assert!(Client::try_connect(server.address(), &bob).is_err());
    alice.ask("heartbeat", &json!({ "room": room }));
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    let server = Server::start();
    let (_here, room) = server.alice_in_a_room();
    let elsewhere = server.log_in("alice");
    let mut there = Client::connect(server.address(), &elsewhere);
    there.ask("join", &json!({ "room": room }));
    server.change_password("alice");
    there.wait_for_the_end();
    assert!(Client::try_connect(server.address(), &elsewhere).is_err());
}

#[test]
fn a_session_is_in_use_for_as_long_as_it_has_a_connection() {
    let server = Server::start();
    let bot = server.register("bot");
    let connected = Client::connect(server.address(), &bot);
    let almost = SESSION_IDLE.checked_sub(Duration::from_hours(1)).unwrap();
    server.clock().advance(almost);
    let server = server.restart();
    drop(connected);
    server.clock().advance(almost);
    assert!(Client::try_connect(server.address(), &bot).is_ok());
}

#[test]
fn a_new_password_ends_what_was_opened_with_the_old_token_of_the_same_session() {
    let server = Server::start();
    server.register("alice");
    let token = server.log_in("alice");
    let mut alice = Client::connect(server.address(), &token);
    server.change_password_as(&token);
    alice.wait_for_the_end();
}

#[test]
fn one_person_has_a_bounded_number_of_clients() {
    let server = Server::start();
    let alice = server.register("alice");
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(server.address(), &alice)).collect();
    let refusal = Client::try_connect(server.address(), &alice).err().expect("a refusal");
    assert_eq!(refusal["message"], "rate_limited");
    assert!(refusal["data"]["retry_after_ms"].is_u64());
    let mut gone = clients.pop().unwrap();
    gone.leave();
    assert!(Client::try_connect(server.address(), &alice).is_ok());
}
