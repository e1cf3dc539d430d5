//! A session's Socket.IO: the namespaces it is in, the packets between, and the handlers they are for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::context::Context;
use super::session::{Fault, Phase, Session};
use super::work::{Entry, Outcome, Queue, Work};
use crate::close::CloseReason;
use crate::engine::Application;
use crate::event::{Answer, Content};
use crate::frame::Frame;
use crate::group::{GroupId, Membership};
use crate::namespace::{AnySession, Connect, Refused};
use crate::raw;
use crate::socket::SocketCore;
use crate::socket_io::{Assembly, AssemblyError, Packet, PacketError, PacketType, well_formed};

/// What a connection has to do with one namespace. It stays when the client leaves, so that a packet which was on its way
/// then is known from one for a namespace that was never joined.
pub(crate) struct Link {
    namespace: usize,
    attempt: u32,
    state: State,
    groups: Vec<Membership>,
    /// Who waits for the client's answer to which event.
    #[expect(
        clippy::box_collection,
        reason = "hardly any socket ever waits for an answer, and all pay for the room"
    )]
    answers: Option<Box<HashMap<u64, oneshot::Sender<Answer>>>>,
}

enum State {
    /// The application has been asked. What the client sends meanwhile waits here.
    Entering(Vec<(Content, Option<u64>)>),
    In(Arc<SocketCore>),
    /// Refused, or left by either side.
    Out,
}

/// A packet whose binary attachments are still coming.
pub(crate) struct Assembling {
    pub(crate) by: Instant,
    assembly: Assembly,
}

/// What an event or an answer carries.
struct Load {
    content: Content,
    id: Option<u64>,
}

impl Link {
    /// Events that wait for the application to let the client in.
    pub(crate) fn early(&self) -> impl Iterator<Item = &Content> {
        let early = if let State::Entering(early) = &self.state { early.as_slice() } else { &[] };
        early.iter().map(|(content, _)| content)
    }

    /// Takes back the events of this link that no handler has seen.
    pub(crate) fn drop_events(&self, work: &mut Queue) {
        if let State::In(socket) = &self.state {
            work.drop_events(socket);
        }
    }

    fn is(&self, socket: &Arc<SocketCore>) -> bool {
        matches!(&self.state, State::In(own) if Arc::ptr_eq(own, socket))
    }
}

// Packets of the client.
impl Session {
    pub(crate) fn receive_text(&mut self, text: &str, cx: &mut Context) -> Result<(), Fault> {
        if let Application::Raw(_) = cx.core.application {
            return self.receive_raw(raw::Message::Text(text), cx);
        }
        if self.assembling.is_some() {
            return Err(Fault::PROTOCOL);
        }
        let limits = &cx.limits().packet;
        let repaired;
        let (text, packet) = match Packet::decode(text, limits) {
            Err(PacketError::InvalidJson) => {
                repaired = well_formed(text).ok_or(Fault::PROTOCOL)?;
                (repaired.as_str(), Packet::decode(&repaired, limits))
            }
            decoded => (text, decoded),
        };
        let packet = packet.map_err(|_| Fault::PROTOCOL)?;
        match packet.packet_type {
            PacketType::BinaryEvent | PacketType::BinaryAck => {
                self.known_link(packet.namespace, cx)?;
                let most = self.max_payload(cx);
                let assembly = Assembly::new(text.to_owned(), packet.attachments, most);
                let by = cx.now + cx.limits().message_timeout;
                self.assembling = Some(Box::new(Assembling { by, assembly }));
                Ok(())
            }
            _ => self.receive_whole(text, &packet, Vec::new(), cx),
        }
    }

    pub(crate) fn receive_binary(&mut self, bytes: &[u8], cx: &mut Context) -> Result<(), Fault> {
        if let Application::Raw(_) = cx.core.application {
            return self.receive_raw(raw::Message::Binary(bytes.into()), cx);
        }
        let mut assembling = self.assembling.take().ok_or(Fault::PROTOCOL)?;
        match assembling.assembly.push(bytes) {
            Ok(false) => {
                self.assembling = Some(assembling);
                Ok(())
            }
            Ok(true) => {
                let (text, attachments) = assembling.assembly.into_parts();
                let packet =
                    Packet::decode(&text, &cx.limits().packet).map_err(|_| Fault::PROTOCOL)?;
                self.receive_whole(&text, &packet, attachments, cx)
            }
            Err(AssemblyError::TooBig) => Err(Fault::TOO_LARGE),
            Err(_) => Err(Fault::PROTOCOL),
        }
    }

    fn receive_whole(
        &mut self,
        text: &str,
        packet: &Packet<'_>,
        attachments: Vec<Bytes>,
        cx: &mut Context,
    ) -> Result<(), Fault> {
        if packet.packet_type == PacketType::Connect {
            return self.ask_to_enter(packet, cx);
        }
        let index = self.known_link(packet.namespace, cx)?;
        let load = || Load { content: Content::new(text, packet.data, attachments), id: packet.id };
        match packet.packet_type {
            PacketType::Event | PacketType::BinaryEvent => self.take_event(index, load()),
            PacketType::Ack | PacketType::BinaryAck => self.take_answer(index, load()),
            PacketType::Disconnect => self.leave(index, CloseReason::ClientDisconnect, cx),
            PacketType::Connect | PacketType::ConnectError => return Err(Fault::PROTOCOL),
        }
        Ok(())
    }

