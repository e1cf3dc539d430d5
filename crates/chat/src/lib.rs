//! What Parlor is: people, rooms, messages and presence, the rules they obey, and the words spoken about them on the
//! wire. Nothing here does I/O, reads a clock, draws a random number, or knows of HTTP, sockets or SQL.
//!
//! [`Chat`] holds the verbs. Beneath it are the two seams of the product: a [`Store`] keeps what happened, a [`Fanout`]
//! tells it on.

mod chat;
mod cursor;
mod error;
mod fanout;
mod id;
mod message;
mod presence;
mod rate;
mod room;
mod session;
mod store;
mod text;
mod time;
mod user;
pub mod wire;

pub use chat::Chat;
pub use cursor::{Cursor, Epoch, Seq};
pub use error::{Error, Field};
pub use fanout::Fanout;
pub use id::{ClientId, MessageId, RoomId, SessionId, UserId};
pub use message::{BODY_MAX_BYTES, Body, History, Logged, Message, NewMessage, Page, Posted};
pub use presence::{Activity, Participants};
pub use rate::{Bucket, Rate};
pub use room::{
    NewRoom, ROOM_NAME_CHARACTERS, ROOM_NAME_MAX_BYTES, Room, RoomList, RoomName, RoomQuery,
    SearchKey,
};
pub use session::{
    CLIENT_MAX_BYTES, Identity, NewSession, SESSION_IDLE, SESSION_LIFETIME, Session, Token,
    TokenHash,
};
pub use store::{Store, StoreError};
pub use time::Timestamp;
pub use user::{
    Account, Credentials, NAME_CHARACTERS, NAME_KEY_VERSION, NAME_MAX_BYTES, Name, NameKey,
    NewUser, PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARACTERS, Password, PasswordHash, User,
};
