//! The clients that people have: socket.io-client in Node and in Chromium, python-socketio; each with its default options
//! and in every way it can travel. What they do is written in their own languages beside this file.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test is where time comes from and what bounds its queues"
)]

mod app;
mod installed;
mod runners;
#[expect(dead_code, reason = "what is not used here is used by the protocol's tests")]
#[path = "../support/server.rs"]
mod server;

use crate::runners::{Runner, node, python};

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_client_in_node_does_all_that_people_do() {
    succeed(node("node.test.js")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_client_in_chromium_does_all_that_people_do() {
    succeed(node("browser.test.js")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_socketio_on_asyncio_does_all_that_people_do() {
    succeed(python("test_asyncio_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_socketio_on_threads_does_all_that_people_do() {
    succeed(python("test_threaded_client")).await;
}

/// Runs against a server of its own, and checks that nothing is left there afterwards.
async fn succeed(runner: Runner) {
    let server = app::start().await;
    let url = format!("http://{}/", server.addr);
    tokio::task::spawn_blocking(move || runner.succeed(&url)).await.unwrap();
    server.until_empty().await;
}
