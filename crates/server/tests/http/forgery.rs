//! Requests that somebody else's page makes a browser send.

use serde_json::json;

use crate::world::{PASSWORD, World};

/// What changes something: method, path, and a body that would do it.
fn changes() -> [(&'static str, &'static str, serde_json::Value); 6] {
    let credentials = json!({ "name": "alice", "password": PASSWORD });
    [
        ("POST", "/api/register", credentials.clone()),
        ("POST", "/api/login", credentials),
        ("POST", "/api/logout", json!({})),
        ("POST", "/api/password", json!({ "old": PASSWORD, "new": "a better password" })),
        ("POST", "/api/rooms", json!({ "name": "tea" })),
        ("DELETE", "/api/sessions/1", json!(null)),
    ]
}

#[tokio::test]
async fn nothing_changes_for_a_page_of_somebody_else() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let cookie = world.post("/api/register", &asked).send().await.expect(201).cookie();
    let port = world.address.port();
    let strangers = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://evil-127.0.0.1:{port}"),
        format!("http://user@127.0.0.1:{port}"),
    ];
    for (method, path, body) in changes() {
        for origin in &strangers {
            let knock = world.knock(method, path).json(&body).with("cookie", &cookie);
            let answer = knock.with("origin", origin).send().await;
            assert_eq!(answer.error(), (403, "forbidden_origin"), "{method} {path} from {origin}");
        }
        for site in ["cross-site", "same-site", "none", ""] {
            let knock = world.knock(method, path).json(&body).with("cookie", &cookie);
            let answer = knock.with("sec-fetch-site", site).send().await;
            assert_eq!(answer.error(), (403, "forbidden_origin"), "{method} {path}, {site}");
        }
        let answer = world.knock(method, path).json(&body).with("cookie", &cookie).send().await;
        assert_eq!(answer.error(), (403, "forbidden_origin"), "{method} {path} from nowhere");
    }
    world.get("/api/me").with("cookie", &cookie).send().await.expect(200);
}

#[tokio::test]
async fn a_token_does_not_help_a_page_of_somebody_else() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let knock = world.post("/api/rooms", &json!({ "name": "tea" })).by(&token);
    let answer = knock.with("origin", "https://evil.example").send().await;
    assert_eq!(answer.error(), (403, "forbidden_origin"));
}

#[tokio::test]
async fn our_own_page_and_programs_may_change_things() {
    let world = World::new().await;
    let asked = json!({ "name": "alice", "password": PASSWORD });
    let cookie = world.post("/api/register", &asked).send().await.expect(201).cookie();
    let room = json!({ "name": "tea" });
    world.post("/api/rooms", &room).by_page(&cookie).send().await.expect(201);
    let by_fetch = world.post("/api/rooms", &room).with("cookie", &cookie);
    by_fetch.with("sec-fetch-site", "same-origin").send().await.expect(201);
    let token = world.log_in("alice").await;
    world.post("/api/rooms", &room).by(&token).send().await.expect(201);
}

#[tokio::test]
async fn only_the_origins_that_were_configured_are_ours() {
    let options = ["--public-url", "https://chat.example.org", "--origin", "https://chat.lan:8443"];
    let world = World::with(&options).await;
    let register = |name: &str, origin: &str| {
        let asked = json!({ "name": name, "password": PASSWORD });
        world.post("/api/register", &asked).with("origin", origin).send()
    };
    register("alice", "https://chat.example.org").await.expect(201);
    register("bob", "https://chat.lan:8443").await.expect(201);
    let own = format!("http://{}", world.address);
    for origin in [
        &own,
        "http://chat.example.org",
        "https://chat.example.org:443",
        "https://chat.lan",
        "https://chat.example.org.evil.example",
    ] {
        assert_eq!(register("carol", origin).await.error(), (403, "forbidden_origin"), "{origin}");
    }
}

#[tokio::test]
async fn only_json_is_taken_and_only_what_is_expected_in_it() {
    let world = World::new().await;
    let form = format!(r#"{{"name":"alice","password":"{PASSWORD}"}}"#);
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
        "",
    ] {
        let knock = world.knock("POST", "/api/register").with("content-type", content_type);
        assert_eq!(knock.body(&form).send().await.error(), (415, "bad_request"), "{content_type}");
    }
    for body in [
        json!({ "name": "alice", "password": PASSWORD, "admin": true }),
        json!({ "name": { "$ne": 1 }, "password": PASSWORD }),
        json!({ "name": "alice", "password": ["a horse, a staple"] }),
        json!({ "name": "alice" }),
        json!([]),
        json!(null),
    ] {
        let answer = world.post("/api/register", &body).send().await;
        assert_eq!(answer.error(), (400, "bad_request"), "{body}");
    }
    for body in ["", "{", "{}{}", "\u{0}"] {
        let knock = world.knock("POST", "/api/register").with("content-type", "application/json");
        assert_eq!(knock.body(body).send().await.error(), (400, "bad_request"), "{body}");
    }
    let knock = world.knock("POST", "/api/register");
    knock
        .with("content-type", "Application/JSON; charset=utf-8")
        .body(&form)
        .send()
        .await
        .expect(201);
}

#[tokio::test]
async fn nothing_changes_by_looking() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for (method, path, _) in changes() {
        if method == "POST" && path != "/api/rooms" {
            let answer = world.get(path).by(&token).send().await;
            assert_eq!(answer.error(), (405, "bad_request"), "{path}");
        }
    }
    let rooms = world.get("/api/rooms").by(&token).send().await.expect(200);
    assert_eq!(rooms.body["total"], 0);
}

#[tokio::test]
async fn a_server_for_this_machine_answers_to_no_other_name() {
    let world = World::new().await;
    let port = world.address.port();
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"] {
        let answer = world.get("/").with("host", &format!("{host}:{port}")).send().await;
        assert_eq!(answer.error(), (421, "forbidden_host"), "{host}");
    }
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
        world.get("/livez").with("host", &format!("{host}:{port}")).send().await.expect(200);
    }
    let public = World::with(&["--public-url", "http://chat.example.org"]).await;
    public.get("/livez").with("host", "chat.example.org").send().await.expect(200);
}
