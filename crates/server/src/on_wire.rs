//! The product's nouns as they are told, over sockets and over HTTP.

use chat::{Message, Room, Session, SessionId, User, wire};

/// Somebody.
pub fn user(user: &User) -> wire::User {
    wire::User { id: user.id, name: user.name.as_str().to_owned() }
}

/// A log-in, told through `current`.
pub fn session(session: &Session, current: SessionId) -> wire::Session {
    wire::Session {
        id: session.id,
        client: session.client.clone(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        current: session.id == current,
    }
}

/// A room, with the number of people connected to it now.
pub fn room(room: &Room, here: u64) -> wire::Room {
    wire::Room {
        id: room.id,
        name: room.name.as_str().to_owned(),
        epoch: room.epoch,
        head: room.head,
        here,
        created_at: room.created_at,
        last_message_at: room.last_message_at,
    }
}

/// Something said.
pub fn message(message: &Message) -> wire::Message {
    wire::Message {
        room: message.room,
        seq: message.seq,
        id: message.id,
        client_id: message.client_id,
        author: user(&message.author),
        body: message.body.as_str().to_owned(),
        at: message.at,
    }
}
