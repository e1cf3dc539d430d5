//! The description of the API against the API: every operation is done, and what comes back is as described.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::world::{Answer, Knock, PASSWORD, World};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The description, and what has been done of it.
struct Description {
    document: Value,
    done: BTreeSet<(String, u16)>,
}

impl Description {
    async fn of(world: &World) -> Self {
        let document = world.get("/api/openapi.json").send().await.expect(200).body;
        Self { document, done: BTreeSet::new() }
    }

    /// All operations: method, path, operation.
    fn operations(&self) -> Vec<(String, String, Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            let of_path = item.iter().filter(|(method, _)| METHODS.contains(&method.as_str()));
            of_path
                .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
        });
        all.collect()
    }

    /// Does something and compares the answer with what is described for its status.
    async fn check(&mut self, id: &str, knock: Knock) -> Answer {
        let answer = knock.send().await;
        let status = answer.status.as_u16();
        let operations = self.operations();
        let (.., operation) = operations
            .iter()
            .find(|(.., operation)| operation["operationId"] == id)
            .unwrap_or_else(|| panic!("{id} is not described"));
        let described = &operation["responses"][status.to_string()];
        assert!(described.is_object(), "{id} may not answer {status}: {answer:?}");
        match described["content"]["application/json"]["schema"].as_object() {
            Some(schema) => {
                let validator = self.validator(schema.clone().into());
                let errors: Vec<_> =
                    validator.iter_errors(&answer.body).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{id} {status}: {errors:?} in {}", answer.body);
            }
            None => assert_eq!(answer.text, "", "{id} {status} has no body"),
        }
        self.done.insert((id.to_owned(), status));
        answer
    }

    fn validator(&self, mut schema: Value) -> Validator {
        schema["components"] = self.document["components"].clone();
        close_objects(&mut schema);
        jsonschema::draft202012::new(&schema).unwrap()
    }
}

/// What is not described must not be there either.
fn close_objects(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
            object.values_mut().for_each(close_objects);
        }
        Value::Array(items) => items.iter_mut().for_each(close_objects),
        _ => {}
    }
}