    /// The link to a namespace that the client has at least asked to enter.
    fn known_link(&self, namespace: &str, cx: &Context) -> Result<usize, Fault> {
        let known = cx.core.namespace(namespace).and_then(|namespace| self.link(namespace));
        known.ok_or(Fault::PROTOCOL)
    }

    fn link(&self, namespace: usize) -> Option<usize> {
        self.links.iter().position(|link| link.namespace == namespace)
    }

    fn take_event(&mut self, index: usize, Load { content, id }: Load) {
        match &mut self.links[index].state {
            State::Entering(early) => early.push((content, id)),
            State::In(socket) => {
                let socket = socket.clone();
                self.work.push(Work::Event { socket, content, id });
            }
            State::Out => {}
        }
    }

    fn take_answer(&mut self, index: usize, Load { content, id }: Load) {
        let answers = self.links[index].answers.as_mut();
        if let Some(waiting) = id.and_then(|id| answers?.remove(&id)) {
            // Whoever asked may have given up.
            let _ = waiting.send(Answer(content));
        }
    }

    fn receive_raw(&mut self, message: raw::Message<'_>, cx: &mut Context) -> Result<(), Fault> {
        let Application::Raw(on_message) = &cx.core.application else {
            return Ok(());
        };
        let connection = raw::Connection { engine: &cx.core, shard: cx.shard, key: self.key };
        let call = std::panic::AssertUnwindSafe(move || on_message(&connection, message));
        std::panic::catch_unwind(call).map_err(|_| Fault::PANICKED)
    }
}

// In and out of a namespace.
impl Session {
    fn ask_to_enter(&mut self, packet: &Packet<'_>, cx: &mut Context) -> Result<(), Fault> {
        let Some(namespace) = cx.core.namespace(packet.namespace) else {
            self.refuse(packet.namespace, &Refused::new("Invalid namespace"), cx);
            return Ok(());
        };
        let index = self.link(namespace).unwrap_or_else(|| {
            if self.links.is_empty() {
                self.links.reserve_exact(1);
            }
            self.links.push(Link {
                namespace,
                attempt: 0,
                state: State::Out,
                groups: Vec::new(),
                answers: None,
            });
            self.links.len() - 1
        });
        let link = &mut self.links[index];
        if !matches!(link.state, State::Out) {
            return Err(Fault::PROTOCOL);
        }
        link.attempt += 1;
        link.state = State::Entering(Vec::new());
        let auth = if packet.data.is_empty() { "{}" } else { packet.data };
        let connect = Connect { auth: auth.into(), extensions: self.extensions.clone() };
        self.work.push(Work::Admit { entry: Entry { namespace, attempt: link.attempt }, connect });
        Ok(())
    }

    /// Draws the consequences of work that is done.
    pub(crate) fn settle(&mut self, outcome: Outcome, cx: &mut Context) {
        match outcome {
            Outcome::Done => {}
            Outcome::Unhandled => cx.counts.events_unhandled += 1,
            Outcome::Admitted(entry, session) => self.enter(entry, session, cx),
            Outcome::Refused(entry, refused) => {
                if let Some(link) = self.entering(entry) {
                    link.state = State::Out;
                    let core = cx.core.clone();
                    self.refuse(&core.namespaces[entry.namespace].name, &refused, cx);
                }
            }
            // As an order, since what the handler sent before is one as well.
            Outcome::Panicked(socket) => socket.disconnect(CloseReason::HandlerPanicked),
        }
    }

