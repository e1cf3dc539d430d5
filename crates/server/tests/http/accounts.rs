//! Registering, logging in and out, the password.

use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn the_first_account_looks_after_the_server_and_the_second_does_not() {
    let world = World::new().await;
    let mut admins = Vec::new();
    for name in ["alice", "bob"] {
        let asked = json!({ "name": name, "password": PASSWORD });
        let answer = world.post("/api/register", &asked).send().await.expect(201);
        assert_eq!(answer.body["user"]["name"], name);
        assert!(answer.body.get("token").is_none(), "a browser's token is in its cookie only");
        admins.push(answer.body["admin"].clone());
    }
    assert_eq!(admins, [true, false]);
}

#[tokio::test]
async fn a_browser_is_known_by_its_cookie_and_a_program_by_its_token() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let browser = world.post("/api/register", &asked).send().await.expect(201);
    let me = world.get("/api/me").with("cookie", &browser.cookie()).send().await.expect(200);
    assert_eq!(me.body["user"], browser.body["user"]);

    let token = world.log_in("alice").await;
    let me = world.get("/api/me").by(&token).send().await.expect(200);
    assert_eq!(me.body["user"], browser.body["user"]);
    assert_ne!(me.body["session"]["id"], browser.body["session"]["id"]);
}

#[tokio::test]
async fn a_program_gets_no_cookie() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD, "kind": "token" });
    let answer = world.post("/api/register", &asked).send().await.expect(201);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_told_the_same() {
    let world = World::new().await;
    world.register("alice").await;
    let mut answers = Vec::new();
    for (name, password) in [("alice", "not the password"), ("nobody", PASSWORD), ("", PASSWORD)] {
        let asked = json!({ "name": name, "password": password });
        let answer = world.post("/api/login", &asked).send().await;
        assert_eq!(answer.error(), (401, "wrong_credentials"));
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn an_error_names_the_field_that_it_concerns() {
    let world = World::new().await;
    let alice = world.register("alice").await;
    let register = |name: &str, password: &str| {
        world.post("/api/register", &json!({ "name": name, "password": password }))
    };
    let change = |old: &str, new: &str| {
        world.post("/api/password", &json!({ "old": old, "new": new })).by(&alice)
    };
    for (knock, status, code, field) in [
        (register("", PASSWORD), 400, "invalid_name", "name"),
        (register("Alice", PASSWORD), 409, "name_taken", "name"),
        (register("bob", "short"), 400, "invalid_password", "password"),
        (change(PASSWORD, "short"), 400, "invalid_password", "new"),
        (change("not the password", "a new password"), 403, "wrong_password", "old"),
    ] {
        let answer = knock.send().await;
        assert_eq!(answer.error(), (status, code));
        assert_eq!(answer.body["error"]["field"], field);
    }
}

#[tokio::test]
async fn after_logging_out_neither_cookie_nor_token_open_anything() {
    let world = World::new().await;
    let token = world.register("alice").await;
    world.knock("POST", "/api/logout").by(&token).send().await.expect(204);
    let answer = world.get("/api/me").by(&token).send().await;
    assert_eq!(answer.error(), (401, "not_logged_in"));

    let asked = json!({ "name": "alice", "password": PASSWORD });
    let cookie = world.post("/api/login", &asked).send().await.expect(200).cookie();
    let out = world.post("/api/logout", &json!({})).by_page(&cookie).send().await.expect(204);
    assert!(out.header("set-cookie").starts_with("parlor=; Path=/; Max-Age=0;"));
    let answer = world.get("/api/me").with("cookie", &cookie).send().await;
    assert_eq!(answer.error(), (401, "not_logged_in"));
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_but_this_one_which_gets_a_new_token() {
    let world = World::new().await;
    let here = world.register("alice").await;
    let elsewhere = world.log_in("alice").await;
    // Both are at hand and must be forgotten at once.
    for token in [&here, &elsewhere] {
        world.get("/api/me").by(token).send().await.expect(200);
    }
    let change = json!({ "old": PASSWORD, "new": "a better password" });
    let changed = world.post("/api/password", &change).by(&here).send().await.expect(200);
    let new = changed.body["token"].as_str().unwrap();
    for token in [&here, &elsewhere] {
        world.get("/api/me").by(token).send().await.expect(401);
    }
    world.get("/api/me").by(new).send().await.expect(200);

    let old = json!({ "name": "alice", "password": PASSWORD });
    world.post("/api/login", &old).send().await.expect(401);
    let new = json!({ "name": "alice", "password": "a better password" });
    world.post("/api/login", &new).send().await.expect(200);
}

#[tokio::test]
async fn a_new_password_gives_a_browser_a_new_cookie() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let old = world.post("/api/register", &asked).send().await.expect(201).cookie();
    let change = json!({ "old": PASSWORD, "new": "a better password" });
    let changed = world.post("/api/password", &change).by_page(&old).send().await.expect(204);
    world.get("/api/me").with("cookie", &old).send().await.expect(401);
    world.get("/api/me").with("cookie", &changed.cookie()).send().await.expect(200);
}

#[tokio::test]
async fn a_password_of_a_megabyte_is_refused_before_anything_is_done_with_it() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": "x".repeat(1024 * 1024) });
    world.post("/api/register", &asked).send().await.expect(413);
    let asked = json!({ "name": "alice", "password": "x".repeat(2000) });
    assert_eq!(world.post("/api/login", &asked).send().await.error(), (401, "wrong_credentials"));
}
