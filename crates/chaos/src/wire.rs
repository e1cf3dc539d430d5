//! The protocol as docs/protocol.md tells it to strangers, as far as clients here understand it. Written down anew and
//! not taken from the server, so that a mistake in the server's words is not made here too.

use checker::digest;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A room's address.
pub(crate) type RoomId = Uuid;

/// The answer to a log-in.
#[derive(Debug, Deserialize)]
pub(crate) struct LoggedIn {
    /// Who this is.
    pub(crate) user: User,
    /// Opens the session.
    pub(crate) token: String,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    /// Their number.
    pub(crate) id: u64,
    /// What they are called.
    pub(crate) name: String,
}

/// Something that was said.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    /// Its place in the room.
    pub(crate) seq: u64,
    /// Its number on the server.
    pub(crate) id: u64,
    /// The room; what is read over HTTP has it too.
    pub(crate) room: RoomId,
    /// What its author called it.
    pub(crate) client_id: Uuid,
    /// Who said it.
    pub(crate) author: User,
    /// What was said.
    pub(crate) body: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// A page of a room's history.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page {
    /// The life of the log.
    pub(crate) epoch: u64,
    /// The last number.
    pub(crate) head: u64,
    /// In the order in which they were said.
    pub(crate) messages: Vec<Message>,
}

/// The answer to `join`.
#[derive(Debug, Deserialize)]
pub(crate) struct Joined {
    /// The life of the log.
    pub(crate) epoch: u64,
    /// The last number that was told before this.
    pub(crate) head: u64,
}

/// The answer to `message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Sent {
    /// Its place in the room.
    pub(crate) seq: u64,
    /// Its number on the server.
    pub(crate) id: u64,
    /// When it was stored.
    pub(crate) at: i64,
}

/// A cursor cannot be served.
#[derive(Debug, Deserialize)]
pub(crate) struct Resync {
    /// Of which room.
    pub(crate) room: RoomId,
    /// The life of the log.
    pub(crate) epoch: u64,
    /// The last number.
    pub(crate) head: u64,
    /// Why.
    pub(crate) reason: String,
}

/// The server is about to end.
#[derive(Debug, Deserialize)]
pub(crate) struct Draining {
    /// When to come back.
    pub(crate) retry_after_ms: u64,
}

/// Why something was not done.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Failure {
    /// For programs.
    pub(crate) code: String,
    /// Repeating it after this time will do.
    pub(crate) retry_after_ms: Option<u64>,
}

/// What an ack holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ack<'a> {
    /// It was done.
    Ok(#[serde(borrow)] &'a RawValue),
    /// It was not.
    Error(Failure),
}

/// A message as a history has it.
pub(crate) fn seen(message: &Message) -> checker::Message {
    let Message { seq, id, client_id, ref author, ref body, at, .. } = *message;
    checker::Message { seq, id, client_id, author: author.id, body: digest(body), at }
}

/// A packet of the namespace `/`, taken apart.
#[derive(Debug)]
pub(crate) enum Packet<'a> {
    /// We are let in.
    Connected,
    /// We are not let in; why.
    Refused(Failure),
    /// The server ends it, and the session with it.
    Disconnected,
    /// Something is told: its name and what.
    Event(String, &'a RawValue),
    /// What became of what we said.
    Answer(u64, Ack<'a>),
    /// Anything that no server here has a reason to send.
    Strange,
}

impl<'a> Packet<'a> {
    /// Takes apart an Engine.IO packet that holds one.
    pub(crate) fn parse(text: &'a str) -> Self {
        Self::understood(text).unwrap_or(Self::Strange)
    }

    fn understood(text: &'a str) -> Option<Self> {
        let packet = text.strip_prefix('4')?;
        Some(match packet.as_bytes().first()? {
            b'0' => Self::Connected,
            b'1' => Self::Disconnected,
            b'2' => {
                let (name, payload) = serde_json::from_str(&packet[1..]).ok()?;
                Self::Event(name, payload)
            }
            b'3' => {
                let arguments = packet.find('[')?;
                let (answer,) = serde_json::from_str(&packet[arguments..]).ok()?;
                Self::Answer(packet[1..arguments].parse().ok()?, answer)
            }
            b'4' => {
                #[derive(Deserialize)]
                struct Refusal {
                    message: String,
                    data: Option<Failure>,
                }
                let Refusal { message, data } = serde_json::from_str(&packet[1..]).ok()?;
                Self::Refused(data.unwrap_or(Failure { code: message, retry_after_ms: None }))
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_is_understood() {
        let Packet::Answer(7, Ack::Ok(sent)) =
            Packet::parse(r#"437[{"ok":{"seq":1,"id":2,"at":3}}]"#)
        else {
            panic!("an answer");
        };
        let sent: Sent = serde_json::from_str(sent.get()).unwrap();
        assert_eq!(sent, Sent { seq: 1, id: 2, at: 3 });
        let refused =
            r#"4312[{"error":{"code":"rate_limited","message":"…","retry_after_ms":171}}]"#;
        let Packet::Answer(12, Ack::Error(failure)) = Packet::parse(refused) else {
            panic!("a refusal");
        };
        assert_eq!((failure.code.as_str(), failure.retry_after_ms), ("rate_limited", Some(171)));
        let Packet::Event(name, payload) = Packet::parse(r#"42["draining",{"retry_after_ms":9}]"#)
        else {
            panic!("an event");
        };
        assert_eq!((name.as_str(), payload.get()), ("draining", r#"{"retry_after_ms":9}"#));
        assert!(matches!(Packet::parse(r#"40{"sid":"x"}"#), Packet::Connected));
        assert!(matches!(Packet::parse("41"), Packet::Disconnected));
        assert!(matches!(Packet::parse("42nonsense"), Packet::Strange));
    }
}
