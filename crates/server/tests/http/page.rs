//! The web page as it is served.

use crate::world::World;

/// The files of the page that a text of it names.
fn mentioned(text: &str) -> Vec<&str> {
    text.split('"').filter(|text| text.starts_with("/assets/")).collect()
}

#[tokio::test]
async fn the_page_is_at_the_root_and_at_every_link_to_a_room() {
    let world = World::new().await;
    for path in ["/", "/?room=2aeea58e-8fb9-42ce-b27a-f61daef387ba", "/index.html"] {
        let page = world.get(path).send().await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(page.text.contains("<title>Parlor</title>"));
    }
}

#[tokio::test]
async fn what_the_page_loads_is_there_and_is_kept_for_ever() {
    let world = World::new().await;
    let page = world.get("/").send().await;
    let files = mentioned(&page.text);
    assert!(files.iter().any(|file| file.contains(".js")), "{files:?}");
    assert!(files.iter().any(|file| file.contains(".css")), "{files:?}");
    for file in files {
        let asset = world.get(file).send().await.expect(200);
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    }
}

#[tokio::test]
async fn the_worker_is_asked_for_each_time_and_keeps_what_is_there() {
    let world = World::new().await;
    let worker = world.get("/worker.js").send().await.expect(200);
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(worker.header("cache-control"), "no-cache");
    let page = world.get("/").send().await;
    let kept = mentioned(&worker.text);
    for file in mentioned(&page.text) {
        assert!(kept.contains(&file), "{file} is not among {kept:?}");
    }
    for file in kept {
        world.get(file).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_file_comes_compressed_to_those_who_understand_it_and_once() {
    let world = World::new().await;
    let page = world.get("/").send().await;
    let script = mentioned(&page.text).into_iter().find(|file| file.contains(".js")).unwrap();
    let mut sizes = Vec::new();
    for encoding in ["br", "gzip", "identity"] {
        let form = world.knock("HEAD", script).with("accept-encoding", encoding).send().await;
        let form = form.expect(200);
        assert_eq!(form.text, "");
        assert_eq!(form.header("vary"), "Accept-Encoding");
        sizes.push(form.header("content-length").parse::<usize>().unwrap());
        let again = world.get(script).with("accept-encoding", encoding);
        again.with("if-none-match", form.header("etag")).send().await.expect(304);
        let encoded = form.headers.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(encoded, (encoding != "identity").then_some(encoding));
    }
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
}

#[tokio::test]
async fn the_page_needs_nothing_that_its_policy_forbids() {
    let world = World::new().await;
    let page = world.get("/").send().await.text;
    // Each script is a file of ours, and nothing is styled or handled inline.
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("></script>").count());
    for inline in ["<style", " style=", " onload=", " onclick=", "javascript:", "//cdn"] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_must_not_do() {
    let world = World::new().await;
    for path in ["/", "/nothing", "/api/me", "/api/nothing", "/livez", "/socket.io/?EIO=4"] {
        let answer = world.get(path).send().await;
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        answer.header("permissions-policy");
    }
}

#[tokio::test]
async fn what_the_api_says_is_kept_out_of_caches() {
    let world = World::new().await;
    for path in ["/api/me", "/api/openapi.json", "/readyz"] {
        assert_eq!(world.get(path).send().await.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_there() {
    let world = World::new().await;
    for path in
        ["/nothing", "/assets/nothing.js", "/assets/", "/../Cargo.toml", "/%2e%2e/Cargo.toml"]
    {
        world.get(path).send().await.expect(404);
    }
    assert_eq!(world.get("/api/nothing").send().await.error(), (404, "not_found"));
    let answer = world.knock("POST", "/").send().await.expect(405);
    assert_eq!(answer.header("allow"), "GET, HEAD");
}
