//! What clients say to a server and how they understand it: the two events that every server of the
//! fan-out comparison knows, or Parlor's own protocol. Only bytes, no sockets.
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use crate::wire::{self, MESSAGE_END, MESSAGE_START, Outgoing, VALUE_LENGTH};

/// The acknowledgement that `join` asks for.
const JOIN_ACK: u32 = 0;

/// Before a message's text in what Parlor delivers, and after it up to the time, whose 13 digits it
/// will have until the year 2286. From the end, so that no number before it need be counted out.
const BODY_START: &[u8] = br#","body":""#;
const BODY_END: &[u8] = br#"","at":"#;
const AFTER_BODY: usize = BODY_END.len() + 13 + 2;
const PARLOR_MESSAGE: &[u8] = br#"42["message",{"room":""#;

/// A client's language.
#[derive(Clone)]
pub(crate) enum Dialect {
    /// `join` takes a room's name, `message` a name and a value of so many bytes.
    Rooms { value_length: usize },
    /// Parlor's events. Each client is one of these people.
    Parlor(People),
}

/// Who clients of Parlor are, and where they go.
#[derive(Clone)]
pub(crate) struct People {
    /// One for each person. Clients take them in turn.
    pub(crate) tokens: Vec<String>,
    /// The rooms' addresses.
    pub(crate) rooms: Vec<String>,
    pub(crate) ids: ClientIds,
}

/// What kind of UUID clients give their messages.
#[derive(Clone, Copy)]
pub(crate) enum ClientIds {
    /// Version 4.
    Random,
    /// Version 7, which begins with the time.
    TimeFirst,
}

impl Dialect {
    /// What the servers of the comparison speak.
    pub(crate) const COMPARISON: Self = Self::Rooms { value_length: VALUE_LENGTH };

    /// The HTTP request with which a client begins.
    pub(super) fn upgrade_request(&self, host: &str, client: usize) -> String {
        match self {
            Self::Rooms { .. } => wire::upgrade_request(host, ""),
            Self::Parlor(People { tokens, .. }) => {
                let token = &tokens[client % tokens.len()];
                wire::upgrade_request(host, &format!("Authorization: Bearer {token}\r\n"))
            }
        }
    }

