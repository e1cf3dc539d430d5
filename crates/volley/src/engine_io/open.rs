//! The first packet of a session: who the client is now, and the terms.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The content of an open packet.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    /// Names the session in every later request.
    pub sid: &'a str,
    /// Transports this one may be exchanged for.
    pub upgrades: &'a [&'a str],
    /// Time between two pings of the server. Whole milliseconds on the wire, as the next one.
    #[serde(serialize_with = "in_milliseconds")]
    pub ping_interval: Duration,
    /// Time a client has to answer a ping.
    #[serde(serialize_with = "in_milliseconds")]
    pub ping_timeout: Duration,
    /// Longest polling body, in bytes, that a client may send.
    pub max_payload: usize,
}

impl Open<'_> {
    /// The payload of the packet.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always have a JSON form")
    }
}

fn in_milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_written_as_the_protocol_shows_them() {
        let open = Open {
            sid: "lv_VI97HAXpY6yYWAAAC",
            upgrades: &["websocket"],
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: 1_000_000,
        };
        assert_eq!(
            open.to_json(),
            r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        );
    }
}
