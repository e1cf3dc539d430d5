//! How a session is opened, and how it is refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::poller::{self, Poller, parse_open};
use crate::raw_socket::{self, RawSocket};
use crate::request::Request;
use crate::server::{Server, with_echo};

const TRANSPORT_UNKNOWN: (u64, &str) = (0, "Transport unknown");
const SESSION_UNKNOWN: (u64, &str) = (1, "Session ID unknown");
const BAD_METHOD: (u64, &str) = (2, "Bad handshake method");
const UNSUPPORTED_VERSION: (u64, &str) = (5, "Unsupported protocol version");

async fn expect_refusal(server: &Server, request: Request, (code, message): (u64, &str)) {
    let answer = request.send(server).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.refusal(), (code, message.to_owned()));
}

fn expect_terms(open: &Value, upgrades: &Value) {
    let sid = open["sid"].as_str().expect("a sid");
    assert_eq!(sid.len(), 22, "128 random bits in base64url: {sid}");
    let terms = json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": 12_000,
        "pingTimeout": 3_000,
        "maxPayload": 70_000,
    });
    assert_eq!(open, &terms);
}

async fn server_with_terms() -> Server {
    Server::start(|builder| {
        with_echo(builder)
            .ping_interval(Duration::from_secs(12))
            .ping_timeout(Duration::from_secs(3))
            .max_payload(70_000)
    })
    .await
}

