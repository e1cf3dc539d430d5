//! From the words on the wire to frames, and those to one or to all.

use chat::Logged;
use chat::wire::ServerEvent;
use volley::{Frame, SendError};

use super::NAMESPACE;
use super::engine::{Engine, Group, Socket};
use crate::on_wire;

/// An event as a finished frame.
pub(super) fn frame(event: &ServerEvent) -> Frame {
    Frame::event(NAMESPACE, event.name(), &(event,))
        .expect("what is in the catalogue can be written as JSON")
}

/// An event of a room's log as a finished frame: the same bytes live, from memory and from the store.
pub(super) fn frame_of(event: &Logged) -> Frame {
    let Logged::Message(message) = event;
    frame(&ServerEvent::Message(on_wire::message(message)))
}

/// Tells one client. It may have gone; then there is nobody to tell.
pub(super) fn one<E: Engine>(socket: &E::Socket, event: &ServerEvent) {
    // The engine refuses only when it is stuck as a whole. What is told this way is told again at the next join.
    let _ = socket.send(&frame(event));
}

/// Tells all members of a group, or with an error none.
pub(super) fn all(group: &impl Group, event: &ServerEvent) -> Result<(), SendError> {
    group.send(&frame(event))
}