    fn entering(&mut self, entry: Entry) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| {
            link.namespace == entry.namespace
                && link.attempt == entry.attempt
                && matches!(link.state, State::Entering(_))
        })
    }

    fn enter(&mut self, entry: Entry, session: AnySession, cx: &mut Context) {
        let key = self.key;
        // Who has left meanwhile was never here.
        let Some(link) = self.entering(entry) else {
            return;
        };
        let socket = Arc::new(SocketCore {
            id: cx.new_sid(),
            shard: cx.shard,
            key,
            entry,
            engine: cx.core.clone(),
            session,
            connected: AtomicBool::new(true),
            dismissed: AtomicBool::new(false),
            next_ack: AtomicU64::new(0),
            groups: AtomicUsize::new(0),
        });
        let entered = std::mem::replace(&mut link.state, State::In(socket.clone()));
        let State::Entering(early) = entered else {
            return;
        };
        let hello = format!(r#"{{"sid":"{}"}}"#, socket.id);
        self.send(Frame::control(PacketType::Connect, socket.namespace_name(), &hello), cx);
        let connected = std::iter::once(Work::Connected(socket.clone()));
        let events = early.into_iter().map(|(content, id)| Work::Event {
            socket: socket.clone(),
            content,
            id,
        });
        let work: Vec<_> = connected.chain(events).collect();
        self.work.push_first(work.into_iter());
        self.connect_by = None;
        cx.counts.sockets += 1;
    }

    fn refuse(&mut self, namespace: &str, refused: &Refused, cx: &mut Context) {
        let json = serde_json::to_string(refused).expect("a text and a JSON value are JSON");
        self.send(Frame::control(PacketType::ConnectError, namespace, &json), cx);
    }

    /// Ends a socket from this side: its client is told.
    pub(crate) fn disconnect(
        &mut self,
        socket: &Arc<SocketCore>,
        reason: CloseReason,
        cx: &mut Context,
    ) {
        let Some(index) = self.links.iter().position(|link| link.is(socket)) else {
            return;
        };
        self.links[index].drop_events(&mut self.work);
        self.say_disconnected(index, cx);
        self.leave(index, reason, cx);
    }

    /// Tells the client that it is out of a namespace, if it is in it.
    pub(crate) fn say_disconnected(&mut self, index: usize, cx: &mut Context) {
        if let State::In(socket) = &self.links[index].state {
            let packet = Frame::control(PacketType::Disconnect, socket.namespace_name(), "");
            self.send(packet, cx);
        }
    }

    /// Takes a link out of its groups and its namespace and tells the application.
    pub(crate) fn leave(&mut self, index: usize, reason: CloseReason, cx: &mut Context) {
        self.stand_apart(cx);
        let link = &mut self.links[index];
        link.answers = None;
        for membership in std::mem::take(&mut link.groups) {
            cx.members.leave(membership.group(), self.key.index);
        }
        if let State::In(socket) = std::mem::replace(&mut link.state, State::Out) {
            socket.connected.store(false, Ordering::Release);
            cx.counts.sockets -= 1;
            self.work.push(Work::Disconnected { socket, reason });
        }
        let is_in_none = self.links.iter().all(|link| matches!(link.state, State::Out));
        if is_in_none && self.connect_by.is_none() {
            self.connect_by = Some(cx.now + cx.limits().connect_timeout);
        }
    }
}

// Orders of the application.
impl Session {
    /// Sends the backlog and joins, with nothing between.
    pub(crate) fn join(
        &mut self,
        socket: &Arc<SocketCore>,
        membership: Membership,
        backlog: Vec<Frame>,
        cx: &mut Context,
    ) {
        // The group may be sending already, and what another group has sent in this tick comes before that.
        self.stand_apart(cx);
        let Some(link) = self.links.iter_mut().find(|link| link.is(socket)) else { return };
        if cx.members.join(membership.group(), self.key.index) {
            link.groups.push(membership);
        }
        for frame in backlog {
            self.send(frame, cx);
        }
    }

    pub(crate) fn leave_group(
        &mut self,
        socket: &Arc<SocketCore>,
        group: GroupId,
        cx: &mut Context,
    ) {
        let Some(link) = self.links.iter_mut().find(|link| link.is(socket)) else { return };
        if let Some(at) = link.groups.iter().position(|own| own.group() == group) {
            let left = link.groups.swap_remove(at);
            self.stand_apart(cx);
            cx.members.leave(left.group(), self.key.index);
        }
    }

    /// Sends an event and remembers who waits for its answer.
    pub(crate) fn ask(
        &mut self,
        socket: &Arc<SocketCore>,
        id: u64,
        frame: Frame,
        reply: oneshot::Sender<Answer>,
        cx: &mut Context,
    ) {
        let Some(link) = self.links.iter_mut().find(|link| link.is(socket)) else {
            return;
        };
        let answers = link.answers.get_or_insert_default();
        if answers.len() < cx.limits().max_pending_acks {
            answers.insert(id, reply);
            self.send(frame, cx);
        }
    }

    pub(crate) fn forget_answer(&mut self, socket: &Arc<SocketCore>, id: u64) {
        let Some(link) = self.links.iter_mut().find(|link| link.is(socket)) else {
            return;
        };
        if let Some(answers) = &mut link.answers {
            answers.remove(&id);
            if answers.is_empty() {
                link.answers = None;
            }
        }
    }

    /// Sends a frame to a socket that has not ended. Another one in its place is not meant.
    pub(crate) fn send_to(&mut self, entry: Entry, frame: Frame, cx: &mut Context) {
        if self.is_in(entry) {
            self.send(frame, cx);
        }
    }

    /// Whether the client is in a namespace by this entry.
    pub(crate) fn is_in(&self, entry: Entry) -> bool {
        self.links.iter().any(|link| {
            matches!(link.state, State::In(_))
                && (link.namespace, link.attempt) == (entry.namespace, entry.attempt)
        })
    }

    /// Sends a frame to the client's socket in a namespace, if it has one.
    pub(crate) fn send_in(&mut self, namespace: usize, frame: &Frame, cx: &mut Context) {
        let is_in = |link: &Link| link.namespace == namespace && matches!(link.state, State::In(_));
        if self.phase == Phase::Open && self.links.iter().any(is_in) {
            self.send(frame.clone(), cx);
        }
    }
}
