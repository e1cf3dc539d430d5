//! After a busy day nothing is left and nothing is missing.

use std::time::Duration;

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{Server, anybody};
use crate::side_by_side;

/// One client's day; which one it is follows from the number.
async fn spend_a_day(server: &Server, number: usize) {
    match number % 6 {
        0 => {
            let mut socket = RawSocket::enter(server).await;
            socket.send(r#"421["talk"]"#).await;
            while socket.text().await != "431[]" {}
            socket.send("41").await;
        }
        1 => {
            let mut socket = RawSocket::enter(server).await;
            socket.send(r#"421["talk"]"#).await;
        }
        2 => {
            let mut poller = Poller::enter(server).await;
            poller.say(r#"421["talk"]"#).await;
            while poller.hear().await != "431[]" {}
            poller.say("1").await;
        }
        3 => {
            let poller = Poller::enter(server).await;
            let mut socket = RawSocket::probe(server, &poller.sid).await;
            socket.send_together(&["2probe", "5", r#"421["talk"]"#]).await;
            while socket.text().await != "431[]" {}
            socket.send("nonsense").await;
        }
        4 => {
            let poller = Poller::enter(server).await;
            poller.say(r#"421["talk"]"#).await;
            drop(poller.start_poll().await);
        }
        _ => {
            let poller = Poller::enter(server).await;
            drop(RawSocket::probe(server, &poller.sid).await);
            poller.post("nonsense").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_everybody_has_gone_nothing_is_left_and_nothing_is_missing() {
    let namespace = anybody()
        .on_connect(|socket| async move {
            let group = socket.group("all");
            socket.join(&group).unwrap();
            group.emit("hello", &(socket.id(),)).unwrap();
        })
        .on("talk", |socket, event| async move {
            for number in 0..20 {
                socket.group("all").emit("talk", &(number, "x".repeat(number * 100))).unwrap();
                tokio::task::yield_now().await;
            }
            event.ack(&()).unwrap();
        });
    let server = Server::start(|builder| {
        builder
            .namespace("/", namespace)
            .ping_interval(Duration::from_millis(500))
            .ping_timeout(Duration::from_millis(500))
    })
    .await;
    side_by_side((0..60).map(|number| spend_a_day(&server, number))).await;
    let metrics = server.until_empty().await;
    assert_eq!(metrics.opened, 60);
    assert_eq!(metrics.inbox_bytes, 0);
    assert!(metrics.frames_published > 0 && metrics.frames_sent > 0);
    assert_eq!(metrics.events_unhandled, 0);
    assert!(server.volley.group("/", "all").is_empty());
}
