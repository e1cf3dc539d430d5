//! What comes in on a session: bytes to messages, messages to packets.

use std::io::{ErrorKind, Read};

use super::{Fault, Heartbeat, Phase, Session};
use crate::close::CloseReason;
use crate::engine::Application;
use crate::engine_io::Packet;
use crate::event::Content;
use crate::frame::Frame;
use crate::limits::{MAX_WAITING_BYTES, MAX_WAITING_EVENTS};
use crate::shard::context::Context;
use crate::shard::links::Link;
use crate::shard::transport::Transport;
use crate::websocket::{self, CloseCode, Message, Opcode};

impl Session {
    /// Reads once and takes what came.
    pub(crate) fn read(&mut self, buffer: &mut [u8], cx: &mut Context) {
        let saturated = self.is_saturated();
        let Some(socket) = self.transport.socket() else {
            return;
        };
        if saturated {
            socket.held = true;
            return;
        }
        match socket.stream.read(buffer) {
            Ok(0) => self.input_ended(cx),
            Ok(read) => {
                if read == buffer.len() || socket.read_closed {
                    cx.readable.push(self.key);
                }
                self.receive(&mut buffer[..read], cx);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => cx.readable.push(self.key),
            Err(_) => self.input_ended(cx),
        }
    }

    /// The client's side of the WebSocket is closed or broken.
    pub(super) fn input_ended(&mut self, cx: &mut Context) {
        match self.transport {
            Transport::Polling(_) => self.abandon_upgrade(CloseCode::NORMAL),
            _ => self.end(CloseReason::TransportClosed, cx),
        }
    }

    /// Takes bytes that arrived on the session's WebSocket.
    pub(crate) fn receive(&mut self, mut input: &mut [u8], cx: &mut Context) {
        while self.phase == Phase::Open || self.may_go_over() {
            let limits = websocket::Limits {
                max_message_bytes: self.max_payload(cx),
                max_fragments: cx.limits().max_fragments,
            };
            let Some(socket) = self.transport.socket() else {
                return;
            };
            let received = match socket.decoder.decode(&mut input, limits) {
                Ok(Some(message)) => {
                    // The next one has its own time. A control frame, though, may stand inside one.
                    if let Message::Text(_) | Message::Binary(_) = message {
                        socket.message_by = None;
                    }
                    self.receive_message(&message, cx)
                }
                Ok(None) => return self.note_partial_message(cx),
                Err(violation) => Err(Fault {
                    reason: match violation {
                        websocket::Violation::TooBig => CloseReason::TooLarge,
                        _ => CloseReason::ProtocolError,
                    },
                    code: violation.close_code(),
                }),
            };
            match received {
                Ok(()) => {}
                // Polling goes on, also when it does so only to its end: the input must not be met again then.
                Err(fault) if self.is_polling() => return self.abandon_upgrade(fault.code),
                Err(fault) => return self.fail(fault, cx),
            }
        }
    }

    /// A client that is going over from long-polling when its session closes polls no more: it can only be told on the
    /// WebSocket, once that has taken over.
    pub(super) fn may_go_over(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. }) && self.is_polling()
    }

    /// The largest message this client may send now, in bytes.
    pub(crate) fn max_payload(&self, cx: &Context) -> usize {
        let trusted = match cx.core.application {
            Application::SocketIo => self.connect_by.is_none(),
            Application::Raw(_) => true,
        };
        if trusted { cx.limits().max_payload } else { cx.limits().max_payload_before_connect }
    }

    pub(super) fn receive_message(
        &mut self,
        message: &Message<'_>,
        cx: &mut Context,
    ) -> Result<(), Fault> {
        match message {
            Message::Text(text) if self.is_polling() => self.receive_on_probe(text, cx),
            Message::Binary(_) if self.is_polling() => {
                self.abandon_upgrade(CloseCode::PROTOCOL_ERROR)
            }
            Message::Text(text) => {
                let packet = Packet::decode(text).map_err(|_| Fault::PROTOCOL)?;
                self.receive_packet(&packet, cx)?;
            }
            Message::Binary(bytes) => {
                self.receive_packet(&Packet::Binary(bytes.as_ref().into()), cx)?;
            }
            Message::Ping(payload) if self.is_polling() => self.answer_ping_on_probe(payload),
            Message::Ping(payload) => self.send(Frame::engine(Opcode::Pong, payload), cx),
            Message::Pong(_) => {}
            Message::Close(_) if self.is_polling() => self.abandon_upgrade(CloseCode::NORMAL),
            Message::Close(frame) => {
                let code = frame.as_ref().map_or(CloseCode::NORMAL, |frame| frame.code);
                let reason = CloseReason::TransportClosed;
                self.fail(Fault { reason, code }, cx);
            }
        }
        Ok(())
    }

    pub(crate) fn receive_packet(
        &mut self,
        packet: &Packet<'_>,
        cx: &mut Context,
    ) -> Result<(), Fault> {
        cx.counts.packets_received += 1;
        match packet {
            Packet::Text(text) => self.receive_text(text, cx),
            Packet::Binary(bytes) => self.receive_binary(bytes, cx),
            Packet::Pong(_) => {
                if self.heartbeat.asked {
                    self.heartbeat = Heartbeat { due: cx.next_ping(), asked: false };
                }
                Ok(())
            }
            Packet::Close => {
                self.fail(Fault::CLIENT_CLOSED, cx);
                Ok(())
            }
            Packet::Noop => Ok(()),
            Packet::Open(_) | Packet::Ping(_) | Packet::Upgrade => Err(Fault::PROTOCOL),
        }
    }

    /// Sees to it that a message that was begun is not waited for without end.
    pub(super) fn note_partial_message(&mut self, cx: &Context) {
        let by = cx.now + cx.limits().message_timeout;
        if let Some(socket) = self.transport.socket() {
            socket.message_by =
                if socket.decoder.is_idle() { None } else { socket.message_by.or(Some(by)) };
        }
    }

    /// Whether nothing more is read until handlers have caught up.
    pub(crate) fn is_saturated(&self) -> bool {
        let early = || self.links.iter().flat_map(Link::early);
        self.work.len() + early().count() >= MAX_WAITING_EVENTS
            || self.work.bytes() + early().map(Content::len).sum::<usize>() >= MAX_WAITING_BYTES
    }
}
