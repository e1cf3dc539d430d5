//! Those who try too often, and those who must not suffer from it.

use std::time::Duration;

use chat::Token;
use serde_json::json;

use crate::world::{Answer, PASSWORD, World};

const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.0/8"];

async fn try_to_log_in(world: &World, name: &str, password: &str, from: &str) -> Answer {
    let asked = json!({ "name": name, "password": password });
    world.post("/api/login", &asked).with("x-forwarded-for", from).send().await
}

/// Whoever waits as long as this is let in.
fn retry_after(answer: &Answer) -> Duration {
    Duration::from_millis(answer.body["error"]["retry_after_ms"].as_u64().unwrap())
}

#[tokio::test]
async fn guessing_a_password_ends_soon_and_the_account_is_not_locked_for_its_owner() {
    let world = World::with(&PROXY).await;
    world.register("alice").await;
    let (stranger, alice) = ("203.0.113.9", "198.51.100.1");
    for _ in 0..10 {
        let answer = try_to_log_in(&world, "alice", "a wrong guess", stranger).await;
        assert_eq!(answer.error(), (401, "wrong_credentials"));
    }
    // Not even the right one is tried any more.
    let answer = try_to_log_in(&world, "alice", PASSWORD, stranger).await;
    assert_eq!(answer.error(), (429, "rate_limited"));
    let wait = retry_after(&answer);
    assert_eq!(wait.as_secs(), 10);
    assert_eq!(answer.header("retry-after"), wait.as_millis().div_ceil(1000).to_string());
    try_to_log_in(&world, "alice", PASSWORD, alice).await.expect(200);

    world.clock.advance(wait);
    try_to_log_in(&world, "alice", PASSWORD, stranger).await.expect(200);
}

#[tokio::test]
async fn a_bad_memory_is_forgiven_once_it_has_remembered() {
    let world = World::with(&["--logins-per-minute", "1000"]).await;
    world.register("alice").await;
    for _ in 0..3 {
        for _ in 0..9 {
            let answer = try_to_log_in(&world, "alice", "a wrong guess", "").await;
            assert_eq!(answer.error(), (401, "wrong_credentials"));
        }
        try_to_log_in(&world, "alice", PASSWORD, "").await.expect(200);
    }
}

#[tokio::test]
async fn an_address_that_tries_one_password_on_many_names_is_stopped_too() {
    let world = World::with(&["--logins-per-minute", "5"]).await;
    for index in 0..5 {
        let answer = try_to_log_in(&world, &format!("name{index}"), PASSWORD, "").await;
        assert_eq!(answer.error(), (401, "wrong_credentials"));
    }
    let answer = try_to_log_in(&world, "another", PASSWORD, "").await;
    assert_eq!(answer.error(), (429, "rate_limited"));
}

#[tokio::test]
async fn an_address_that_is_merely_claimed_does_not_change_who_is_counted() {
    for options in [&[][..], &["--trusted-proxy", "10.0.0.0/8"]] {
        let world = World::with(&[options, &["--logins-per-minute", "3"]].concat()).await;
        for index in 0..4 {
            let answer =
                try_to_log_in(&world, "alice", PASSWORD, &format!("203.0.113.{index}")).await;
            assert_eq!(answer.status, if index < 3 { 401 } else { 429 });
        }
    }
}

#[tokio::test]
async fn a_network_of_ipv6_counts_as_one() {
    let world = World::with(&[&PROXY[..], &["--logins-per-minute", "2"]].concat()).await;
    for (from, status) in
        [("2001:db8::1", 401), ("2001:db8::2", 401), ("2001:db8::3", 429), ("2001:db8:0:1::1", 401)]
    {
        assert_eq!(try_to_log_in(&world, "alice", PASSWORD, from).await.status, status, "{from}");
    }
}

#[tokio::test]
async fn an_address_registers_a_few_and_then_has_to_wait() {
    let world = World::with(&["--registrations-per-hour", "2"]).await;
    for name in ["alice", "bob"] {
        world.register(name).await;
    }
    let carol = json!({ "name": "carol", "password": PASSWORD });
    let answer = world.post("/api/register", &carol).send().await;
    assert_eq!(answer.error(), (429, "rate_limited"));
    let wait = retry_after(&answer);
    assert_eq!(wait.as_secs(), 30 * 60);
    world.clock.advance(wait);
    world.post("/api/register", &carol).send().await.expect(201);
}

#[tokio::test]
async fn the_present_password_is_not_guessed_at_a_change_either() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let change = json!({ "old": "a wrong guess", "new": "a better password" });
    for _ in 0..10 {
        let answer = world.post("/api/password", &change).by(&token).send().await;
        assert_eq!(answer.error(), (403, "wrong_password"));
    }
    let answer = world.post("/api/password", &change).by(&token).send().await;
    assert_eq!(answer.error(), (429, "rate_limited"));
}

#[tokio::test]
async fn tokens_are_not_guessed_at_any_speed() {
    let world = World::new().await;
    let mut statuses = Vec::new();
    for index in 0..61 {
        let guess = Token::from_random_bytes([index; 32]).encode();
        statuses.push(world.get("/api/me").by(&guess).send().await.status.as_u16());
    }
    assert!(statuses[..60].iter().all(|status| *status == 401));
    assert_eq!(statuses[60], 429);
}

#[tokio::test]
async fn a_person_opens_some_rooms_at_once_and_then_has_to_wait() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let room = json!({ "name": "tea" });
    for _ in 0..30 {
        world.post("/api/rooms", &room).by(&token).send().await.expect(201);
    }
    let answer = world.post("/api/rooms", &room).by(&token).send().await;
    assert_eq!(answer.error(), (429, "rate_limited"));
    world.clock.advance(retry_after(&answer));
    world.post("/api/rooms", &room).by(&token).send().await.expect(201);
}

#[tokio::test]
async fn a_flood_of_log_ins_is_turned_away_and_not_queued_for_ever() {
    let world = World::with(&["--logins-per-minute", "1000"]).await;
    world.register("alice").await;
    let tries = (0..200).map(|index| {
        let asked = json!({ "name": format!("name{index}"), "password": PASSWORD });
        tokio::spawn(world.post("/api/login", &asked).send())
    });
    let mut turned_away = 0;
    for answer in tries.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        match answer.error() {
            (401, "wrong_credentials") => {}
            (503, "overloaded") => {
                answer.header("retry-after");
                turned_away += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(turned_away > 0, "200 at once are more than may wait");
}

#[tokio::test]
async fn nobody_searches_so_much_that_others_cannot_read() {
    let world = World::new().await;
    let (alice, bob) = (world.register("alice").await, world.register("bob").await);
    let search = |token: &str| world.get("/api/rooms?search=tea").by(token).send();
    for _ in 0..30 {
        search(&alice).await.expect(200);
    }
    let refused = search(&alice).await;
    assert_eq!(refused.error(), (429, "rate_limited"));
    search(&bob).await.expect(200);
    world.clock.advance(retry_after(&refused));
    search(&alice).await.expect(200);
}

#[tokio::test]
async fn sessions_are_listed_no_faster_than_anything_else_is_read() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for _ in 0..300 {
        world.get("/api/sessions").by(&token).send().await.expect(200);
    }
    let answer = world.get("/api/sessions").by(&token).send().await;
    assert_eq!(answer.error(), (429, "rate_limited"));
    let nobodys = world.knock("DELETE", "/api/sessions/0").by(&token).send().await;
    assert_eq!(nobodys.error(), (429, "rate_limited"));
}
