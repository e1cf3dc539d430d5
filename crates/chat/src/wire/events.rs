//! How a list of events becomes an enum, its names, the way in and out of JSON, and a map in TypeScript. An event's name
//! stands in the list and nowhere else.

use serde::de::DeserializeOwned;

use crate::error::Error;

/// Declares one direction of the protocol: of each event its name, the variant, the payload and, if there is one, the
/// answer.
macro_rules! catalogue {
    (
        $(#[$about:meta])*
        $direction:ident {
            $($(#[$doc:meta])* $name:literal => $event:ident($payload:ty) $(-> $answer:ty)?,)*
        }
    ) => {
        $(#[$about])*
        ///
        /// Serializing one writes its payload only; the name is [`name`](Self::name).
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum $direction {
            $($(#[$doc])* $event($payload),)*
        }

        impl $direction {
            /// The names of all events in this direction.
            pub const NAMES: &[&str] = &[$($name),*];

            /// What it is called on the wire.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => $name,)*
                }
            }

            /// The event of this name with this payload, a JSON object. [`Error::BadRequest`](crate::Error::BadRequest)
            /// if there is none.
            pub fn decode(name: &str, payload: &str) -> Result<Self, crate::Error> {
                match name {
                    $($name => events::payload(name, payload).map(Self::$event),)*
                    _ => Err(events::unknown(Self::NAMES)),
                }
            }

            /// The map of all events to their payloads (and answers) in TypeScript.
            #[cfg(test)]
            fn declare(declarations: &mut typescript::Declarations) {
                declarations.map(concat!(stringify!($direction), "s"), &[
                    $(typescript::entry!($name, $payload $(, $answer)?),)*
                ]);
                $(declarations.add::<$payload>(); $(declarations.add::<$answer>();)?)*
            }
        }
    };
}

pub(super) use catalogue;

pub(super) fn payload<T: DeserializeOwned>(name: &str, json: &str) -> Result<T, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::BadRequest(format!("This is not the payload of {name}: {error}.")))
}

pub(super) fn unknown(names: &[&str]) -> Error {
    Error::BadRequest(format!("There is no such event. There are: {}.", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::Error;
    use crate::cursor::{Epoch, Seq};
    use crate::id::RoomId;
    use crate::wire::{ClientEvent, InRoom, Join, Nothing, Resync, ResyncReason, ServerEvent};

    const LOBBY: RoomId = RoomId(Uuid::from_u128(0x8f2b_6c1e_0d34_4a5b_9c6d_7e8f_9a0b_1c2d));
    const LOBBY_JSON: &str = r#"{"room":"8f2b6c1e-0d34-4a5b-9c6d-7e8f9a0b1c2d"}"#;

    fn refusal(name: &str, payload: &str) -> String {
        match ClientEvent::decode(name, payload) {
            Err(Error::BadRequest(sentence)) => sentence,
            other => panic!("{name} {payload} gave {other:?}"),
        }
    }

    #[test]
    fn an_event_is_known_by_its_name() {
        let leave = ClientEvent::Leave(InRoom { room: LOBBY });
        assert_eq!(ClientEvent::decode("leave", LOBBY_JSON), Ok(leave));
        let heartbeat = ClientEvent::Heartbeat(InRoom { room: LOBBY });
        assert_eq!(ClientEvent::decode("heartbeat", LOBBY_JSON), Ok(heartbeat));
        let watch = ClientEvent::WatchRooms(Nothing {});
        assert_eq!(ClientEvent::decode("watch_rooms", "{}"), Ok(watch));
    }

    #[test]
    fn what_is_written_under_a_name_is_read_under_it() {
        let join = ClientEvent::Join(Join { room: LOBBY, after: Some(Seq(3)), epoch: None });
        let json = serde_json::to_string(&join).unwrap();
        assert_eq!(json, r#"{"room":"8f2b6c1e-0d34-4a5b-9c6d-7e8f9a0b1c2d","after":3}"#);
        assert_eq!(ClientEvent::decode(join.name(), &json), Ok(join));

        let reason = ResyncReason::Ahead;
        let resync =
            ServerEvent::Resync(Resync { room: LOBBY, epoch: Epoch(1), head: Seq(9), reason });
        let json = serde_json::to_string(&resync).unwrap();
        assert_eq!(ServerEvent::decode(resync.name(), &json), Ok(resync));
    }

    #[test]
    fn an_unknown_event_is_refused_with_the_names_that_are_known() {
        let sentence = refusal("shout", "{}");
        assert!(sentence.ends_with("leave, message, heartbeat, watch_rooms, unwatch_rooms."));
    }

    #[test]
    fn a_payload_is_refused_unless_all_of_it_is_understood() {
        let extra = format!(r#"{},"admin":true}}"#, LOBBY_JSON.trim_end_matches('}'));
        assert!(refusal("leave", &extra).contains("unknown field `admin`"));
        for payload in ["", "null", "[]", "{}", r#"{"room":{"$ne":1}}"#, r#"{"room":"lobby"}"#] {
            assert!(refusal("leave", payload).starts_with("This is not the payload of leave: "));
        }
        let negative = format!(r#"{},"after":-1}}"#, LOBBY_JSON.trim_end_matches('}'));
        assert!(refusal("join", &negative).contains("`-1`"));
    }
}
