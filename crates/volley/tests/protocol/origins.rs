//! Which pages a browser may connect from, told by the `Origin` header, on both transports.

use volley::Origins;

use crate::poller::{self, Poller};
use crate::raw_socket::{self, RawSocket};
use crate::request::Request;
use crate::server::{Server, with_echo};

/// Asks both transports for a session as a page of `origin` would.
async fn expect(server: &Server, host: &str, origin: Option<&str>, allowed: bool) {
    let from_page = |request: Request| {
        let request = request.header("Host", host);
        if let Some(origin) = origin { request.header("Origin", origin) } else { request }
    };
    let polled = from_page(Request::get(poller::OPEN)).send(server).await;
    let switched = RawSocket::switch(server, from_page(Request::upgrade(raw_socket::OPEN))).await;
    if allowed {
        assert_eq!(polled.status, 200, "{origin:?} polls {host}");
        assert!(switched.is_ok(), "{origin:?} opens a WebSocket to {host}");
    } else {
        assert_eq!(polled.status, 403, "{origin:?} polls {host}");
        assert_eq!(polled.refusal(), (4, "Forbidden".to_owned()));
        assert_eq!(switched.err(), Some(403), "{origin:?} opens a WebSocket to {host}");
    }
}

#[tokio::test]
async fn by_default_only_pages_of_the_same_host_may_connect() {
    let server = Server::echo().await;
    let host = "chat.example:8080";
    for origin in ["http://chat.example:8080", "https://chat.example:8080"] {
        expect(&server, host, Some(origin), true).await;
    }
    for origin in [
        "https://evil.example",
        "https://evil.example:8080",
        "null",
        "",
        "http://chat.example:8080.evil.example",
        "http://chat.example.evil:8080",
        "http://evilchat.example:8080",
        "http://sub.chat.example:8080",
        "http://chat.example",
        "http://chat.example:80801",
        "http://chat.example:8081",
        "http://chat.example:8080@evil.example",
        "file://",
    ] {
        expect(&server, host, Some(origin), false).await;
    }
    expect(&server, host, None, true).await;
}

#[tokio::test]
async fn a_list_of_origins_lets_in_exactly_those() {
    let server = Server::start(|builder| {
        with_echo(builder).origins(Origins::list(["https://app.example", "http://localhost:5173"]))
    })
    .await;
    let host = "chat.example";
    for origin in ["https://app.example", "http://localhost:5173"] {
        expect(&server, host, Some(origin), true).await;
    }
    for origin in [
        "https://chat.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://evil-app.example",
        "http://localhost",
        "null",
    ] {
        expect(&server, host, Some(origin), false).await;
    }
    expect(&server, host, None, true).await;
}

#[tokio::test]
async fn a_foreign_page_can_do_nothing_with_a_session_either() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    let evil = |request: Request| request.header("Origin", "https://evil.example");
    assert_eq!(evil(Request::get(poller.query())).send(&server).await.status, 403);
    assert_eq!(evil(Request::post(poller.query(), "1")).send(&server).await.status, 403);
    let upgrade = evil(Request::upgrade(format!("{}&sid={}", raw_socket::OPEN, poller.sid)));
    assert_eq!(upgrade.send(&server).await.status, 403);
    poller.say(r#"42["unharmed"]"#).await;
    poller.expect(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn an_allowed_page_of_another_origin_is_told_so_with_credentials() {
    let origins = Origins::list(["https://app.example"]);
    let server = Server::start(|builder| with_echo(builder).origins(origins)).await;
    let page = |request: Request| request.header("Origin", "https://app.example");
    let answer = page(Request::get(poller::OPEN)).send(&server).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("vary"), Some("Origin"));

    let refused = page(Request::get("EIO=3&transport=polling")).send(&server).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://app.example"));
}

#[tokio::test]
async fn any_page_may_connect_without_credentials_where_any_is_allowed() {
    let server = Server::start(|builder| with_echo(builder).origins(Origins::Any)).await;
    for origin in ["https://evil.example", "null"] {
        let answer = Request::get(poller::OPEN).header("Origin", origin).send(&server).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    let listed = Origins::list(["https://app.example"]);
    for origins in [Origins::SameHost, listed] {
        let server = Server::start(|builder| with_echo(builder).origins(origins)).await;
        for method in ["GET", "OPTIONS"] {
            let request = Request::new(method, poller::OPEN);
            let answer = request.header("Origin", "https://evil.example").send(&server).await;
            assert_eq!(answer.status, 403);
            assert_eq!(answer.header("access-control-allow-origin"), None);
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_it_may_send() {
    let origins = Origins::list(["https://app.example"]);
    let server = Server::start(|builder| with_echo(builder).origins(origins)).await;
    let request = Request::new("OPTIONS", poller::OPEN)
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type");
    let answer = request.send(&server).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
    let headers = answer.header("access-control-allow-headers").expect("headers are named");
    assert!(headers.contains("Content-Type") && headers.contains("Authorization"), "{headers}");
}
