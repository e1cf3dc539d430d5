//! ACK packets in both directions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use volley::{AckError, Namespace, SendError};

use crate::poller::Poller;
use crate::raw_socket::RawSocket;
use crate::server::{PATIENCE, Server, anybody, with_echo};

/// Asks the client back and tells what became of the question.
fn asking(patience: Duration) -> Namespace<()> {
    anybody().on("ask me", move |socket, _| async move {
        let told = match socket.emit_with_ack("question", &("ready?",), patience).await {
            Ok(answer) => {
                let values: Vec<Value> = answer.args().unwrap();
                let bytes: Vec<_> =
                    answer.attachments().iter().map(|bytes| bytes.to_vec()).collect();
                socket.emit("answered", &(values, bytes))
            }
            Err(AckError::Timeout) => socket.emit("unanswered", &()),
            Err(error) => panic!("{error}"),
        };
        told.unwrap();
    })
}

#[tokio::test]
async fn the_server_acknowledges_with_the_clients_own_id() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    let mut poller = Poller::enter(&server).await;
    for (event, ack) in [
        (r#"420["message"]"#, "430[]"),
        (r#"42456["message",1,"2",{"3":[false]}]"#, r#"43456[1,"2",{"3":[false]}]"#),
        (r#"429007199254740991["message",null]"#, "439007199254740991[null]"),
    ] {
        socket.send(event).await;
        socket.expect(ack).await;
        poller.say(event).await;
        poller.expect(ack).await;
    }
    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,13["foo","bar"]"#).await;
    socket.expect(r#"43/custom,13["bar"]"#).await;
}

#[tokio::test]
async fn an_event_without_an_id_is_not_acknowledged() {
    let namespace = anybody().on("quiet", |_, event| async move {
        assert!(!event.wants_ack());
        event.ack(&("unasked for",)).unwrap();
    });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,["quiet"]"#).await;
    socket.expect_nothing_before(r#"42["next"]"#).await;
}

#[tokio::test]
async fn an_event_is_acknowledged_once() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("twice", move |_, event| {
        note.send((event.ack(&(1,)).is_ok(), event.ack(&(2,)).is_ok())).unwrap();
        async {}
    });
    let server = Server::start(|builder| with_echo(builder).namespace("/custom", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.enter_namespace("40/custom,").await;
    socket.send(r#"42/custom,7["twice"]"#).await;
    socket.expect("43/custom,7[1]").await;
    assert_eq!(notes.recv().await, Some((true, false)));
    socket.expect_nothing_before(r#"42["next"]"#).await;
}

#[tokio::test]
async fn the_client_answers_the_server() {
    let server = Server::start(|builder| builder.namespace("/", asking(PATIENCE))).await;
    let mut socket = RawSocket::enter(&server).await;
    for id in 0..3 {
        socket.send(r#"42["ask me"]"#).await;
        socket.expect(&format!(r#"42{id}["question","ready?"]"#)).await;
        socket.send(&format!(r#"43{id}["yes",{{"sure":true}}]"#)).await;
        socket.expect(r#"42["answered",["yes",{"sure":true}],[]]"#).await;
    }
    socket.send(r#"42["ask me"]"#).await;
    socket.expect(r#"423["question","ready?"]"#).await;
    socket.send("433[]").await;
    socket.expect(r#"42["answered",[],[]]"#).await;
}

#[tokio::test]
async fn the_client_answers_with_bytes() {
    let server = Server::start(|builder| builder.namespace("/", asking(PATIENCE))).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["ask me"]"#).await;
    socket.expect(r#"420["question","ready?"]"#).await;
    socket.send(r#"461-0["see",{"_placeholder":true,"num":0}]"#).await;
    socket.send_binary(&[1, 2, 3]).await;
    socket.expect(r#"42["answered",["see",{"_placeholder":true,"num":0}],[[1,2,3]]]"#).await;
}

#[tokio::test]
async fn a_polling_client_answers_the_server() {
    let server = Server::start(|builder| builder.namespace("/", asking(PATIENCE))).await;
    let mut poller = Poller::enter(&server).await;
    poller.say(r#"42["ask me"]"#).await;
    poller.expect(r#"420["question","ready?"]"#).await;
    poller.say(r#"430["yes"]"#).await;
    poller.expect(r#"42["answered",["yes"],[]]"#).await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_ignored() {
    let patience = Duration::from_millis(100);
    let server = Server::start(|builder| builder.namespace("/", asking(patience))).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["ask me"]"#).await;
    socket.expect(r#"420["question","ready?"]"#).await;
    socket.expect(r#"42["unanswered"]"#).await;
    socket.send("430[]").await;
    socket.send(r#"42["ask me"]"#).await;
    socket.expect(r#"421["question","ready?"]"#).await;
    socket.send("431[1]").await;
    socket.expect(r#"42["answered",[1],[]]"#).await;
}

#[tokio::test]
async fn answers_to_nothing_are_ignored() {
    let server = Server::echo().await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send_together(&["430[]", "4399[1]", "4318446744073709551615[]"]).await;
    socket.send(r#"461-5[{"_placeholder":true,"num":0}]"#).await;
    socket.send_binary(&[1]).await;
    socket.expect_nothing_before(r#"42["unharmed"]"#).await;
}

#[tokio::test]
async fn an_answer_without_an_id_or_an_array_ends_the_connection() {
    let server = Server::echo().await;
    for nonsense in ["43[]", "431", "431{}", r#"431"yes""#, "43x[]"] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(nonsense).await;
        socket.expect_end().await;
    }
}

#[tokio::test]
async fn a_question_to_somebody_who_leaves_is_answered_with_that() {
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("ask me", move |socket, _| {
        let note = note.clone();
        async move {
            let answer = socket.emit_with_ack("question", &(), PATIENCE).await;
            note.send(matches!(answer, Err(AckError::Disconnected))).unwrap();
        }
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    for leave in ["41", "1", "nonsense"] {
        let mut socket = RawSocket::enter(&server).await;
        socket.send(r#"42["ask me"]"#).await;
        socket.expect(r#"420["question"]"#).await;
        socket.send(leave).await;
        assert_eq!(notes.recv().await, Some(true), "left by {leave}");
    }
}

#[tokio::test]
async fn nobody_owes_more_answers_than_the_limit() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (note, mut notes) = unbounded_channel();
    let namespace = anybody().on("ask me", {
        let (asked, go_on) = (asked.clone(), go_on.clone());
        move |socket, _| {
            let questions: Vec<_> =
                (0..4).map(|_| socket.emit_with_ack("question", &(), PATIENCE)).collect();
            let (asked, go_on, note) = (asked.clone(), go_on.clone(), note.clone());
            async move {
                asked.notify_one();
                go_on.notified().await;
                for question in questions {
                    note.send(question.await.is_ok()).unwrap();
                }
            }
        }
    });
    let server =
        Server::start(|builder| builder.namespace("/", namespace).max_pending_acks(2)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"42["ask me"]"#).await;
    asked.notified().await;
    socket.expect(r#"420["question"]"#).await;
    socket.expect(r#"421["question"]"#).await;
    socket.send_together(&["431[]", "430[]"]).await;
    go_on.notify_one();
    for answered in [true, true, false, false] {
        assert_eq!(notes.recv().await, Some(answered));
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_sent_can_be_given_again() {
    let namespace = anybody().on("ask", |_, event| async move {
        event.ack("no sequence").unwrap_err();
        event.ack(&("an answer",)).unwrap();
        assert!(matches!(event.ack(&()), Err(SendError::AlreadyAnswered)));
    });
    let server = Server::start(|builder| builder.namespace("/", namespace)).await;
    let mut socket = RawSocket::enter(&server).await;
    socket.send(r#"421["ask"]"#).await;
    socket.expect(r#"431["an answer"]"#).await;
}
