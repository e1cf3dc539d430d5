//! Every fault does what it says, on real sockets, and bytes are never altered and never reordered.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use faults::{Conditions, Direction, Flow, Kind, Proxy, Schedule, Travel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Long enough for anything on loopback; nothing that should happen waits for it.
const SOON: Duration = Duration::from_secs(10);
/// How long to look whether something happens that must not.
const A_WHILE: Duration = Duration::from_millis(60);

/// A server, a proxy before it, and one connection through it.
struct Line {
    listener: TcpListener,
    proxy: Proxy,
    client: TcpStream,
    server: TcpStream,
}

impl Line {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
        let (client, server) = connect(&proxy, &listener).await;
        Self { listener, proxy, client, server }
    }

    async fn under(conditions: Conditions) -> Self {
        let line = Self::new().await;
        line.proxy.set_conditions(conditions);
        line
    }
}

async fn connect(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    // The proxy has both ends.
    client.write_all(b"?").await.unwrap();
    assert_hears(&mut server, b"?").await;
    (client, server)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it happens soon")
}

/// Nothing arrives, not even an end.
async fn assert_silent(stream: &mut TcpStream) {
    let mut byte = [0];
    let read = timeout(A_WHILE, stream.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?}");
}

async fn assert_hears(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(bytes, expected);
}

async fn assert_ended(stream: &mut TcpStream) {
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
}

