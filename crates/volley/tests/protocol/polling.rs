//! Long-polling: payloads, their bounds, and one request of each kind at a time.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use tower_service::Service;
use volley::CloseReason;

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::request::Request;
use crate::server::{Server, anybody, with_echo};

#[tokio::test]
async fn a_post_is_answered_ok_and_a_poll_with_what_waits() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let posted = poller.post(r#"42["hello"]"#).await;
    assert_eq!((posted.status, posted.body.as_str()), (200, "ok"));
    let answer = poller.poll().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"42["hello"]"#));
    let content_type = answer.header("content-type").expect("a content type");
    assert!(content_type.eq_ignore_ascii_case("text/plain; charset=utf-8"), "{content_type}");
}

#[tokio::test]
async fn a_poll_waits_until_there_is_something() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    poller.say(r#"42["hello"]"#).await;
    assert_eq!(poll.answer().await.body, r#"42["hello"]"#);
}

#[tokio::test]
async fn several_packets_travel_in_one_payload_in_order() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    poller.say("42[\"a\"]\x1e42[\"b\"]\x1e42[\"c\"]").await;
    assert_eq!(poller.poll().await.body, "42[\"a\"]\x1e42[\"b\"]\x1e42[\"c\"]");
    poller.say(r#"42["d"]"#).await;
    poller.say(r#"42["e"]"#).await;
    poller.expect(r#"42["d"]"#).await;
    poller.expect(r#"42["e"]"#).await;
}

#[tokio::test]
async fn text_is_text_in_any_script() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"42["日本語","👩‍👩‍👧","\u001e"]"#).await;
    poller.expect(r#"42["日本語","👩‍👩‍👧","\u001e"]"#).await;
}

#[tokio::test]
async fn bytes_travel_as_base64_in_both_directions() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    let packet = r#"451-["bytes",{"_placeholder":true,"num":0}]"#;
    for bytes in ["bAQIDBA==", "b", "b/+8=", "bAAAA"] {
        poller.say(&format!("{packet}\x1e{bytes}")).await;
        poller.expect(packet).await;
        poller.expect(bytes).await;
    }
    poller.say(packet).await;
    poller.say("bAQIDBA==").await;
    poller.expect(packet).await;
    poller.expect("bAQIDBA==").await;
}

#[tokio::test]
async fn a_body_is_plain_text_with_or_without_saying_so() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    for content_type in ["text/plain;charset=UTF-8", "text/plain; charset=utf-8", "text/plain"] {
        let request = Request::post(poller.query(), r#"42["typed"]"#);
        let answer = request.header("Content-Type", content_type).send(&server).await;
        assert_eq!(answer.status, 200, "{content_type}");
        poller.expect(r#"42["typed"]"#).await;
    }
}

#[tokio::test]
async fn a_binary_body_is_refused_and_ends_the_session() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let request = Request::post(poller.query(), "4hello");
    let answer = request.header("Content-Type", "application/octet-stream").send(&server).await;
    assert_eq!(answer.status, 400);
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_body_that_is_no_payload_is_refused_and_ends_the_session() {
    let server = Server::echo().await;
    for body in [
        &b"abc"[..],
        b"",
        b"9",
        b"4\xff\xfe",
        b"b***",
        b"bAQIDBA",
        b"\x1e",
        b"42[\"a\"]\x1e",
        b"0",
        b"5",
        b"2",
    ] {
        let poller = Poller::enter(&server).await;
        let answer = poller.post(body).await;
        assert_eq!(answer.status, 400, "{body:?}");
        poller.expect_gone().await;
    }
    server.until_empty().await;
}

#[tokio::test]
async fn packets_before_the_broken_one_count() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("note", move |_, event| {
        note.send(event.args::<(u32,)>().unwrap().0).unwrap();
        async {}
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let poller = Poller::enter(&server).await;
    assert_eq!(poller.post("42[\"note\",7]\x1eabc\x1e42[\"note\",8]").await.status, 400);
    poller.expect_gone().await;
    assert_eq!(notes.recv().await, Some(7));
    server.until_empty().await;
    assert!(notes.is_empty());
}

#[tokio::test]
async fn a_body_larger_than_announced_ends_the_session() {
    let server = Server::start(|builder| with_echo(builder).max_payload(100_000)).await;
    let fits = format!(r#"42["{}"]"#, "a".repeat(100_000 - 6));
    let mut poller = Poller::enter(&server).await;
    poller.say(&fits).await;
    poller.expect(&fits).await;

    let answer = poller.post(format!("{fits} ")).await;
    assert!([400, 413].contains(&answer.status), "{answer:?}");
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_measured_as_it_comes() {
    let server = Server::start(|builder| with_echo(builder).max_payload(100_000)).await;
    let poller = Poller::enter(&server).await;
    let request = Request::post(poller.query(), "").header("Transfer-Encoding", "chunked");
    let mut pending = request.start(&server).await;
    for _ in 0..11 {
        pending.write(format!("{:x}\r\n{}\r\n", 10_000, "4".repeat(10_000)).as_bytes()).await;
    }
    let status = pending.answer().await.status;
    assert!([400, 413].contains(&status), "{status}");
    poller.expect_gone().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_ends_the_session() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    let poller = Poller::enter(&server).await;
    let post = Request::post(poller.query(), r#"42["hel"#).start_announcing(100, &server).await;
    assert_eq!(post.answer().await.status, 408);
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_stranger_may_send_less_than_a_member() {
    let server = Server::start(|builder| with_echo(builder).max_payload_before_connect(100)).await;
    let poller = Poller::open(&server).await;
    let auth = format!(r#"40{{"token":"{}"}}"#, "a".repeat(200));
    let answer = poller.post(auth).await;
    assert!([400, 413].contains(&answer.status), "{answer:?}");
    poller.expect_gone().await;

    let mut member = Poller::enter(&server).await;
    let long = format!(r#"42["{}"]"#, "a".repeat(200));
    member.say(&long).await;
    member.expect(&long).await;
}

#[tokio::test]
async fn a_payload_of_too_many_packets_ends_the_session() {
    let server = Server::start(|builder| with_echo(builder).max_packets_per_payload(3)).await;
    let mut poller = Poller::enter(&server).await;
    poller.say("42[\"a\"]\x1e42[\"b\"]\x1e42[\"c\"]").await;
    for packet in [r#"42["a"]"#, r#"42["b"]"#, r#"42["c"]"#] {
        poller.expect(packet).await;
    }
    assert_eq!(poller.post("6\x1e6\x1e6\x1e6").await.status, 400);
    poller.expect_gone().await;
}

#[tokio::test]
async fn a_second_poll_ends_the_session_and_the_first() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let first = poller.start_poll().await;
    // The first must be there first; nothing but the server's own answer could tell.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(poller.poll().await.status, 400);
    let first = first.answer().await;
    assert_eq!((first.status, first.body.as_str()), (200, "1"));
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_second_post_ends_the_session_and_the_first() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let request = Request::post(poller.query(), r#"42["hel"#);
    let mut first = request.start_announcing(r#"42["hello"]"#.len(), &server).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(poller.post("42[\"second\"]").await.status, 400);
    first.write(br#"lo"]"#).await;
    assert_eq!(first.answer().await.status, 400);
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn a_poll_that_is_given_up_ends_the_session() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(poll);
    server.until_empty().await;
    poller.expect_gone().await;
}

#[tokio::test]
async fn a_post_that_is_given_up_halfway_ends_the_session() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let post = Request::post(poller.query(), r#"42["hel"#).start_announcing(100, &server).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(post);
    server.until_empty().await;
    poller.expect_gone().await;
}

#[tokio::test]
async fn sessions_that_nobody_polls_are_let_go() {
    let server = Server::start(|builder| {
        with_echo(builder)
            .ping_interval(Duration::from_millis(300))
            .ping_timeout(Duration::from_millis(200))
    })
    .await;
    for _ in 0..300 {
        Poller::open(&server).await;
    }
    assert_eq!(server.until_empty().await.opened, 300);
}

#[tokio::test]
async fn a_post_beside_one_that_waits_for_the_handlers_ends_the_session() {
    let stuck = anybody().on("stuck", |_, _| pending::<()>());
    let server = Server::start(|builder| builder.namespace("/", stuck)).await;
    let poller = Poller::enter(&server).await;
    let events = vec![r#"42["stuck"]"#; 100].join("\x1e");
    let waiting = Request::post(poller.query(), events).start(&server).await;
    server.until(|metrics| metrics.packets_received == 101).await;
    assert_eq!(poller.post(r#"42["stuck"]"#).await.status, 400);
    assert_eq!(waiting.answer().await.status, 400);
    poller.expect_gone().await;
}

#[tokio::test]
async fn what_is_posted_to_a_session_that_closes_counts_for_nothing() {
    let cut = Arc::new(Notify::new());
    let namespace = anybody()
        .on_connect(|socket| async move { socket.join(&socket.group("tea")).unwrap() })
        .on("cut me off", {
            let cut = cut.clone();
            move |socket, _| {
                let cut = cut.clone();
                async move {
                    cut.notified().await;
                    socket.close();
                }
            }
        });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"42["cut me off"]"#).await;
    let mut post = Request::post(poller.query(), "").start_announcing(2, &server).await;
    // Nothing shows that the server has begun to read the body.
    tokio::time::sleep(Duration::from_millis(100)).await;
    cut.notify_one();
    server.until(|metrics| metrics.closes[CloseReason::ServerDisconnect as usize] == 1).await;
    post.write(b"40").await;
    post.answer().await;
    poller.expect("1").await;
    server.until_empty().await;
    let group = server.volley.group("/", "tea");
    assert!(group.is_empty());
    group.emit("said", &()).unwrap();
    RawSocket::enter(&server).await;
}

/// A body of which nothing comes.
struct NeverEnding;

impl Body for NeverEnding {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_post_that_is_given_up_before_it_begins_ends_the_session() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let post = http::Request::post(format!("/socket.io/?{}", poller.query()));
    let mut answer = server.volley.service().call(post.body(NeverEnding).unwrap());
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(answer);
    poller.expect_gone().await;
}
