//! A WebSocket that sends every message back, for conformance suites and for curiosity:
//! `cargo run --release --example websocket_echo -- --listen 127.0.0.1:9001`
//!
//! Nothing of Socket.IO is here, only the codec under it.

use std::convert::Infallible;
use std::env;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{self as async_io, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;
use volley::websocket::handshake::{self, Rejection};
use volley::websocket::{CloseFrame, Decoder, Limits, Message, Opcode, close_frame, write_frame};

/// Generous: a conformance suite sends messages of 16 MiB in fragments of 64 bytes.
const LIMITS: Limits = Limits { max_message_bytes: 64 << 20, max_fragments: u32::MAX };

/// How long a client may take to hang up after the close frame.
const HANG_UP: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => "127.0.0.1:9001".to_owned(),
        [flag, address] if flag == "--listen" => address.clone(),
        _ => return Err(io::Error::other("usage: websocket_echo [--listen ADDR]")),
    };
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

/// Echoes to everyone who connects, until accepting fails.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve_connection(stream).await {
                eprintln!("connection: {error}");
            }
        });
    }
}

async fn serve_connection(stream: TcpStream) -> Result<(), hyper::Error> {
    let answer = |request| async { Ok::<_, Infallible>(answer_request(request)) };
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .with_upgrades()
        .await
}

fn answer_request(mut request: Request<Incoming>) -> Response<String> {
    let upgrade = upgrade::on(&mut request);
    match handshake::accept(&request.into_parts().0) {
        Ok(accept) => {
            tokio::spawn(async move {
                if let Err(error) = echo_upgraded(upgrade).await {
                    eprintln!("websocket: {error}");
                }
            });
            switching_protocols(accept)
        }
        Err(rejection) => refused(rejection),
    }
}

fn switching_protocols(accept: HeaderValue) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn refused(rejection: Rejection) -> Response<String> {
    let mut response = Response::new(rejection.to_string());
    *response.status_mut() = rejection.status();
    if rejection == Rejection::Version {
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, handshake::VERSION);
    }
    response
}

async fn echo_upgraded(upgrade: OnUpgrade) -> io::Result<()> {
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    echo(TokioIo::new(upgraded)).await
}

async fn echo(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = socket.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let mut out = Vec::new();
        let flow = answer_messages(&mut decoder, &mut buffer[..length], &mut out);
        socket.write_all(&out).await?;
        if flow.is_break() {
            return hang_up(socket).await;
        }
    }
}

/// Appends the answers to all messages that `input` completes; breaks behind a close frame.
fn answer_messages(
    decoder: &mut Decoder,
    mut input: &mut [u8],
    out: &mut Vec<u8>,
) -> ControlFlow<()> {
    loop {
        match decoder.decode(&mut input, LIMITS) {
            Ok(Some(Message::Text(text))) => write_frame(out, Opcode::Text, text.as_bytes()),
            Ok(Some(Message::Binary(bytes))) => write_frame(out, Opcode::Binary, &bytes),
            Ok(Some(Message::Ping(bytes))) => write_frame(out, Opcode::Pong, &bytes),
            Ok(Some(Message::Pong(_))) => {}
            Ok(Some(Message::Close(Some(CloseFrame { code, .. })))) => {
                out.extend(close_frame(code, ""));
                return ControlFlow::Break(());
            }
            Ok(Some(Message::Close(None))) => {
                write_frame(out, Opcode::Close, b"");
                return ControlFlow::Break(());
            }
            Err(violation) => {
                out.extend(close_frame(violation.close_code(), &violation.to_string()));
                return ControlFlow::Break(());
            }
            Ok(None) => return ControlFlow::Continue(()),
        }
    }
}

/// Closes without losing the close frame: bytes left unread would make the kernel throw away what
/// the client has not read yet.
async fn hang_up(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    socket.shutdown().await?;
    let drain = async { async_io::copy(&mut socket, &mut async_io::sink()).await };
    match time::timeout(HANG_UP, drain).await {
        Ok(result) => result.map(drop),
        Err(_) => Ok(()),
    }
}
