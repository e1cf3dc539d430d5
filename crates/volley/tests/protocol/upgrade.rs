//! From long-polling to WebSocket, and everything that can go wrong on the way.

use std::time::Duration;

use crate::poller::{self, Poller};
use crate::raw_socket::{self, Heard, RawSocket};
use crate::request::Request;
use crate::server::{Server, anybody, echo, with_echo};

/// A frame that no client may send.
const UNMASKED: &[u8] = &[0x81, 1, b'2'];

/// Goes over as the document has it.
async fn upgrade(server: &Server, poller: &Poller<'_>) -> RawSocket {
    let mut socket = RawSocket::probe(server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    socket.send("5").await;
    socket
}

/// A WebSocket for a session that cannot have it is opened and closed, as the document has it: browsers and stock clients
/// tell that from a server that is not there.
async fn expect_no_socket(server: &Server, sid: &str) {
    let mut socket = RawSocket::probe(server, sid).await;
    socket.expect_end().await;
}

#[tokio::test]
async fn a_session_goes_over_to_websocket() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut socket = upgrade(&server, &poller).await;
    socket.expect_nothing_before(r#"42["over here"]"#).await;
    server.until(|metrics| metrics.upgrades == 1 && metrics.websockets == 1).await;
}

#[tokio::test]
async fn the_poll_that_waits_is_sent_home_by_the_probe() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    assert_eq!(poll.answer().await.body, "6");
    socket.send("5").await;
    socket.expect_nothing_before(r#"42["over here"]"#).await;
}

#[tokio::test]
async fn a_poll_that_comes_after_the_probe_is_sent_home_too() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    let answer = poller.poll().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "6"));
    socket.send("5").await;
    socket.expect_nothing_before(r#"42["over here"]"#).await;
}

#[tokio::test]
async fn a_namespace_can_be_entered_after_going_over() {
    let server = Server::echo().await;
    let poller = Poller::open(&server).await;
    let mut socket = upgrade(&server, &poller).await;
    socket.enter_namespace("40").await;
}

