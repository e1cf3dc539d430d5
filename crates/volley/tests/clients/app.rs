//! The server that the scenarios speak with.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use volley::{AckError, CloseReason, Connect, Event, Frame, Namespace, Refused, Socket};

use crate::installed::NODE;
use crate::server::{PATIENCE, Server, anybody, send_back};

/// How long a client may think about a question that it is known not to answer.
const BRIEFLY: Duration = Duration::from_millis(100);
/// Short, so that there is something to be seen of it.
const PING_INTERVAL: Duration = Duration::from_millis(300);
/// A client may go without a word: python-socketio says no goodbye if a POST is unanswered when it is told to leave. It
/// is missed after both of these together, which is within anybody's patience, and leaves a busy machine time to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(8);

/// What is known of somebody who is here.
struct Person {
    name: Option<String>,
    auth: Box<RawValue>,
    notes: Mutex<Vec<u32>>,
}

/// What people may say of themselves.
#[derive(Deserialize)]
struct Auth {
    name: Option<String>,
    token: Option<String>,
}

/// Who has left, and how.
#[derive(Default)]
struct Departures {
    by_name: Mutex<HashMap<String, CloseReason>>,
    news: Notify,
}

pub(crate) async fn start() -> Server {
    let pages = Router::new()
        .route("/", page("page.html", "text/html"))
        .route("/expect.js", page("expect.js", "text/javascript"))
        .route("/scenarios.js", page("scenarios.js", "text/javascript"))
        .route(
            "/socket.io.js",
            page("node_modules/socket.io-client/dist/socket.io.min.js", "text/javascript"),
        );
    let describe = |builder: volley::Builder| {
        builder
            .namespace("/", people())
            .namespace("/members", anybody().on("where", where_am_i))
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
    };
    Server::start_with(describe, pages).await
}

/// A file from beside the scenarios. It is read when it is asked for, since it may have to be installed first.
fn page(file: &'static str, content_type: &'static str) -> axum::routing::MethodRouter {
    get(async move || {
        let bytes = std::fs::read(Path::new(NODE).join(file)).expect("a file of the page");
        ([(CONTENT_TYPE, content_type)], bytes)
    })
}

fn people() -> Namespace<Person> {
    let departures = Arc::<Departures>::default();
    let departed = departures.clone();
    Namespace::new(admit)
        .on_connect(async |socket| socket.emit("welcome", &(&socket.session().auth,)).unwrap())
        .on("echo", async |socket, event| send_back(&socket, &event).unwrap())
        .on("sum", sum)
        .on("where", where_am_i)
        .on("ask-me", async |socket, event| ask(socket, event, PATIENCE).await)
        .on("ask-me-briefly", async |socket, event| ask(socket, event, BRIEFLY).await)
        .on("count", count)
        .on("note", note)
        .on("notes", notes)
        .on("join", join)
        .on("leave", leave)
        .on("say", say)
        .on("show-me-out", async |socket, _| socket.disconnect())
        .on("cut-me-off", async |socket, _| socket.close())
        .on("departure", move |_, event| tell_departure(departures.clone(), event))
        .on_disconnect(move |socket, reason| {
            remember(&departed, &socket, reason);
            async {}
        })
}

async fn admit(connect: Connect) -> Result<Person, Refused> {
    let auth: Auth = connect.auth().map_err(|error| Refused::new(error.to_string()))?;
    if auth.token.is_some_and(|token| token == "stolen") {
        return Err(Refused::new("That token is not known here."));
    }
    let as_it_came = connect.auth().expect("auth that was read once");
    Ok(Person { name: auth.name, auth: as_it_came, notes: Mutex::default() })
}

async fn sum(_: Socket<Person>, event: Event) {
    let (a, b): (i64, i64) = event.args().unwrap();
    event.ack(&(a + b,)).unwrap();
}

async fn where_am_i<S: Send + Sync + 'static>(socket: Socket<S>, event: Event) {
    event.ack(&(socket.namespace(),)).unwrap();
}

/// Asks back whatever the client wants to be asked, and shows it its own answer.
async fn ask(socket: Socket<Person>, event: Event, patience: Duration) {
    let question: Vec<&RawValue> = event.args().unwrap();
    match socket.emit_with_ack("question", &question, patience).await {
        Ok(answer) => {
            let args: Vec<&RawValue> = answer.args().unwrap();
            let frame = Frame::binary_event("/", "answered", &args, answer.attachments());
            socket.send(&frame.unwrap()).unwrap();
        }
        Err(AckError::Timeout) => socket.emit("unanswered", &()).unwrap(),
        Err(error) => panic!("{error}"),
    }
}

async fn count(socket: Socket<Person>, event: Event) {
    let (count,): (u32,) = event.args().unwrap();
    for number in 0..count {
        socket.emit("number", &(number,)).unwrap();
    }
}

async fn note(socket: Socket<Person>, event: Event) {
    let (value,) = event.args().unwrap();
    socket.session().notes.lock().unwrap().push(value);
}

async fn notes(socket: Socket<Person>, event: Event) {
    event.ack(&(&*socket.session().notes.lock().unwrap(),)).unwrap();
}

async fn join(socket: Socket<Person>, event: Event) {
    let (room,): (String,) = event.args().unwrap();
    socket.join(&socket.group(&room)).unwrap();
    event.ack(&(true,)).unwrap();
}

async fn leave(socket: Socket<Person>, event: Event) {
    let (room,): (String,) = event.args().unwrap();
    socket.leave(&socket.group(&room));
    event.ack(&(true,)).unwrap();
}

async fn say(socket: Socket<Person>, event: Event) {
    let (room, value): (String, &RawValue) = event.args().unwrap();
    let frame = Frame::binary_event("/", "said", &(value,), event.attachments()).unwrap();
    socket.group(&room).send(&frame).unwrap();
    event.ack(&(true,)).unwrap();
}

fn remember(departures: &Departures, socket: &Socket<Person>, reason: CloseReason) {
    if let Some(name) = &socket.session().name {
        departures.by_name.lock().unwrap().insert(name.clone(), reason);
        departures.news.notify_waiters();
    }
}

/// Answers when the person has left.
async fn tell_departure(departures: Arc<Departures>, event: Event) {
    let (name,): (String,) = event.args().unwrap();
    loop {
        let news = departures.news.notified();
        let reason = departures.by_name.lock().unwrap().get(&name).copied();
        if let Some(reason) = reason {
            return event.ack(&(reason.as_str(),)).unwrap();
        }
        news.await;
    }
}
