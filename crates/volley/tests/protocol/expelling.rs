//! Whom the application expels hears nothing more, not even what was on its way.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use volley::{CloseReason, Socket};

use crate::poller::Poller;
use crate::raw_socket::{Heard, RawSocket};
use crate::server::{Server, anybody};

/// What is said to somebody before they are expelled: more than fits into the buffers between.
const SAID: usize = 2_000;

/// A server whose sockets are handed out, and which tells why they end.
async fn server() -> (Server, UnboundedReceiver<Socket<()>>, UnboundedReceiver<CloseReason>) {
    let ((enter, entered), (note, notes)) = (unbounded_channel(), unbounded_channel());
    let namespace = anybody()
        .on_connect(move |socket| {
            enter.send(socket).unwrap();
            async {}
        })
        .on_disconnect(move |_, reason| {
            note.send(reason).unwrap();
            async {}
        });
    let server =
        Server::start(|builder| builder.namespace("/", namespace).max_queued_bytes(1 << 30)).await;
    (server, entered, notes)
}

fn say(socket: &Socket<()>, times: usize) {
    let padding = "x".repeat(20_000);
    (0..times).for_each(|number| socket.emit("said", &(number, &padding)).unwrap());
}

#[tokio::test]
async fn who_reads_is_told_that_they_are_out() {
    let (server, mut entered, mut reasons) = server().await;
    let mut client = RawSocket::enter(&server).await;
    entered.recv().await.unwrap().expel();
    client.expect("41").await;
    assert_eq!(client.hear().await, Heard::End(Some(1008)));
    assert_eq!(reasons.recv().await, Some(CloseReason::ServerDisconnect));
    server.until_empty().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_never_gets_what_waited() {
    let (server, mut entered, mut reasons) = server().await;
    let mut client = RawSocket::enter(&server).await;
    let socket = entered.recv().await.unwrap();
    say(&socket, SAID);
    assert!(timeout(Duration::from_millis(200), socket.flushed()).await.is_err(), "it all fits");
    socket.expel();
    let reason = timeout(Duration::from_secs(1), reasons.recv()).await.expect("at once");
    assert_eq!(reason, Some(CloseReason::ServerDisconnect));

    let mut heard = 0;
    while let Heard::Text(_) = client.hear().await {
        heard += 1;
    }
    assert!(heard < SAID / 2, "{heard} of {SAID} were delivered afterwards");
    assert!(server.until_empty().await.frames_discarded > 0);
}

#[tokio::test]
async fn who_was_leaving_in_their_own_time_is_cut_off_as_well() {
    let (server, mut entered, _reasons) = server().await;
    let mut client = RawSocket::enter(&server).await;
    let socket = entered.recv().await.unwrap();
    say(&socket, SAID);
    socket.close();
    socket.expel();
    let metrics = timeout(Duration::from_secs(1), server.until_empty()).await.expect("at once");
    assert!(metrics.frames_discarded > 0);
    client.until_end().await;
}

#[tokio::test]
async fn who_polls_is_told_so_and_nothing_else() {
    let (server, mut entered, _reasons) = server().await;
    let mut poller = Poller::enter(&server).await;
    let socket = entered.recv().await.unwrap();
    say(&socket, 3);
    socket.expel();
    poller.expect("41").await;
    poller.expect("1").await;
    poller.expect_gone().await;
    server.until_empty().await;
}

#[tokio::test]
async fn who_is_expelled_right_behind_a_goodbye_does_not_get_what_was_said_before_it() {
    let namespace = anybody().on("leave", |socket, _| async move {
        socket.emit("said", &()).unwrap();
        socket.close();
        socket.expel();
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut client = RawSocket::enter(&server).await;
    client.send(r#"42["leave"]"#).await;
    client.expect_end().await;

    let poller = Poller::enter(&server).await;
    let poll = poller.start_poll().await;
    poller.say(r#"42["leave"]"#).await;
    assert_eq!(poll.answer().await.body, "1");
    server.until_empty().await;
}
