//! Binary events: a packet and its attachments, whole or not at all.

use std::future::pending;
use std::time::Duration;

use volley::{CloseReason, Namespace, Refused};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, with_echo};

const ONE: &str = r#"{"_placeholder":true,"num":0}"#;
const TWO: &str = r#"{"_placeholder":true,"num":1}"#;

#[tokio::test]
async fn a_binary_event_comes_back_with_its_attachments_in_order() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    for event in [
        format!(r#"452-["message",{ONE},{TWO}]"#),
        format!(r#"452-["message",{TWO},"text",{{"deep":[{ONE}]}}]"#),
    ] {
        socket.send(&event).await;
        socket.send_binary(&[1, 2, 3]).await;
        socket.send_binary(&[4, 5, 6]).await;
        socket.expect(&event).await;
        socket.expect_binary(&[1, 2, 3]).await;
        socket.expect_binary(&[4, 5, 6]).await;
    }
}

#[tokio::test]
async fn a_binary_event_is_acknowledged_with_its_attachments() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&format!(r#"452-789["message",{ONE},{TWO}]"#)).await;
    socket.send_binary(&[1, 2, 3]).await;
    socket.send_binary(&[]).await;
    socket.expect(&format!("462-789[{ONE},{TWO}]")).await;
    socket.expect_binary(&[1, 2, 3]).await;
    socket.expect_binary(&[]).await;
}

#[tokio::test]
async fn a_binary_event_of_a_named_namespace_stays_there() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    let event = format!(r#"451-/custom,["message",{ONE}]"#);
    socket.send(&event).await;
    socket.send_binary(&[7]).await;
    socket.expect(&event).await;
    socket.expect_binary(&[7]).await;
}

#[tokio::test]
async fn a_large_attachment_arrives_whole() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let bytes: Vec<u8> = (0..=250).cycle().take(900_000).collect();
    let event = format!(r#"451-["message",{ONE}]"#);
    socket.send(&event).await;
    socket.send_binary(&bytes).await;
    socket.expect(&event).await;
    socket.expect_binary(&bytes).await;
}

#[tokio::test]
async fn ten_attachments_are_taken_and_eleven_are_not() {
    let server = Server::echo().await;
    let event = |count: u8| {
        let placeholders: Vec<_> =
            (0..count).map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)).collect();
        format!(r#"45{count}-["message",{}]"#, placeholders.join(","))
    };
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&event(10)).await;
    for byte in 0..10 {
        socket.send_binary(&[byte]).await;
    }
    socket.expect(&event(10)).await;
    for byte in 0..10 {
        socket.expect_binary(&[byte]).await;
    }
    socket.send(&event(11)).await;
    socket.expect_end().await;
}