async fn assert_reset(stream: &mut TcpStream) {
    let read = soon(stream.read(&mut [0; 64])).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// Bytes of which no two pieces look alike.
fn letters(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(next).collect()
}

#[tokio::test]
async fn without_faults_it_is_a_wire() {
    let mut line = Line::new().await;
    line.client.write_all(b"tea?").await.unwrap();
    assert_hears(&mut line.server, b"tea?").await;
    line.server.write_all(b"milk!").await.unwrap();
    assert_hears(&mut line.client, b"milk!").await;
    let counts = line.proxy.counts();
    assert_eq!((counts.connections, counts.bytes, counts.pieces), (1, 1 + 4 + 5, 0));
}

#[tokio::test]
async fn an_end_that_one_side_means_reaches_the_other_and_the_answer_still_comes_back() {
    let mut line = Line::new().await;
    line.client.write_all(b"tea?").await.unwrap();
    line.client.shutdown().await.unwrap();
    assert_hears(&mut line.server, b"tea?").await;
    assert_ended(&mut line.server).await;
    line.server.write_all(b"milk!").await.unwrap();
    drop(line.server);
    assert_hears(&mut line.client, b"milk!").await;
    assert_ended(&mut line.client).await;
}

#[tokio::test]
async fn a_reset_by_one_side_reaches_the_other() {
    let mut line = Line::new().await;
    line.client.set_zero_linger().unwrap();
    drop(line.client);
    assert_reset(&mut line.server).await;
}

#[tokio::test]
async fn latency_delays_every_byte_and_holds_up_none_behind_it() {
    let latency = Duration::from_millis(80);
    let travel = Travel { latency, ..Travel::default() };
    let mut line = Line::under(Conditions::only(Direction::Up, travel)).await;
    let begun = Instant::now();
    for _ in 0..40 {
        line.client.write_all(b"tea").await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_hears(&mut line.server, &b"tea".repeat(40)).await;
    let took = begun.elapsed();
    assert!(took >= latency, "{took:?}");
    assert!(took < latency * 39, "forty messages do not wait for each other: {took:?}");
    assert_eq!(line.proxy.counts().delays, 1);
}

#[tokio::test]
async fn latency_in_one_direction_is_none_in_the_other() {
    let travel = Travel { latency: Duration::from_hours(1), ..Travel::default() };
    let mut line = Line::under(Conditions::only(Direction::Up, travel)).await;
    line.server.write_all(b"milk").await.unwrap();
    assert_hears(&mut line.client, b"milk").await;
}

#[tokio::test]
async fn jitter_never_reorders() {
    let jitter = Duration::from_millis(20);
    let travel = Travel { jitter, ..Travel::default() };
    let mut line = Line::under(Conditions::both(travel)).await;
    let sent = letters(200, 1);
    for piece in sent.chunks(10) {
        line.client.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_hears(&mut line.server, &sent).await;
}

#[tokio::test]
async fn pieces_arrive_one_by_one() {
    let travel = Travel { pieces: NonZeroUsize::new(3), ..Travel::default() };
    let mut line = Line::under(Conditions::only(Direction::Up, travel)).await;
    let sent = letters(300, 2);
    line.client.write_all(&sent).await.unwrap();
    let (mut heard, mut reads) = (Vec::new(), 0);
    while heard.len() < sent.len() {
        let mut bytes = [0; 300];
        let length = soon(line.server.read(&mut bytes)).await.unwrap();
        heard.extend_from_slice(&bytes[..length]);
        reads += 1;
    }
    assert_eq!(heard, sent);
    assert!(line.proxy.counts().pieces >= 99, "{}", line.proxy.counts());
    assert!(reads > 10, "the receiver saw {reads} pieces");
}

#[tokio::test]
async fn what_stalls_waits_and_arrives_in_the_end() {
    let mut line = Line::under(Conditions::only(Direction::Down, Flow::Stalls.into())).await;
    line.server.write_all(b"tea").await.unwrap();
    assert_silent(&mut line.client).await;
    line.client.write_all(b"hello?").await.unwrap();
    assert_hears(&mut line.server, b"hello?").await;
    line.proxy.calm();
    assert_hears(&mut line.client, b"tea").await;
    assert_eq!(line.proxy.counts().stalls, 1);
}

#[tokio::test]
async fn a_pace_is_kept() {
    let travel = Travel { bytes_per_second: Some(2_000), ..Travel::default() };
    let mut line = Line::under(Conditions::only(Direction::Down, travel)).await;
    let sent = letters(400, 3);
    let begun = Instant::now();
    line.server.write_all(&sent).await.unwrap();
    assert_hears(&mut line.client, &sent).await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(140), "a fifth of a second less one drip: {took:?}");
    assert_eq!(line.proxy.counts().trickles, 1);
}

#[tokio::test]
async fn a_reader_of_no_bytes_per_second_is_felt_by_the_sender() {
    let travel = Travel { bytes_per_second: Some(0), ..Travel::default() };
    let mut line = Line::under(Conditions::only(Direction::Down, travel)).await;
    let much = letters(32 << 20, 4);
    let sent = timeout(A_WHILE * 5, line.server.write_all(&much)).await;
    assert!(sent.is_err(), "the buffers between are bounded");
    assert_silent(&mut line.client).await;
}

#[tokio::test]
async fn what_vanishes_is_noticed_by_nobody() {
    let mut line = Line::under(Conditions::both(Flow::Vanishes.into())).await;
    line.client.write_all(&letters(1 << 20, 5)).await.unwrap();
    assert_silent(&mut line.server).await;
    line.server.write_all(&letters(1 << 20, 6)).await.unwrap();
    assert_silent(&mut line.client).await;
    drop(line.client);
    assert_silent(&mut line.server).await;
    assert_eq!(line.proxy.counts().vanished, 2);
}

#[tokio::test]
async fn one_direction_vanishes_and_the_other_goes_on() {
    let mut line = Line::under(Conditions::only(Direction::Up, Flow::Vanishes.into())).await;
    line.client.write_all(b"tea?").await.unwrap();
    line.server.write_all(b"anybody?").await.unwrap();
    assert_hears(&mut line.client, b"anybody?").await;
    assert_silent(&mut line.server).await;
}

#[tokio::test]
async fn a_connection_that_lost_bytes_does_not_go_on_as_if_it_had_not() {
    let mut line = Line::under(Conditions::only(Direction::Up, Flow::Vanishes.into())).await;
    line.client.write_all(b"tea?").await.unwrap();
    assert_silent(&mut line.server).await;
    line.proxy.calm();
    assert_reset(&mut line.server).await;
    assert_reset(&mut line.client).await;
}

#[tokio::test]
async fn one_direction_ends_and_its_sender_does_not_know() {
    let mut line = Line::new().await;
    line.client.write_all(b"tea").await.unwrap();
    assert_hears(&mut line.server, b"tea").await;
    line.proxy.set_conditions(Conditions::only(Direction::Up, Flow::Ends.into()));
    assert_ended(&mut line.server).await;
    line.client.write_all(&letters(1 << 20, 7)).await.unwrap();
    line.server.write_all(b"milk").await.unwrap();
    assert_hears(&mut line.client, b"milk").await;
    assert_silent(&mut line.client).await;
    assert_eq!(line.proxy.counts().ended, 1);
}

#[tokio::test]
async fn all_are_cut_at_once_and_nobody_is_let_in_until_they_are() {
    let line = Line::new().await;
    let mut ends = vec![(line.client, line.server)];
    for _ in 0..9 {
        ends.push(connect(&line.proxy, &line.listener).await);
    }
    line.proxy.refuse();
    line.proxy.cut_all();
    for (client, server) in &mut ends {
        assert_reset(client).await;
        assert_reset(server).await;
    }
    let mut refused = TcpStream::connect(line.proxy.address()).await.unwrap();
    assert_reset(&mut refused).await;
    line.proxy.admit();
    let (mut client, mut server) = connect(&line.proxy, &line.listener).await;
    client.write_all(b"back").await.unwrap();
    assert_hears(&mut server, b"back").await;
    let counts = line.proxy.counts();
    assert_eq!((counts.connections, counts.resets, counts.refused), (11, 10, 1), "{counts}");
}

#[tokio::test]
async fn the_server_may_go_away_and_come_back_at_another_port() {
    let Line { listener, proxy, .. } = Line::new().await;
    drop(listener);
    let mut nowhere = TcpStream::connect(proxy.address()).await.unwrap();
    assert_reset(&mut nowhere).await;
    assert_eq!(proxy.counts().unreachable, 1);
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.set_upstream(elsewhere.local_addr().unwrap());
    let (mut client, mut server) = connect(&proxy, &elsewhere).await;
    server.write_all(b"here").await.unwrap();
    assert_hears(&mut client, b"here").await;
}

#[tokio::test]
async fn a_proxy_that_is_dropped_lets_nobody_hang() {
    let mut line = Line::new().await;
    drop(line.proxy);
    assert_ended(&mut line.client).await;
    assert_ended(&mut line.server).await;
}

/// Faults that delay and do not lose.
const GENTLE: &[Kind] = &[Kind::Calm, Kind::Delay, Kind::Split, Kind::Trickle, Kind::Stall];

fn quick(seed: u64, kinds: &'static [Kind]) -> Schedule {
    let (pace, latency) = (Duration::from_millis(15), Duration::from_millis(10));
    Schedule { pace, latency, kinds, ..Schedule::new(seed) }
}

/// Sends, some bytes at a time, and returns what arrives at the other end until it ends or breaks, or nothing has come
/// for some time.
async fn converse(sender: &mut TcpStream, receiver: &mut TcpStream, sent: &[u8]) -> Vec<u8> {
    let sending = async {
        for piece in sent.chunks(500) {
            if sender.write_all(piece).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let receiving = async {
        let (mut heard, mut bytes) = (Vec::new(), [0; 4096]);
        while heard.len() < sent.len() {
            match timeout(A_WHILE * 20, receiver.read(&mut bytes)).await {
                Ok(Ok(length @ 1..)) => heard.extend_from_slice(&bytes[..length]),
                Ok(_) | Err(_) => break,
            }
        }
        heard
    };
    tokio::join!(sending, receiving).1
}

#[tokio::test]
async fn whatever_delays_bytes_they_all_arrive_as_they_were() {
    let conversations = (0..24).map(|seed| async move {
        let mut line = Line::new().await;
        line.proxy.follow(quick(seed, GENTLE));
        let sent = letters(20_000, seed);
        let heard = converse(&mut line.client, &mut line.server, &sent);
        // Whatever the script says, it is over some time.
        let calm = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            line.proxy.calm();
        };
        let (heard, ()) = tokio::join!(heard, calm);
        assert!(heard == sent, "seed {seed}: {} of {} bytes", heard.len(), sent.len());
    });
    conversations.collect::<JoinSet<_>>().join_all().await;
}

#[tokio::test]
async fn whatever_loses_bytes_what_arrives_is_a_beginning_of_what_was_sent() {
    let conversations = (0..24).map(|seed| async move {
        let mut line = Line::new().await;
        line.proxy.follow(quick(seed, Schedule::KINDS));
        let sent = letters(20_000, seed);
        let heard = converse(&mut line.server, &mut line.client, &sent);
        let calm = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            line.proxy.calm();
        };
        let (heard, ()) = tokio::join!(heard, calm);
        assert!(sent.starts_with(&heard), "seed {seed}: something else arrived");
        heard.len() < sent.len()
    });
    let broken = conversations.collect::<JoinSet<_>>().join_all().await;
    let broken = broken.into_iter().filter(|&broken| broken).count();
    assert!((1..24).contains(&broken), "some lose bytes and some do not: {broken} did");
}
