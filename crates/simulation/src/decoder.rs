//! What a client understands of a frame. Everybody in a room is sent the same bytes, so they are read once for all.

use std::collections::HashMap;

use chat::RoomId;
use chat::wire::{Resync, ServerEvent};
use volley::Frame;

/// Most frames whose meaning is remembered.
const REMEMBERED: usize = 512;

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// Something was said.
    Message(RoomId, checker::Message),
    /// A cursor cannot be served.
    Resync(Resync),
    /// The server is about to end.
    Draining {
        /// When to come back.
        retry_after_ms: u64,
    },
    /// Something that has nothing to do with any promise about messages.
    Else,
}

/// Reads frames.
#[derive(Default)]
pub(crate) struct Decoder {
    /// By where their bytes are; a frame that is kept here keeps them there.
    messages: HashMap<*const u8, (Frame, Told)>,
}

impl Decoder {
    /// What a frame says.
    ///
    /// # Panics
    /// If it is no event of the catalogue.
    pub(crate) fn read(&mut self, frame: &Frame) -> Told {
        let place = frame.as_bytes().as_ptr();
        if let Some((_, told)) = self.messages.get(&place) {
            return told.clone();
        }
        let told = decode(payload(frame.as_bytes()));
        if matches!(told, Told::Message(..)) {
            if self.messages.len() >= REMEMBERED {
                self.messages.clear();
            }
            self.messages.insert(place, (frame.clone(), told.clone()));
        }
        told
    }
}

/// The text in a WebSocket frame.
fn payload(bytes: &[u8]) -> &str {
    let header = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    std::str::from_utf8(&bytes[header..]).expect("an event is text")
}

fn decode(text: &str) -> Told {
    let event = text.strip_prefix("42[\"").expect("an event of the namespace /");
    let (name, rest) = event.split_once("\",").expect("an event has a name and a payload");
    if matches!(name, "participants" | "rooms") {
        return Told::Else;
    }
    let payload = rest.strip_suffix(']').expect("an event is an array");
    match ServerEvent::decode(name, payload).expect("an event of the catalogue") {
        ServerEvent::Message(message) => {
            let said = checker::Message {
                seq: message.seq.0,
                id: message.id.0.cast_unsigned(),
                client_id: message.client_id.0,
                author: message.author.id.0.cast_unsigned(),
                body: checker::digest(&message.body),
                at: message.at.0,
            };
            Told::Message(message.room, said)
        }
        ServerEvent::Resync(resync) => Told::Resync(resync),
        ServerEvent::Draining(draining) => {
            Told::Draining { retry_after_ms: draining.retry_after_ms }
        }
        ServerEvent::Participants(_) | ServerEvent::Rooms(_) => Told::Else,
    }
}