#[tokio::test]
async fn a_get_opens_a_polling_session_and_names_its_terms() {
    let server = server_with_terms().await;
    let answer = Request::get(poller::OPEN).send(&server).await;
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type").expect("a content type");
    assert!(content_type.eq_ignore_ascii_case("text/plain; charset=utf-8"), "{content_type}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    expect_terms(&parse_open(&answer.body), &json!(["websocket"]));
}

#[tokio::test]
async fn a_websocket_opens_a_session_that_cannot_be_upgraded() {
    let server = server_with_terms().await;
    let (_socket, open) = RawSocket::open(&server, &[]).await;
    expect_terms(&open, &json!([]));
}

#[tokio::test]
async fn every_session_has_an_id_of_its_own() {
    let server = Server::echo().await;
    let mut sids = std::collections::HashSet::new();
    for _ in 0..100 {
        assert!(sids.insert(Poller::open(&server).await.sid));
    }
}

#[tokio::test]
async fn parameters_that_mean_nothing_here_are_ignored() {
    let server = Server::echo().await;
    for query in ["t=N8hyd6w&EIO=4&transport=polling", "EIO=4&transport=polling&b64=1&room=%20"] {
        assert_eq!(Request::get(query).send(&server).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn another_version_of_the_protocol_is_refused() {
    let server = Server::echo().await;
    for query in [
        "transport=polling",
        "EIO=&transport=polling",
        "EIO=3&transport=polling",
        "EIO=5&transport=polling",
        "EIO=44&transport=polling",
        "EIO=abc&transport=polling",
        "transport=websocket",
        "EIO=3&transport=websocket",
        "EIO=abc&transport=websocket",
    ] {
        expect_refusal(&server, Request::get(query), UNSUPPORTED_VERSION).await;
        expect_refusal(&server, Request::upgrade(query), UNSUPPORTED_VERSION).await;
    }
}

#[tokio::test]
async fn an_unknown_transport_is_refused() {
    let server = Server::echo().await;
    for query in [
        "EIO=4",
        "EIO=4&transport=",
        "EIO=4&transport=abc",
        "EIO=4&transport=webtransport",
        "EIO=4&transport=__proto__",
        "EIO=4&transport=Polling",
    ] {
        expect_refusal(&server, Request::get(query), TRANSPORT_UNKNOWN).await;
        expect_refusal(&server, Request::upgrade(query), TRANSPORT_UNKNOWN).await;
    }
}

#[tokio::test]
async fn a_session_is_opened_by_get_alone() {
    let server = Server::echo().await;
    expect_refusal(&server, Request::post(poller::OPEN, ""), BAD_METHOD).await;
    expect_refusal(&server, Request::post(poller::OPEN, "4hello"), BAD_METHOD).await;
    for method in ["PUT", "DELETE", "PATCH"] {
        expect_refusal(&server, Request::new(method, poller::OPEN), BAD_METHOD).await;
    }
    server.until(|metrics| metrics.opened == 0).await;
}

#[tokio::test]
async fn a_session_is_only_got_from_and_posted_to() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = Request::new(method, poller.query()).send(&server).await;
        assert_eq!(answer.status, 400, "{method}");
    }
    poller.say(r#"42["still here"]"#).await;
    poller.expect(r#"42["still here"]"#).await;
}

#[tokio::test]
async fn an_unknown_or_malformed_session_id_never_opens_a_session() {
    let server = Server::echo().await;
    for sid in [
        "AAAAAAAAAAAAAAAAAAAAAA",
        "",
        "a",
        "__proto__",
        "constructor",
        "AAAAAAAAAAAAAAAAAAAAA%00",
        "%ff%fe",
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAA&sid=BBBBBBBBBBBBBBBBBBBBBB",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let polling = format!("{}&sid={sid}", poller::OPEN);
        expect_refusal(&server, Request::get(&polling), SESSION_UNKNOWN).await;
        expect_refusal(&server, Request::post(&polling, "40"), SESSION_UNKNOWN).await;
        let websocket = format!("{}&sid={sid}", raw_socket::OPEN);
        expect_refusal(&server, Request::upgrade(websocket), SESSION_UNKNOWN).await;
    }
    server.until(|metrics| metrics.opened == 0).await;
}

#[tokio::test]
async fn a_websocket_must_be_asked_for_as_one() {
    let server = Server::echo().await;
    assert_eq!(Request::get(raw_socket::OPEN).send(&server).await.status, 400);
    let old = Request::get(raw_socket::OPEN)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "8");
    let answer = old.send(&server).await;
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")));
    server.until(|metrics| metrics.opened == 0).await;
}

#[tokio::test]
async fn a_session_is_not_asked_for_by_the_name_of_another_transport() {
    let server = Server::echo().await;
    let (mut socket, open) = RawSocket::open(&server, &[]).await;
    let sid = open["sid"].as_str().unwrap();
    let polled = Request::get(format!("{}&sid={sid}", poller::OPEN)).send(&server).await;
    assert_eq!(polled.status, 400);
    socket.enter_namespace("40").await;
    socket.expect_nothing_before(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn more_connections_than_there_are_seats_are_asked_to_come_later() {
    let server = Server::start(|builder| with_echo(builder).max_connections(2)).await;
    let _poller = Poller::open(&server).await;
    let socket = RawSocket::connect(&server).await;
    assert_eq!(Request::get(poller::OPEN).send(&server).await.status, 503);
    assert_eq!(Request::upgrade(raw_socket::OPEN).send(&server).await.status, 503);
    drop(socket);
    server.until(|metrics| metrics.connections() == 1).await;
    RawSocket::enter(&server).await;
}

#[tokio::test]
async fn what_a_client_says_without_waiting_for_the_handshake_is_heard() {
    let server = Server::echo().await;
    for _ in 0..20 {
        let request = Request::upgrade(raw_socket::OPEN);
        let hasty = ["40", r#"421["first"]"#];
        let mut socket = RawSocket::switch_saying(&server, request, &hasty).await.unwrap();
        assert!(socket.text().await.starts_with('0'));
        assert!(socket.text().await.starts_with("40"));
        socket.expect("431[]").await;

        let mut poller = Poller::enter(&server).await;
        let request = Request::upgrade(format!("{}&sid={}", raw_socket::OPEN, poller.sid));
        let mut socket = RawSocket::switch_saying(&server, request, &["2probe"]).await.unwrap();
        socket.expect("3probe").await;
        socket.send_together(&["5", r#"421["first"]"#]).await;
        socket.expect("431[]").await;
        assert!(poller.heard_before().is_none());
    }
}