    pub(crate) fn join(&self, room: usize) -> String {
        let room = self.room(room);
        match self {
            Self::Rooms { .. } => format!(r#"42{JOIN_ACK}["join","{room}"]"#),
            Self::Parlor(_) => format!(r#"42{JOIN_ACK}["join",{{"room":"{room}"}}]"#),
        }
    }

    pub(crate) fn is_joined(&self, payload: &[u8]) -> Result<bool> {
        self.is_ack(payload, JOIN_ACK)
    }

    /// Whether this acknowledges what asked for it with this number.
    pub(crate) fn is_ack(&self, payload: &[u8], number: u32) -> Result<bool> {
        let Some(answer) = payload.strip_prefix(format!("43{number}[").as_bytes()) else {
            return Ok(false);
        };
        let well = match self {
            Self::Rooms { .. } => answer == b"true]",
            Self::Parlor(_) => answer.starts_with(br#"{"ok":"#),
        };
        if !well {
            bail!("it was refused: {}", String::from_utf8_lossy(answer));
        }
        Ok(true)
    }

    /// The value of a delivered message, or `None` if the payload is anything else.
    #[inline]
    pub(crate) fn value_of<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Rooms { value_length } => {
                let value = payload.strip_prefix(MESSAGE_START)?.strip_suffix(MESSAGE_END)?;
                (value.len() == *value_length).then_some(value)
            }
            Self::Parlor(_) => {
                let start = payload.len().checked_sub(AFTER_BODY + VALUE_LENGTH)?;
                let (before, value) = payload.split_at(start);
                let (value, after) = value.split_at(VALUE_LENGTH);
                let is_message = before.starts_with(PARLOR_MESSAGE)
                    && before.ends_with(BODY_START)
                    && after.starts_with(BODY_END);
                is_message.then_some(value)
            }
        }
    }

    /// Whether this is something else that the server tells its clients unasked.
    pub(crate) fn is_aside(&self, payload: &[u8]) -> bool {
        matches!(self, Self::Parlor(_)) && payload.starts_with(br#"42["participants","#)
    }

    /// A message to be sent to a room. `ack` is the number of the acknowledgement it asks for, if any.
    pub(crate) fn outgoing(&self, room: usize, ack: Option<u32>) -> Outgoing {
        let ack = ack.map(|number| number.to_string()).unwrap_or_default();
        let room = self.room(room);
        match self {
            Self::Rooms { value_length } => {
                let start = format!(r#"42{ack}["message","{room}",""#);
                Outgoing::new(start, *value_length, r#""]"#)
            }
            Self::Parlor(People { ids, .. }) => {
                let start = format!(r#"42{ack}["message",{{"room":"{room}","client_id":""#);
                let client_id = start.len();
                let start = start + &"0".repeat(UUID_LENGTH) + r#"","body":""#;
                let outgoing = Outgoing::new(start, VALUE_LENGTH, r#""}]"#);
                outgoing.with_client_id(client_id, *ids)
            }
        }
    }

    fn room(&self, room: usize) -> String {
        match self {
            Self::Rooms { .. } => format!("room {room}"),
            Self::Parlor(People { rooms, .. }) => rooms[room].clone(),
        }
    }
}

/// Characters of a UUID as text.
pub(crate) const UUID_LENGTH: usize = 36;

impl ClientIds {
    /// The UUID of the `count`-th message of `sender`, unlike that of any other, also of another run.
    pub(crate) fn uuid(self, sender: u32, count: u32) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = (u64::from(sender) << 32) | u64::from(count);
        let high = match self {
            Self::Random => scatter(number ^ scatter(now.as_nanos() as u64)) >> 16,
            Self::TimeFirst => now.as_millis() as u64 & 0xFFFF_FFFF_FFFF,
        };
        let low = scatter(number.wrapping_add(now.as_nanos() as u64));
        let version = match self {
            Self::Random => 4,
            Self::TimeFirst => 7,
        };
        format!(
            "{:08x}-{:04x}-{version}{:03x}-{:04x}-{:012x}",
            high >> 16,
            high & 0xFFFF,
            count & 0xFFF,
            0x8000 | (low >> 50),
            low & 0xFFFF_FFFF_FFFF
        )
    }
}

/// Neighbours become strangers (the finaliser of `SplitMix64`).
fn scatter(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn parlor() -> Dialect {
        Dialect::Parlor(People {
            tokens: vec!["a".to_owned(), "b".to_owned()],
            rooms: vec!["0".repeat(UUID_LENGTH)],
            ids: ClientIds::TimeFirst,
        })
    }

    #[test]
    fn the_text_of_a_message_of_parlor_is_found_whatever_its_numbers() {
        let mut outgoing = parlor().outgoing(0, None);
        let id = outgoing.stamp(1, 2);
        let said = String::from_utf8_lossy(outgoing.payload()).into_owned();
        let body = said.split(r#""body":""#).nth(1).and_then(|rest| rest.split('"').next());
        for seq in [1, 123_456] {
            let told = format!(
                r#"42["message",{{"room":"x","seq":{seq},"body":"{}","at":1795381755766}}]"#,
                body.expect("it says something")
            );
            let value = parlor().value_of(told.as_bytes()).expect("a message");
            assert_eq!(value.first_chunk(), Some(&id));
            assert!(outgoing.is_value(value));
        }
        assert_eq!(parlor().value_of(br#"42["participants",{"room":"x"}]"#), None);
    }

    #[test]
    fn a_refusal_is_not_taken_for_an_acknowledgement() {
        let parlor = parlor();
        assert!(parlor.is_ack(br#"437[{"ok":{"seq":1}}]"#, 7).expect("no refusal"));
        assert!(!parlor.is_ack(br#"438[{"ok":{"seq":1}}]"#, 7).expect("no refusal"));
        assert!(parlor.is_ack(br#"437[{"error":{"code":"rate_limited"}}]"#, 7).is_err());
    }

    #[test]
    fn clients_are_people_in_turn() {
        for (client, token) in [(0, "a"), (1, "b"), (2, "a")] {
            let request = parlor().upgrade_request("here", client);
            assert!(request.contains(&format!("Authorization: Bearer {token}\r\n")), "{request}");
        }
    }

    #[test]
    fn client_ids_have_the_form_of_their_version_and_are_all_different() {
        for (ids, version) in [(ClientIds::Random, '4'), (ClientIds::TimeFirst, '7')] {
            let mut all = HashSet::new();
            for number in 0..10_000 {
                let uuid = ids.uuid(number % 100, number);
                assert_eq!(uuid.len(), UUID_LENGTH);
                assert_eq!(uuid.chars().nth(14), Some(version), "{uuid}");
                assert!(uuid.chars().nth(19).is_some_and(|c| "89ab".contains(c)), "{uuid}");
                assert!(all.insert(uuid));
            }
        }
    }
}