#[tokio::test]
async fn nothing_is_polled_or_posted_after_going_over() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut socket = upgrade(&server, &poller).await;
    // The packet and the poll take different ways, so the one that was sent first need not arrive first.
    server.until(|metrics| metrics.upgrades == 1).await;
    assert_eq!(poller.poll().await.status, 400);
    assert_eq!(poller.post(r#"42["too late"]"#).await.status, 400);
    socket.expect_nothing_before(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn a_session_has_one_websocket_whichever_way_it_came_to_it() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut upgraded = upgrade(&server, &poller).await;
    expect_no_socket(&server, &poller.sid).await;
    upgraded.expect_nothing_before(r#"42["unharmed"]"#).await;

    let (mut direct, open) = RawSocket::open(&server, &[]).await;
    expect_no_socket(&server, open["sid"].as_str().unwrap()).await;
    direct.enter_namespace("40").await;
    direct.expect_nothing_before(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn of_two_websockets_that_want_one_session_the_first_gets_it() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut first = RawSocket::probe(&server, &poller.sid).await;
    expect_no_socket(&server, &poller.sid).await;
    first.send("2probe").await;
    first.expect("3probe").await;
    expect_no_socket(&server, &poller.sid).await;
    first.send("5").await;
    first.expect_nothing_before(r#"42["mine"]"#).await;
}

#[tokio::test]
async fn a_websocket_that_begins_with_anything_else_is_closed_and_polling_goes_on() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    for wrong in ["5", "2", "2other", "4hello", r#"42["event"]"#, "3probe", "1", "abc", ""] {
        let mut socket = RawSocket::probe(&server, &poller.sid).await;
        socket.send(wrong).await;
        socket.expect_end().await;
    }
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send_binary(b"2probe").await;
    socket.expect_end().await;

    poller.say(r#"42["unharmed"]"#).await;
    poller.expect(r#"42["unharmed"]"#).await;
    let mut socket = upgrade(&server, &poller).await;
    socket.expect_nothing_before(r#"42["at last"]"#).await;
}

#[tokio::test]
async fn a_websocket_that_goes_away_before_it_took_over_changes_nothing() {
    let server = Server::echo().await;
    for probes in [false, true] {
        let mut poller = Poller::enter(&server).await;
        let mut socket = RawSocket::probe(&server, &poller.sid).await;
        if probes {
            socket.send("2probe").await;
            socket.expect("3probe").await;
        }
        drop(socket);
        poller.say(r#"42["unharmed"]"#).await;
        while poller.hear().await != r#"42["unharmed"]"# {}
    }
}

#[tokio::test]
async fn an_upgrade_that_is_not_finished_in_time_is_called_off_and_polling_goes_on() {
    let server =
        Server::start(|builder| with_echo(builder).upgrade_timeout(Duration::from_millis(200)))
            .await;
    let mut poller = Poller::enter(&server).await;
    let mut silent = RawSocket::probe(&server, &poller.sid).await;
    silent.expect_end().await;
    let mut half = RawSocket::probe(&server, &poller.sid).await;
    half.send("2probe").await;
    half.expect("3probe").await;
    half.expect_end().await;

    poller.say(r#"42["unharmed"]"#).await;
    while poller.hear().await != r#"42["unharmed"]"# {}
    let mut socket = upgrade(&server, &poller).await;
    socket.expect_nothing_before(r#"42["at last"]"#).await;
}

#[tokio::test]
async fn what_is_sent_while_a_client_goes_over_arrives_once_and_in_order() {
    const LAST: u32 = 3_000;
    let namespace = anybody().on("count", |socket, _| async move {
        for number in 0..=LAST {
            socket.emit("number", &(number,)).unwrap();
            if number % 10 == 0 {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    for _ in 0..5 {
        let mut poller = Poller::enter(&server).await;
        poller.say(r#"42["count"]"#).await;
        let mut heard = Vec::new();
        for _ in 0..10 {
            heard.push(poller.hear().await);
        }
        // As the stock client does it: it probes while it polls, and goes over once its last poll has been answered.
        let mut socket = RawSocket::probe(&server, &poller.sid).await;
        socket.send("2probe").await;
        let poll = poller.start_poll().await;
        socket.expect("3probe").await;
        poller.take(&poll.answer().await);
        while let Some(packet) = poller.heard_before() {
            heard.push(packet);
        }
        socket.send("5").await;
        heard.retain(|packet| packet != "6");
        while heard.len() <= LAST as usize {
            let Heard::Text(packet) = socket.hear().await else { panic!("the socket ended") };
            heard.push(packet);
        }
        let wanted: Vec<_> = (0..=LAST).map(|number| format!(r#"42["number",{number}]"#)).collect();
        assert_eq!(heard, wanted);
    }
}

#[tokio::test]
async fn what_a_client_sends_before_and_after_going_over_keeps_its_order() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    poller.say("42[\"a\"]\x1e42[\"b\"]").await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say(r#"42["c"]"#).await;
    assert_eq!(poller.poll().await.status, 200);
    socket.send_together(&["5", r#"42["d"]"#, r#"42["e"]"#]).await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != r#"42["e"]"#) {
        heard.push(socket.text().await);
    }
    assert!(heard.ends_with(&[r#"42["d"]"#.to_owned(), r#"42["e"]"#.to_owned()]), "{heard:?}");
}

#[tokio::test]
async fn a_slow_handler_sees_the_events_of_both_transports_in_order() {
    let slow = echo().on("slow", |socket, _| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        socket.emit("slow", &()).unwrap();
    });
    let server = Server::start(|builder| builder.namespace("/", slow)).await;
    let poller = Poller::enter(&server).await;
    poller.say(r#"42["slow"]"#).await;
    let mut socket = upgrade(&server, &poller).await;
    socket.send(r#"42["after"]"#).await;
    socket.expect(r#"42["slow"]"#).await;
    socket.expect(r#"42["after"]"#).await;
}

#[tokio::test]
async fn a_session_that_ends_while_it_goes_over_takes_the_websocket_with_it() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say("1").await;
    socket.expect_end().await;
    server.until_empty().await;
}

/// The stock client stops to poll once its probe is answered. If its WebSocket were closed then, it would sit there until
/// its own ping timeout, in neither place.
#[tokio::test]
async fn a_session_that_the_application_closes_while_it_goes_over_is_closed_where_it_arrives() {
    let namespace = anybody().on("cut me off", |socket, _| async move {
        socket.emit("goodbye", &()).unwrap();
        socket.close();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say(r#"42["cut me off"]"#).await;
    socket.send("5").await;
    socket.expect(r#"42["goodbye"]"#).await;
    socket.expect_end().await;
    drop(socket);
    server.until_empty().await;
}

#[tokio::test]
async fn a_session_that_the_application_closes_while_it_goes_over_is_closed_where_it_polls() {
    let namespace = anybody().on("cut me off", |socket, _| async move {
        socket.emit("goodbye", &()).unwrap();
        socket.close();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say(r#"42["cut me off"]"#).await;
    poller.expect(r#"42["goodbye"]"#).await;
    poller.expect("1").await;
    socket.expect_end().await;
    server.until_empty().await;
}

/// Nothing takes such bytes off the input, so the shard must not come back for them.
#[tokio::test]
async fn a_session_that_is_closed_while_it_goes_over_does_not_dwell_on_a_broken_frame() {
    let namespace = anybody().on("cut me off", |socket, _| async move { socket.close() });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say(r#"42["cut me off"]"#).await;
    socket.write(UNMASKED).await;
    assert_eq!(socket.until_end().await, Some(1002));
    server.until_empty().await;
}

#[tokio::test]
async fn a_session_polls_on_when_its_new_websocket_breaks_the_protocol() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.write(UNMASKED).await;
    assert_eq!(socket.until_end().await, Some(1002));
    poller.say(r#"42["still here"]"#).await;
    poller.expect(r#"42["still here"]"#).await;
}

#[tokio::test]
async fn an_unknown_session_is_not_gone_over_to() {
    let server = Server::echo().await;
    let unknown = format!("{}&sid=AAAAAAAAAAAAAAAAAAAAAA", raw_socket::OPEN);
    let answer = Request::upgrade(unknown).send(&server).await;
    assert_eq!((answer.status, answer.refusal().0), (400, 1));
    let confused = format!("{}&sid=AAAAAAAAAAAAAAAAAAAAAA", poller::OPEN);
    assert_eq!(Request::upgrade(confused).send(&server).await.status, 400);
}

#[tokio::test]
async fn a_websocket_that_breaks_the_protocol_while_its_session_closes_harms_nobody() {
    let namespace = anybody().on("cut me off", |socket, _| async move { socket.close() });
    let server = Server::start(|builder| builder.namespace("/", namespace).shards(1)).await;
    let mut poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.send("2probe").await;
    socket.expect("3probe").await;
    poller.say(r#"42["cut me off"]"#).await;
    socket.write(&[0xff; 16]).await;
    socket.expect_end().await;
    poller.expect("1").await;
    RawSocket::enter(&server).await;
}

#[tokio::test]
async fn a_session_polls_on_when_its_websocket_breaks_the_protocol() {
    let server = Server::echo().await;
    let mut poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.write(&[0xff; 16]).await;
    socket.expect_end().await;
    poller.say(r#"42["still here"]"#).await;
    poller.expect(r#"42["still here"]"#).await;
}

#[tokio::test]
async fn a_ping_of_the_websocket_before_it_has_taken_over_is_answered_there() {
    let server = Server::echo().await;
    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    socket.ping(b"here?").await;
    assert_eq!(socket.hear().await, Heard::Pong(b"here?".to_vec()));
    poller.say(r#"42["still polling"]"#).await;
    assert_eq!(poll.answer().await.body, r#"42["still polling"]"#);
}

#[tokio::test]
async fn a_websocket_that_stalls_before_it_has_taken_over_leaves_polling_alone() {
    let timeout = Duration::from_millis(100);
    let server = Server::start(|builder| with_echo(builder).message_timeout(timeout)).await;
    let mut poller = Poller::enter(&server).await;
    let mut socket = RawSocket::probe(&server, &poller.sid).await;
    let probe = raw_socket::frames(&["2probe"]);
    socket.write(&probe[..4]).await;
    socket.expect_end().await;
    poller.say(r#"42["still polling"]"#).await;
    poller.expect(r#"42["still polling"]"#).await;
}
