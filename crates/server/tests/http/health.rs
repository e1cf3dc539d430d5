//! For those who keep the server running.

use std::fs;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::World;

#[tokio::test]
async fn a_server_that_runs_is_alive_and_ready() {
    let world = World::new().await;
    for (path, status) in [("/livez", "alive"), ("/readyz", "ready")] {
        let answer = world.get(path).send().await.expect(200);
        assert_eq!(answer.body, json!({ "status": status }));
    }
}

#[tokio::test]
async fn a_server_that_is_about_to_end_says_so_and_lives_until_it_has() {
    let mut world = World::new().await;
    let token = world.register("alice").await;
    // Somebody who does not notice that the server says goodbye, so that there is time to ask.
    let mut absent = TcpStream::connect(world.address).await.unwrap();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         authorization: Bearer {token}\r\n\r\n",
        world.address,
    );
    absent.write_all(upgrade.as_bytes()).await.unwrap();
    absent.readable().await.unwrap();

    world.ask_to_stop();
    let answer = loop {
        let answer = world.get("/readyz").send().await;
        if answer.status != 200 {
            break answer.expect(503);
        }
    };
    assert_eq!(answer.body, json!({ "status": "draining" }));
    world.get("/livez").send().await.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn a_server_that_can_store_nothing_says_so_reads_on_and_recovers_by_itself() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let create = || world.post("/api/rooms", &json!({ "name": "Kitchen" })).by(&token).send();
    create().await.expect(201);
    let away = world.folder().with_extension("away");
    fs::rename(world.folder(), &away).unwrap();

    assert_eq!(create().await.error(), (503, "storage_unavailable"));
    let ready = world.get("/readyz").send().await.expect(503);
    assert_eq!(ready.body, json!({ "status": "storage_unavailable" }));
    world.get("/livez").send().await.expect(200);
    let rooms = world.get("/api/rooms").by(&token).send().await.expect(200);
    assert_eq!(rooms.body["rooms"][0]["name"], "Kitchen");

    fs::rename(&away, world.folder()).unwrap();
    while world.get("/readyz").send().await.status != 200 {}
    create().await.expect(201);
}

#[tokio::test]
async fn figures_are_told_on_a_listener_of_their_own_and_nowhere_else() {
    let world = World::with(&["--metrics-listen", "127.0.0.1:0"]).await;
    world.register("alice").await;
    world.get("/metrics").send().await.expect(404);
    let url = format!("http://{}/metrics", world.metrics.unwrap());
    let page = reqwest::get(url).await.unwrap().text().await.unwrap();
    for line in [
        "parlor_http_requests_total{method=\"POST\",route=\"/api/register\",status=\"201\"} 1",
        "parlor_websockets 0",
        "# TYPE parlor_store_reads counter",
        "parlor_connections_closed_total{reason=\"lagging\"} 0",
        "# TYPE process_resident_memory_bytes gauge",
        "# TYPE process_open_fds gauge",
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
    }
}

#[tokio::test]
async fn every_answer_has_a_number_by_which_the_log_knows_it() {
    let world = World::new().await;
    let first = world.get("/livez").send().await.header("x-request-id").to_owned();
    let second = world.get("/nothing").send().await.header("x-request-id").to_owned();
    assert_ne!(first, second);
}
