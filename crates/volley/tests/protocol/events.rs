//! EVENT packets in both directions, and what is none.

use std::time::Duration;

use volley::CloseReason;

use crate::poller::Poller;
use crate::raw_socket::{RawSocket, frames};
use crate::server::{Server, anybody, with_echo};

#[tokio::test]
async fn an_event_keeps_its_arguments_to_the_letter() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let mut poller = Poller::enter(&server).await;
    for event in [
        r#"42["message"]"#,
        r#"42["message",1,"2",{"3":[true]}]"#,
        r#"42["message",null,false,-0.5,1e300,9007199254740993,12345678901234567890]"#,
        r#"42["message",[],{},[[]],{"a":{"b":[{}]}}]"#,
        r#"42["message","é 日本語 👩‍👩‍👧 \u0000 \" \\"]"#,
        r#"42["a name, with [brackets] and 1-digits"]"#,
        r#"42["日本語"]"#,
        r#"42["message",{"_placeholder":true,"num":0}]"#,
    ] {
        socket.send(event).await;
        socket.expect(event).await;
        poller.say(event).await;
        poller.expect(event).await;
    }
}

#[tokio::test]
async fn an_event_of_a_named_namespace_stays_there() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    for event in [r#"42/custom,["message"]"#, r#"42/custom,["/,",{"a":","}]"#] {
        socket.send(event).await;
        socket.expect(event).await;
    }
}

#[tokio::test]
async fn many_events_come_back_in_the_order_in_which_they_were_sent() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let events: Vec<_> = (0..5_000).map(|number| format!(r#"42["message",{number}]"#)).collect();
    for some in events.chunks(50) {
        let some: Vec<_> = some.iter().map(String::as_str).collect();
        socket.send_together(&some).await;
    }
    for event in events {
        socket.expect(&event).await;
    }
}

#[tokio::test]
async fn an_event_may_come_byte_by_byte() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let long = format!(r#"42["{}"]"#, "long ".repeat(50));
    for byte in frames(&[r#"42["short"]"#, &long]) {
        socket.write(&[byte]).await;
    }
    socket.expect(r#"42["short"]"#).await;
    socket.expect(&long).await;
}

#[tokio::test]
async fn what_is_no_event_ends_the_connection() {
    let server = Server::echo().await;
    for nonsense in [
        "42",
        "42{}",
        "42[]",
        r#"42"message""#,
        "42null",
        "42[null]",
        "42[[]]",
        r#"42["message""#,
        r#"42["message"]]"#,
        r#"42["message"] x"#,
        r#"42["message",]"#,
        r#"42abc["message"]"#,
        r#"42-1["message"]"#,
        r#"42["connect"]"#,
        r#"42["disconnect"]"#,
        r#"42["disconnecting"]"#,
        r#"42["connect_error"]"#,
        r#"4299999999999999999999999["message"]"#,
        "4",
        "47",
        "4abc",
        r#"44{"message":"mine"}"#,
        r#"41["message"]"#,
    ] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(nonsense).await;
        socket.expect_end().await;

        let poller = Poller::enter(&server).await;
        assert_eq!(poller.post(nonsense).await.status, 400, "{nonsense}");
        poller.expect_gone().await;
    }
    let metrics = server.until_empty().await;
    assert_eq!(metrics.closes[CloseReason::ProtocolError as usize], metrics.opened);
}

#[tokio::test]
async fn json_that_is_too_deep_or_has_too_many_keys_ends_the_connection() {
    let server =
        Server::start(|builder| with_echo(builder).max_json_depth(4).max_json_keys(3)).await;
    let mut socket = RawSocket::enter(&server).await;
    for fits in [r#"42["deep",[[[]]]]"#, r#"42["wide",{"a":1,"b":2,"c":3}]"#] {
        socket.send(fits).await;
        socket.expect(fits).await;
    }
    for (nonsense, why) in [
        (r#"42["deep",[[[[]]]]]"#.to_owned(), "too deep"),
        (format!(r#"42["deep",{}"#, "[".repeat(100_000)), "far too deep and without end"),
        (r#"42["wide",{"a":1,"b":2,"c":3,"d":4}]"#.to_owned(), "too wide"),
    ] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(&nonsense).await;
        assert!(socket.until_end().await.is_some(), "{why}");
    }
}

#[tokio::test]
async fn an_event_nobody_handles_is_counted_and_left() {
    let handled = anybody().on("handled", |_, event| async move { event.ack(&()).unwrap() });
    let server = Server::start(|builder| builder.namespace("/", handled)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send_together(&[r#"42["unhandled"]"#, r#"421["handled"]"#]).await;
    socket.expect("431[]").await;
    server.until(|metrics| metrics.events_unhandled == 1).await;
}

#[tokio::test]
async fn arguments_come_typed_and_wrong_ones_are_told_from_right_ones() {
    let namespace = anybody().on("sum", |_, event| async move {
        match event.args::<(i64, i64)>() {
            Ok((a, b)) => event.ack(&(a + b,)).unwrap(),
            Err(_) => event.ack(&("two numbers, please",)).unwrap(),
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"421["sum",20,22]"#).await;
    socket.expect("431[42]").await;
    for wrong in [r#"421["sum","a",2]"#, r#"421["sum",1]"#, r#"421["sum"]"#] {
        socket.send(wrong).await;
        socket.expect(r#"431["two numbers, please"]"#).await;
    }
}

#[tokio::test]
async fn an_event_with_half_of_a_surrogate_pair_is_taken_with_the_replacement_character() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["message","cut \ud83d in two"]"#).await;
    socket.expect(r#"42["message","cut \ufffd in two"]"#).await;
}

#[tokio::test]
async fn a_message_that_begins_where_another_ends_has_its_own_time() {
    let timeout = Duration::from_millis(500);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    let mut socket = RawSocket::enter(&server).await;
    let message = frames(&[r#"42["message"]"#]);
    let (begin, end) = message.split_at(8);
    socket.write(begin).await;
    for _ in 0..10 {
        tokio::time::sleep(timeout / 5).await;
        socket.write(&[end, begin].concat()).await;
        socket.expect(r#"42["message"]"#).await;
    }
}

#[tokio::test]
async fn pongs_do_not_buy_time_for_the_message_around_them() {
    let timeout = Duration::from_millis(300);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    let mut socket = RawSocket::enter(&server).await;
    // The first fragment of a text, and then pongs, which are nothing to anybody.
    socket.write(&[0x01, 0x80, 0, 0, 0, 0]).await;
    let pongs = async {
        loop {
            tokio::time::sleep(timeout / 5).await;
            socket.write(&[0x8a, 0x80, 0, 0, 0, 0]).await;
        }
    };
    let closed = server.until(|metrics| metrics.closes[CloseReason::MessageTimeout as usize] == 1);
    tokio::select! {
        _ = closed => {}
        () = pongs => {}
    }
}
