//! How either side ends a connection, and what the application hears of it.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use volley::CloseReason;

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::request::Request;
use crate::server::{Server, anybody};

/// A server that tells why sockets end, and ends them when they ask for it.
async fn closing_server() -> (Server, UnboundedReceiver<CloseReason>) {
    let (note, notes) = unbounded_channel();
    let namespace = anybody()
        .on("cut me off", |socket, _| async move {
            socket.emit("goodbye", &()).unwrap();
            socket.close();
            socket.emit("too late", &()).unwrap();
        })
        .on_disconnect(move |_, reason| {
            note.send(reason).unwrap();
            async {}
        });
    (Server::start(|builder| builder.namespace("/", namespace)).await, notes)
}

#[tokio::test]
async fn a_polling_client_closes_its_session() {
    let (server, mut reasons) = closing_server().await;
    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    poller.say("1").await;
    let answer = poll.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "6"));
    poller.expect_gone().await;
    assert_eq!(reasons.recv().await, Some(CloseReason::ClientDisconnect));
    server.until_empty().await;
}

#[tokio::test]
async fn a_poll_that_the_post_of_a_close_has_overtaken_is_let_go() {
    let (server, mut reasons) = closing_server().await;
    // The poll has milliseconds to arrive in; a busy machine may need several tries.
    for _ in 0..50 {
        let poller = Poller::enter(&server).await;
        let post = Request::post(poller.query(), "1").start(&server).await;
        assert_eq!(reasons.recv().await, Some(CloseReason::ClientDisconnect));
        let poll = poller.start_poll().await.answer().await;
        assert_eq!(post.answer().await.body, "ok");
        poller.expect_gone().await;
        if (poll.status, poll.body.as_str()) == (200, "6") {
            return;
        }
    }
    panic!("no poll was let go");
}

#[tokio::test]
async fn a_polling_client_closes_its_session_without_polling() {
    let (server, mut reasons) = closing_server().await;
    let poller = Poller::enter(&server).await;
    poller.say("1").await;
    poller.expect_gone().await;
    assert_eq!(reasons.recv().await, Some(CloseReason::ClientDisconnect));
    server.until_empty().await;
}

#[tokio::test]
async fn a_websocket_client_closes_its_session() {
    let (server, mut reasons) = closing_server().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send("1").await;
    socket.expect_end().await;
    assert_eq!(reasons.recv().await, Some(CloseReason::ClientDisconnect));
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn a_websocket_client_says_goodbye_in_websocket_terms() {
    let (server, mut reasons) = closing_server().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.write(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await;
    assert_eq!(socket.until_end().await, Some(1000));
    assert_eq!(reasons.recv().await, Some(CloseReason::TransportClosed));
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn a_websocket_client_vanishes() {
    let (server, mut reasons) = closing_server().await;
    drop(RawSocket::enter(&server).await);
    assert_eq!(reasons.recv().await, Some(CloseReason::TransportClosed));
    server.until_empty().await;
}

#[tokio::test]
async fn the_application_closes_a_websocket_after_what_it_sent_before() {
    let (server, mut reasons) = closing_server().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["cut me off"]"#).await;
    socket.expect(r#"42["goodbye"]"#).await;
    socket.expect_end().await;
    assert_eq!(reasons.recv().await, Some(CloseReason::ServerDisconnect));
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn the_application_closes_a_polling_session_after_what_it_sent_before() {
    let (server, mut reasons) = closing_server().await;
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"42["cut me off"]"#).await;
    poller.expect(r#"42["goodbye"]"#).await;
    poller.expect("1").await;
    poller.expect_gone().await;
    assert_eq!(reasons.recv().await, Some(CloseReason::ServerDisconnect));
    server.until_empty().await;
}

#[tokio::test]
async fn a_message_that_is_no_packet_closes_a_websocket() {
    let (server, mut reasons) = closing_server().await;
    for nonsense in ["abc", "", "7", "9", "0", "5"] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(nonsense).await;
        socket.expect_end().await;
        assert_eq!(reasons.recv().await, Some(CloseReason::ProtocolError), "{nonsense:?}");
    }
    server.until_empty().await;
}

#[tokio::test]
async fn a_message_larger_than_announced_closes_a_websocket() {
    let (server, mut reasons) = closing_server().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&format!(r#"42["{}"]"#, "a".repeat(1_000_000))).await;
    assert_eq!(socket.until_end().await, Some(1009));
    assert_eq!(reasons.recv().await, Some(CloseReason::TooLarge));
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn a_stranger_with_a_large_message_is_not_heard_out() {
    let (server, _reasons) = closing_server().await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send(&format!(r#"40{{"token":"{}"}}"#, "a".repeat(20_000))).await;
    assert_eq!(socket.until_end().await, Some(1009));
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn a_noop_is_nothing() {
    let (server, _reasons) = closing_server().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send_together(&["6", r#"42["cut me off"]"#]).await;
    socket.expect(r#"42["goodbye"]"#).await;
}