#[tokio::test]
async fn every_operation_does_what_its_description_says() {
    let world = World::with(&["--registrations-per-hour", "4", "--logins-per-minute", "12"]).await;
    let mut api = Description::of(&world).await;
    let register = |name: &str| json!({ "name": name, "password": PASSWORD, "kind": "token" });

    let alice = api.check("register", world.post("/api/register", &register("alice"))).await;
    let alice = alice.body["token"].as_str().unwrap().to_owned();
    api.check("register", world.post("/api/register", &register(""))).await;
    api.check("register", world.post("/api/register", &register("ALICE"))).await;
    for name in ["bob", "carol", "dave"] {
        api.check("register", world.post("/api/register", &register(name))).await;
    }

    let cookie = json!({ "name": "alice", "password": PASSWORD });
    let cookie = api.check("logIn", world.post("/api/login", &cookie)).await.cookie();
    let second = api.check("logIn", world.post("/api/login", &register("alice"))).await;
    let me = api.check("me", world.get("/api/me").by(&alice)).await;
    api.check("listSessions", world.get("/api/sessions").by(&alice)).await;
    let path = format!("/api/sessions/{}", second.body["session"]["id"]);
    api.check("endSession", world.knock("DELETE", &path).by(&alice)).await;
    api.check("endSession", world.knock("DELETE", &path).by(&alice)).await;
    assert_eq!(me.body["user"]["name"], "alice");

    let room = api
        .check("createRoom", world.post("/api/rooms", &json!({ "name": "tea" })).by(&alice))
        .await;
    api.check("createRoom", world.post("/api/rooms", &json!({ "name": "" })).by(&alice)).await;
    api.check("listRooms", world.get("/api/rooms").by(&alice)).await;
    api.check("listRooms", world.get("/api/rooms?limit=0").by(&alice)).await;
    let path = format!("/api/rooms/{}", room.body["id"].as_str().unwrap());
    api.check("getRoom", world.get(&path).by(&alice)).await;
    api.check("getRoom", world.get("/api/rooms/tea").by(&alice)).await;
    api.check("listMessages", world.get(&format!("{path}/messages")).by(&alice)).await;
    api.check("listMessages", world.get(&format!("{path}/messages?limit=0")).by(&alice)).await;
    api.check("listMessages", world.get("/api/rooms/tea/messages").by(&alice)).await;
    for _ in 0..30 {
        api.check("createRoom", world.post("/api/rooms", &json!({ "name": "tea" })).by(&alice))
            .await;
    }

    for (operation, path) in [
        ("listRooms", "/api/rooms?search=tea"),
        ("getRoom", &path),
        ("listMessages", &format!("{path}/messages")),
        ("listSessions", "/api/sessions"),
    ] {
        while api.check(operation, world.get(path).by(&alice)).await.status != 429 {}
    }
    let nobodys = world.knock("DELETE", "/api/sessions/0").by(&alice);
    api.check("endSession", nobodys).await.expect(429);

    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    let password = |body: &Value| world.post("/api/password", body);
    let better = "a better password";
    api.check("changePassword", password(&change(PASSWORD, better)).by_page(&cookie))
        .await
        .expect(204);
    let alice = api
        .check(
            "logIn",
            world.post(
                "/api/login",
                &json!({ "name": "alice", "password": better, "kind": "token" }),
            ),
        )
        .await;
    let alice = alice.body["token"].as_str().unwrap().to_owned();
    let changed = api
        .check("changePassword", password(&change(better, PASSWORD)).by(&alice))
        .await
        .expect(200);
    let alice = changed.body["token"].as_str().unwrap().to_owned();
    api.check("changePassword", password(&change(PASSWORD, "short")).by(&alice)).await.expect(400);
    api.check("changePassword", password(&change(better, better)).by(&alice)).await.expect(403);
    loop {
        let answer = api.check("logIn", world.post("/api/login", &register("nobody"))).await;
        if answer.status == 429 {
            break;
        }
    }
    api.check("changePassword", password(&change(better, better)).by(&alice)).await.expect(429);

    api.check("livez", world.get("/livez")).await;
    api.check("readyz", world.get("/readyz")).await;
    api.check("logOut", world.knock("POST", "/api/logout").by(&alice)).await.expect(204);
    for (id, method, path) in guarded(&api) {
        api.check(&id, request(&world, &method, &path)).await.expect(401);
    }

    let described: BTreeSet<_> = api
        .operations()
        .iter()
        .flat_map(|(.., operation)| {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let responses = operation["responses"].as_object().unwrap().keys();
            responses.map(move |status| (id.clone(), status.parse().unwrap())).collect::<Vec<_>>()
        })
        .collect();
    let undone: Vec<_> = described.difference(&api.done).collect();
    // A server that is not ready is met elsewhere.
    assert_eq!(undone, [&("readyz".to_owned(), 503)]);
}

/// Operations for those who are logged in: all, unless they say otherwise.
fn guarded(api: &Description) -> Vec<(String, String, String)> {
    let open = json!([{}]);
    let operations = api.operations().into_iter();
    let guarded = operations.filter(|(.., operation)| operation["security"] != open);
    guarded
        .map(|(method, path, operation)| {
            (operation["operationId"].as_str().unwrap().to_owned(), method, path)
        })
        .collect()
}

fn request(world: &World, method: &str, path: &str) -> Knock {
    let path = path.replace("{id}", "2aeea58e-8fb9-42ce-b27a-f61daef387ba");
    let knock = world.knock(method, &path);
    if method == "POST" { knock.json(&json!({})) } else { knock }
}

#[tokio::test]
async fn only_these_operations_are_open_to_strangers() {
    let world = World::new().await;
    let api = Description::of(&world).await;
    let guarded: BTreeSet<_> = guarded(&api).into_iter().map(|(id, ..)| id).collect();
    let open: Vec<_> = api
        .operations()
        .iter()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap().to_owned())
        .filter(|id| !guarded.contains(id))
        .collect();
    assert_eq!(open, ["logIn", "register", "livez", "readyz"]);
    for (method, path, _) in api.operations() {
        let answer = request(&world, &method, &path).send().await;
        assert_ne!(answer.status, 404, "{method} {path} is described and not there");
        assert_ne!(answer.status, 405, "{method} {path} is described and not there");
    }
}

#[tokio::test]
async fn the_description_is_a_description_that_tools_understand() {
    let world = World::new().await;
    let api = Description::of(&world).await;
    assert!(api.document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (name, schema) in api.document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        assert!(schema["description"].is_string(), "{name} is not described");
    }
    for (method, path, operation) in api.operations() {
        assert!(operation["summary"].is_string(), "{method} {path}");
        let named = path.matches('{').count();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(named, in_path, "{method} {path}");
    }
}