#[tokio::test]
async fn a_packet_whose_attachments_do_not_add_up_ends_the_connection() {
    let server = Server::echo().await;
    for nonsense in [
        r#"450-["message"]"#.to_owned(),
        r#"451-["message"]"#.to_owned(),
        format!(r#"45["message",{ONE}]"#),
        format!(r#"45-["message",{ONE}]"#),
        format!(r#"45-1-["message",{ONE}]"#),
        format!(r#"451["message",{ONE}]"#),
        format!(r#"45999999999-["message",{ONE}]"#),
        format!(r#"4599999999999999999999999-["message",{ONE}]"#),
        format!(r#"451e1-["message",{ONE}]"#),
        format!(r#"451-["message",{TWO}]"#),
        format!(r#"452-["message",{ONE}]"#),
        r#"451-["message",{"_placeholder":true,"num":-1}]"#.to_owned(),
        r#"451-["message",{"_placeholder":true,"num":"0"}]"#.to_owned(),
        r#"451-["message",{"_placeholder":true,"num":"__proto__"}]"#.to_owned(),
        r#"451-["message",{"_placeholder":true,"num":0.5}]"#.to_owned(),
        r#"451-["message",{"_placeholder":true}]"#.to_owned(),
        format!("451-[{ONE}]"),
    ] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(&nonsense).await;
        socket.expect_end().await;

        let poller = Poller::enter(&server).await;
        assert_eq!(poller.post(&*nonsense).await.status, 400, "{nonsense}");
        poller.expect_gone().await;
    }
    server.until_empty().await;
}

#[tokio::test]
async fn text_where_an_attachment_is_due_ends_the_connection() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&format!(r#"451-["message",{ONE}]"#)).await;
    socket.send(r#"42["impatient"]"#).await;
    socket.expect_end().await;

    let poller = Poller::enter(&server).await;
    let payload = format!("451-[\"message\",{ONE}]\x1e42[\"impatient\"]");
    assert_eq!(poller.post(payload).await.status, 400);
    poller.expect_gone().await;
}

#[tokio::test]
async fn a_pong_may_come_between_a_packet_and_its_attachment() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let event = format!(r#"451-["message",{ONE}]"#);
    socket.send_together(&[&event, "3"]).await;
    socket.send_binary(&[1]).await;
    socket.expect(&event).await;
    socket.expect_binary(&[1]).await;
}

#[tokio::test]
async fn bytes_that_no_packet_announced_end_the_connection() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send_binary(&[1, 2, 3]).await;
    socket.expect_end().await;

    let mut socket = RawSocket::connect(&server).await;
    socket.send_binary(&[1, 2, 3]).await;
    socket.expect_end().await;

    let mut socket = RawSocket::enter(&server).await;
    let event = format!(r#"451-["message",{ONE}]"#);
    socket.send(&event).await;
    socket.send_binary(&[1]).await;
    socket.expect(&event).await;
    socket.expect_binary(&[1]).await;
    socket.send_binary(&[2]).await;
    socket.expect_end().await;

    let poller = Poller::enter(&server).await;
    assert_eq!(poller.post("bAQID").await.status, 400);
    poller.expect_gone().await;
}

#[tokio::test]
async fn attachments_together_are_no_larger_than_a_message_may_be() {
    let server = Server::start(|builder| with_echo(builder).max_payload(100_000)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&format!(r#"452-["message",{ONE},{TWO}]"#)).await;
    socket.send_binary(&vec![0; 60_000]).await;
    socket.send_binary(&vec![0; 60_000]).await;
    socket.expect_end().await;
    drop(socket);
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::TooLarge as usize], 1);
}

#[tokio::test]
async fn a_packet_that_is_never_completed_ends_the_connection_in_time() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    let event = format!(r#"452-["message",{ONE},{TWO}]"#);
    let mut socket = RawSocket::enter(&server).await;
    socket.send(&event).await;
    socket.send_binary(&[1]).await;
    socket.expect_end().await;

    let poller = Poller::enter(&server).await;
    poller.say(&event).await;
    drop(socket);
    let metrics = server.until_empty().await;
    poller.expect_gone().await;
    assert_eq!(metrics.closes[CloseReason::MessageTimeout as usize], 2);
}

#[tokio::test]
async fn a_websocket_message_that_is_never_completed_ends_the_connection_in_time() {
    let timeout = Duration::from_millis(200);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    for begun in [&[0x81][..], &[0x81, 0x85, 0, 0, 0, 0, b'4'], &[0x01, 0x81, 0, 0, 0, 0, b'4']] {
        let mut socket = RawSocket::enter(&server).await;
        socket.write(begun).await;
        socket.expect_end().await;
    }
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::MessageTimeout as usize], 3);
}

#[tokio::test]
async fn the_attachments_of_a_stranger_are_together_no_larger_than_its_messages() {
    let undecided = Namespace::new(|_| pending::<Result<(), Refused>>());
    let server =
        Server::start(|builder| builder.namespace("/", undecided).max_payload_before_connect(1000))
            .await;
    let mut socket = RawSocket::connect(&server).await;
    socket.send_together(&["40", &format!(r#"452-["message",{ONE},{TWO}]"#)]).await;
    socket.send_binary(&[0; 600]).await;
    socket.send_binary(&[0; 600]).await;
    assert_eq!(socket.until_end().await, Some(1009));
}
