//! Replays what the fuzzer found so far, with the checks it uses, as plain tests.

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "public for the fuzz targets")]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs = 0;
    for input in fs::read_dir(corpus).expect("the corpus is in the repository") {
        let path = input.expect("a readable corpus").path();
        // Shown when the check panics.
        println!("{}", path.display());
        check(&fs::read(path).expect("a readable input"));
        inputs += 1;
    }
    assert!(inputs > 0, "an empty corpus proves nothing");
}

#[test]
fn the_websocket_decoder_stands_what_the_fuzzer_found() {
    replay("websocket_decoder", checks::websocket_decoder);
}

#[test]
fn polling_bodies_stand_what_the_fuzzer_found() {
    replay("engine_payload", checks::engine_payload);
}

#[test]
fn packets_stand_what_the_fuzzer_found() {
    replay("socket_packet", checks::socket_packet);
}
