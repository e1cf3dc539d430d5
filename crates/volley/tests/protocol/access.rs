//! The application's own say about every request, and an id that opens nothing by itself.

use std::time::Duration;

use http::request::Parts;
use volley::{Builder, Connect, Namespace, Pass, Refusal, Refused};

use crate::poller::{self, Poller};
use crate::raw_socket::{self, RawSocket};
use crate::request::{Answer, Request};
use crate::server::{Server, echo, with_echo};

/// Lets in whoever has a session cookie, bound to it.
fn with_cookies(builder: Builder) -> Builder {
    builder.authorize(|parts: &Parts| {
        let cookie = parts.headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
        let name = cookie.and_then(|cookie| cookie.strip_prefix("session=")).map(str::to_owned);
        async move {
            // A store would be asked here.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let name = name.ok_or_else(|| Refusal::unauthorized("Log in first."))?;
            Ok(Pass::bound_to(name.clone()).with(User(name)))
        }
    })
}

#[derive(Clone)]
struct User(String);

fn cookie(name: &str) -> [(&'static str, String); 1] {
    [("Cookie", format!("session={name}"))]
}

#[tokio::test]
async fn who_is_not_logged_in_opens_nothing() {
    let server = Server::start(|builder| with_cookies(with_echo(builder))).await;
    let answer = Request::get(poller::OPEN).send(&server).await;
    assert_eq!((answer.status, answer.refusal().1.as_str()), (401, "Log in first."));
    assert_eq!(Request::upgrade(raw_socket::OPEN).send(&server).await.status, 401);
    assert_eq!(server.volley.metrics().opened, 0);
}

#[tokio::test]
async fn who_is_logged_in_travels_either_way() {
    let server = Server::start(|builder| with_cookies(with_echo(builder))).await;
    let mut poller = Poller::open_with(&server, &cookie("alice")).await;
    poller.say("40").await;
    assert!(poller.hear().await.starts_with("40"));
    let request = Request::upgrade(format!("{}&sid={}", raw_socket::OPEN, poller.sid));
    let upgraded = RawSocket::switch(&server, request.headers(&cookie("alice"))).await;
    let mut upgraded = upgraded.expect("alice may go over");
    upgraded.send("2probe").await;
    upgraded.expect("3probe").await;
    upgraded.send_together(&["5", r#"42["here"]"#]).await;
    upgraded.expect(r#"42["here"]"#).await;

    let (mut direct, _) = RawSocket::open(&server, &cookie("alice")).await;
    direct.enter_namespace("40").await;
}

#[tokio::test]
async fn a_stolen_id_is_of_no_use_without_what_the_session_was_opened_with() {
    let server = Server::start(|builder| with_cookies(with_echo(builder))).await;
    let mut alice = Poller::open_with(&server, &cookie("alice")).await;
    alice.say("40").await;
    assert!(alice.hear().await.starts_with("40"));
    for (thief, status) in [(None, 401), (Some(cookie("mallory")), 403)] {
        let steal = async |request: Request| -> Answer {
            let cookies = thief.as_ref().map_or(&[][..], |cookie| &cookie[..]);
            request.headers(cookies).send(&server).await
        };
        assert_eq!(steal(Request::get(alice.query())).await.status, status);
        assert_eq!(steal(Request::post(alice.query(), r#"42["stolen"]"#)).await.status, status);
        assert_eq!(steal(Request::post(alice.query(), "1")).await.status, status);
        let upgrade = Request::upgrade(format!("{}&sid={}", raw_socket::OPEN, alice.sid));
        assert_eq!(steal(upgrade).await.status, status);
    }
    let poll = alice.start_poll().await;
    let mallory = Request::get(alice.query()).headers(&cookie("mallory")).send(&server).await;
    assert_eq!(mallory.status, 403);
    alice.say(r#"42["unharmed"]"#).await;
    assert_eq!(poll.answer().await.body, r#"42["unharmed"]"#);
}

#[tokio::test]
async fn a_session_that_is_revoked_is_not_served_any_more() {
    let server = Server::start(|builder| with_cookies(with_echo(builder))).await;
    let alice = Poller::open_with(&server, &cookie("alice")).await;
    let logged_out = Request::get(alice.query()).send(&server).await;
    assert_eq!(logged_out.status, 401);
}

#[tokio::test]
async fn the_namespace_knows_whom_the_request_let_in() {
    let namespace = Namespace::new(|connect: Connect| async move {
        let user = connect.extensions().get::<User>().cloned();
        user.ok_or_else(|| Refused::new("nobody"))
    })
    .on("who am I", |socket, event| async move { event.ack(&(&socket.session().0,)).unwrap() });
    let server = Server::start(|builder| {
        with_cookies(builder).namespace("/", namespace).namespace("/custom", echo())
    })
    .await;
    let (mut alice, _) = RawSocket::open(&server, &cookie("alice")).await;
    alice.enter_namespace("40").await;
    alice.send(r#"421["who am I"]"#).await;
    alice.expect(r#"431["alice"]"#).await;

    let mut bob = Poller::open_with(&server, &cookie("bob")).await;
    bob.say("40\x1e421[\"who am I\"]").await;
    assert!(bob.hear().await.starts_with("40"));
    bob.expect(r#"431["bob"]"#).await;
}

#[tokio::test]
async fn the_application_may_say_that_it_has_no_room() {
    let server = Server::start(|builder| {
        with_echo(builder).authorize(|_| async { Err(Refusal::unavailable("Come back later.")) })
    })
    .await;
    let answer = Request::get(poller::OPEN).send(&server).await;
    assert_eq!((answer.status, answer.refusal().1.as_str()), (503, "Come back later."));
}
