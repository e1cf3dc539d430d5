//! Sessions: their cookies, their list, their end.

use std::time::Duration;

use chat::{SESSION_IDLE, SESSION_LIFETIME};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{PASSWORD, World};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_cookie_is_kept_from_scripts_other_sites_and_plain_connections() {
    let asked = json!({ "name": "alice", "password": PASSWORD });
    for (options, name, secure) in [
        (&[][..], "parlor=", false),
        (&["--public-url", "http://chat.lan"][..], "parlor=", false),
        (&["--public-url", "https://chat.example.org"][..], "__Host-parlor=", true),
    ] {
        let world = World::with(options).await;
        let answer = world.post("/api/register", &asked).send().await.expect(201);
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with(name), "{cookie}");
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        let mut expected = vec!["Path=/", "Max-Age=15552000", "HttpOnly", "SameSite=Lax"];
        expected.extend(secure.then_some("Secure"));
        assert_eq!(attributes, expected);
        assert_eq!(secure, answer.headers.contains_key("strict-transport-security"));
    }
}

#[tokio::test]
async fn a_browser_that_logs_in_again_gets_another_cookie_and_the_old_one_is_dead() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let old = world.post("/api/register", &asked).send().await.expect(201).cookie();
    let new = world.post("/api/login", &asked).by_page(&old).send().await.expect(200).cookie();
    assert_ne!(old, new);
    world.get("/api/me").with("cookie", &old).send().await.expect(401);
    world.get("/api/me").with("cookie", &new).send().await.expect(200);
}

#[tokio::test]
async fn sessions_are_listed_with_what_uses_them_and_ended_one_by_one() {
    let world = World::new().await;
    let here = world.register("alice").await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let browser = world.post("/api/login", &asked).with("user-agent", firefox).send().await;
    let cookie = browser.expect(200).cookie();

    let list = world.get("/api/sessions").by(&here).send().await.expect(200);
    let sessions = list.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    assert_eq!(other["client"], "Firefox on Linux");

    world.get("/api/me").with("cookie", &cookie).send().await.expect(200);
    let path = format!("/api/sessions/{}", other["id"]);
    world.knock("DELETE", &path).by(&here).send().await.expect(204);
    world.get("/api/me").with("cookie", &cookie).send().await.expect(401);
    world.get("/api/me").by(&here).send().await.expect(200);
    assert_eq!(world.knock("DELETE", &path).by(&here).send().await.error(), (404, "not_found"));
}

#[tokio::test]
async fn whoever_logs_in_again_and_again_loses_the_session_unused_for_longest() {
    let world = World::with(&["--logins-per-minute", "1000"]).await;
    let first = world.register("alice").await;
    let second = world.log_in("alice").await;
    for _ in 2..200 {
        world.log_in("alice").await;
    }
    world.get("/api/me").by(&first).send().await.expect(200);
    let last = world.log_in("alice").await;
    world.get("/api/me").by(&first).send().await.expect(401);
    for token in [second, last] {
        world.get("/api/me").by(&token).send().await.expect(200);
    }
}

#[tokio::test]
async fn nobody_ends_the_session_of_somebody_else() {
    let world = World::new().await;
    let alice = world.register("alice").await;
    let bob = world.register("bob").await;
    let me = world.get("/api/me").by(&alice).send().await.expect(200);
    let path = format!("/api/sessions/{}", me.body["session"]["id"]);
    assert_eq!(world.knock("DELETE", &path).by(&bob).send().await.error(), (404, "not_found"));
    world.get("/api/me").by(&alice).send().await.expect(200);
}

#[tokio::test]
async fn a_session_survives_a_restart() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let world = world.restart(DAY).await;
    world.get("/api/me").by(&token).send().await.expect(200);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends_and_one_that_is_used_does_not() {
    let world = World::new().await;
    let used = world.register("alice").await;
    let unused = world.log_in("alice").await;
    let almost = SESSION_IDLE.checked_sub(DAY).unwrap();
    let world = world.restart(almost).await;
    world.get("/api/me").by(&used).send().await.expect(200);
    let world = world.restart(2 * DAY).await;
    world.get("/api/me").by(&used).send().await.expect(200);
    world.get("/api/me").by(&unused).send().await.expect(401);
}

#[tokio::test]
async fn a_session_ends_for_good_after_its_lifetime_though_it_is_in_use() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let mut world = world;
    let step = SESSION_IDLE / 2;
    for _ in 0..SESSION_LIFETIME.as_secs() / step.as_secs() - 1 {
        world = world.restart(step).await;
        world.get("/api/me").by(&token).send().await.expect(200);
    }
    world.clock.advance(step);
    world.get("/api/me").by(&token).send().await.expect(401);
}

#[tokio::test]
async fn what_is_no_token_lets_nobody_in() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let other = "A".repeat(43);
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer 1-",
        &format!("Basic {token}"),
        &format!("Bearer {other}"),
        &token,
    ] {
        let answer = world.get("/api/me").with("authorization", value).send().await;
        assert_eq!(answer.error(), (401, "not_logged_in"), "{value}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn a_session_that_ends_while_a_body_is_on_its_way_does_nothing_more() {
    let world = World::new().await;
    let alice = world.register("alice").await;
    let body = json!({ "name": "Too late" }).to_string();
    let mut request = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let (length, host) = (body.len(), world.address);
    let head = format!(
        "POST /api/rooms HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {alice}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    request.write_all(head.as_bytes()).await.unwrap();
    request.write_all(&body.as_bytes()[..5]).await.unwrap();
    world.post("/api/logout", &json!({})).by(&alice).send().await.expect(204);
    request.write_all(&body.as_bytes()[5..]).await.unwrap();

    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn those_who_come_back_after_a_restart_are_known_without_a_question_for_each() {
    let world = World::with(&["--metrics-listen", "127.0.0.1:0"]).await;
    let mut tokens = Vec::new();
    for name in ["alice", "bob", "carol"] {
        tokens.push(world.register(name).await);
    }
    let ended = world.log_in("alice").await;
    world.post("/api/logout", &json!({})).by(&ended).send().await.expect(204);

    let world = world.restart(Duration::from_mins(5)).await;
    let before = store_reads(&world).await;
    for token in &tokens {
        world.get("/api/me").by(token).send().await.expect(200);
    }
    assert_eq!(store_reads(&world).await, before);
    world.get("/api/me").by(&ended).send().await.expect(401);
}

async fn store_reads(world: &World) -> u64 {
    let url = format!("http://{}/metrics", world.metrics.unwrap());
    let page = reqwest::get(url).await.unwrap().text().await.unwrap();
    let figure = page.lines().find_map(|line| line.strip_prefix("parlor_store_reads_total "));
    figure.unwrap().parse().unwrap()
}
