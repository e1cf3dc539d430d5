//! The seam towards those who carry words to clients: volley in the server; in the simulation a network in memory, under
//! one seed. All else of the live door is the same code in both.

use std::borrow::Cow;
use std::fmt::Debug;

use serde::Serialize;
use volley::{Frame, SendError};

use super::member::Member;

/// Carries words between clients and the door. What is asked of it here is what volley says of itself.
pub trait Engine: Debug + Sized + Send + Sync + 'static {
    /// A client's connection.
    type Socket: Socket<Self>;
    /// Connections that hear the same.
    type Group: Group;
    /// What a client has said.
    type Event: Event;
}

/// A client's connection; clones are the same one. What is sent to it and to its groups arrives in that order.
pub trait Socket<E: Engine>: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// Who is at the other end.
    fn member(&self) -> &Member<E>;

    /// Whether neither side has ended it, as far as is known.
    fn is_connected(&self) -> bool;

    /// Sends a frame. Without effect once the connection has ended.
    fn send(&self, frame: &Frame) -> Result<(), SendError>;

    /// Resolves when all that was sent before has left for the client, `false` when the connection ended first.
    fn flushed(&self) -> impl Future<Output = bool> + Send;

    /// The group of this name.
    fn group(&self, name: &str) -> E::Group;

    /// Sends `backlog`, and then all that is sent to the group from now on and nothing that was sent to it before.
    fn join_after(&self, group: &E::Group, backlog: Vec<Frame>) -> Result<(), SendError>;

    /// Ceases to be a member of a group.
    fn leave(&self, group: &E::Group);

    /// Ends it after what was sent before, for a client that may come again.
    fn close(&self);

    /// Ends it, for a client that is to hear nothing more: what has not left yet is dropped, what it has said and nobody has
    /// heard stays unheard.
    fn expel(&self);
}

/// Connections that hear the same, in the same order.
pub trait Group: Debug + Send + Sync + 'static {
    /// Sends a frame to all members, or with an error to none.
    fn send(&self, frame: &Frame) -> Result<(), SendError>;

    /// How many members there are.
    fn len(&self) -> usize;

    /// Whether nobody is a member.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a client has said, and waits to have answered.
pub trait Event: Send + Sync + 'static {
    /// What it is called.
    fn name(&self) -> Cow<'_, str>;

    /// Its one argument as JSON, if it has exactly one.
    fn payload(&self) -> Option<&str>;

    /// Answers it. Without effect when nobody waits.
    fn ack<T: Serialize>(&self, answer: &T) -> Result<(), SendError>;
}
