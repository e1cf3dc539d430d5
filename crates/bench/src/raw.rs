//! The lower bound: what one thread reaches that only writes finished frames. It answers the
//! generator's handshake with canned bytes and finds the room's name in an event; there is no JSON,
//! no handler, no heartbeat, no limit. In one tick it reads whatever is there, then writes to each
//! socket once, everything that is due to it. A measure for servers, and no server.
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::{Context, Result};
use lexopt::{Arg, ValueExt};

use crate::poller::{Poller, Ready, Writing};
use crate::wire;

/// The listener's key; a guest's key is its file descriptor, which is never 0.
const LISTENER: usize = 0;

/// Room for what one read may bring.
const BUFFER_BYTES: usize = 64 * 1024;

/// A tick lasts as long as it takes to be ready again, and never waits for more to come.
const WAIT_FOREVER: Option<Duration> = None;

/// `bench raw --listen HOST:PORT`.
pub(crate) fn parse(mut arguments: lexopt::Parser) -> Result<SocketAddr> {
    let mut listen = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("listen") => listen = Some(arguments.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    listen.context("--listen HOST:PORT is missing")
}

/// Serves until it is killed.
pub(crate) fn serve(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let mut house = House::new()?;
    house.poller.watch(&listener, LISTENER)?;
    let mut ready = Ready::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        house.poller.wait(&mut ready, WAIT_FOREVER)?;
        for key in ready.keys() {
            if key == LISTENER {
                house.accept(&listener)?;
            } else {
                house.hear(key, &mut buffer)?;
            }
        }
        house.write_what_is_due()?;
    }
}

struct House {
    poller: Poller,
    /// By file descriptor: the kernel hands out the lowest that is free.
    guests: Vec<Option<Guest>>,
    rooms: Vec<Room>,
    room_by_name: HashMap<Vec<u8>, usize>,
    /// Rooms and guests that something is due to in this tick.
    due_rooms: Vec<usize>,
    due_guests: Vec<usize>,
}

struct Guest {
    stream: TcpStream,
    upgraded: bool,
    room: Option<usize>,
    /// Bytes of a request or frame that has not arrived whole.
    partial: Vec<u8>,
    /// Answers of this tick, to this guest alone.
    answers: Vec<u8>,
    /// What the kernel would not take yet.
    unsent: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    /// The finished frames of this tick, the same for every member.
    due: Vec<u8>,
}

impl House {
    fn new() -> Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            guests: Vec::new(),
            rooms: Vec::new(),
            room_by_name: HashMap::new(),
            due_rooms: Vec::new(),
            due_guests: Vec::new(),
        })
    }

    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let key = stream.as_raw_fd().cast_unsigned() as usize;
            self.poller.watch(&stream, key)?;
            if self.guests.len() <= key {
                self.guests.resize_with(key + 1, || None);
            }
            self.guests[key] = Some(Guest {
                stream,
                upgraded: false,
                room: None,
                partial: Vec::new(),
                answers: Vec::new(),
                unsent: Vec::new(),
            });
        }
    }

    fn hear(&mut self, key: usize, buffer: &mut [u8]) -> Result<()> {
        let Some(guest) = &mut self.guests[key] else {
            return Ok(());
        };
        let length = match guest.stream.read(buffer) {
            Ok(length) if length > 0 => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // Ready for writing, then.
                return guest.write(&self.poller, key, &[]);
            }
            Ok(_) | Err(_) => {
                self.let_go(key);
                return Ok(());
            }
        };
        let mut bytes = std::mem::take(&mut guest.partial);
        bytes.extend(&buffer[..length]);
        let mut taken = 0;
        while let Some(length) = self.take_one(key, &bytes[taken..])? {
            taken += length;
        }
        if let Some(guest) = &mut self.guests[key]
            && taken < bytes.len()
        {
            guest.partial = bytes.split_off(taken);
        }
        Ok(())
    }

    /// Takes one request or frame from the start of `bytes` and says how long it was.
    fn take_one(&mut self, key: usize, bytes: &[u8]) -> Result<Option<usize>> {
        let Some(guest) = &mut self.guests[key] else {
            return Ok(None);
        };
        if !guest.upgraded {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(None);
            };
            guest.upgraded = true;
            put_upgrade(&mut guest.answers);
            self.due_guests.push(key);
            return Ok(Some(end + 4));
        }
        let Some(frame) = wire::first_frame(bytes)? else {
            return Ok(None);
        };
        let end = frame.payload.end;
        if frame.opcode == wire::CLOSE {
            self.let_go(key);
        } else if frame.opcode == wire::TEXT {
            let mut payload = bytes[frame.payload].to_vec();
            wire::unmask(&mut payload, frame.mask.unwrap_or_default());
            self.obey(key, &payload);
        }
        Ok(Some(end))
    }

    /// What stands for JSON and handlers here: the pieces between quotes, found by position.
    fn obey(&mut self, key: usize, packet: &[u8]) {
        let mut answer = Vec::new();
        if packet == b"40" {
            wire::put_server_text(&mut answer, &[br#"40{"sid":"raw"}"#]);
        } else if let Some(event) = Event::find(packet) {
            let room = self.room(event.room);
            match event.value {
                Some(value) => self.due(room, value),
                None => self.seat(key, room),
            }
            if !event.ack.is_empty() {
                wire::put_server_text(&mut answer, &[b"43", event.ack, b"[true]"]);
            }
        }
        if let Some(guest) = &mut self.guests[key]
            && !answer.is_empty()
        {
            guest.answers.extend(answer);
            self.due_guests.push(key);
        }
    }

    fn room(&mut self, name: &[u8]) -> usize {
        if let Some(room) = self.room_by_name.get(name) {
            return *room;
        }
        self.rooms.push(Room::default());
        self.room_by_name.insert(name.to_vec(), self.rooms.len() - 1);
        self.rooms.len() - 1
    }

    fn seat(&mut self, key: usize, room: usize) {
        if let Some(guest) = &mut self.guests[key] {
            guest.room = Some(room);
            self.rooms[room].members.push(key);
        }
    }

    fn due(&mut self, room: usize, value: &[u8]) {
        let due = &mut self.rooms[room].due;
        if due.is_empty() {
            self.due_rooms.push(room);
        }
        wire::put_server_text(due, &[wire::MESSAGE_START, value]);
    }

    fn write_what_is_due(&mut self) -> Result<()> {
        for room in self.due_rooms.drain(..) {
            let Room { members, due } = &mut self.rooms[room];
            for key in members {
                if let Some(guest) = &mut self.guests[*key] {
                    guest.write(&self.poller, *key, due)?;
                }
            }
            due.clear();
        }
        for key in self.due_guests.drain(..) {
            if let Some(guest) = &mut self.guests[key] {
                guest.write(&self.poller, key, &[])?;
            }
        }
        Ok(())
    }

    fn let_go(&mut self, key: usize) {
        if let Some(guest) = self.guests[key].take()
            && let Some(room) = guest.room
        {
            self.rooms[room].members.retain(|member| *member != key);
        }
    }
}

impl Guest {
    /// Writes what is unsent, then `due`, then the answers, with one system call.
    fn write(&mut self, poller: &Poller, key: usize, due: &[u8]) -> Result<()> {
        let waited = !self.unsent.is_empty();
        let whole;
        let bytes = if waited || !self.answers.is_empty() {
            whole = [&std::mem::take(&mut self.unsent), due, &std::mem::take(&mut self.answers)]
                .concat();
            &whole
        } else {
            due
        };
        // A guest that is gone is let go when its end of stream is read.
        let written = if bytes.is_empty() { 0 } else { self.stream.write(bytes).unwrap_or(0) };
        self.unsent = bytes[written..].to_vec();
        match (waited, self.unsent.is_empty()) {
            (false, false) => poller.watch_writing(&self.stream, key, Writing::Waits)?,
            (true, true) => poller.watch_writing(&self.stream, key, Writing::Done)?,
            _ => {}
        }
        Ok(())
    }
}

/// `42<ack>["join","<room>"]` or `42<ack>["message","<room>",<value>]`, in places.
struct Event<'a> {
    ack: &'a [u8],
    room: &'a [u8],
    /// The value of a message without its first quote, with the closing bracket.
    value: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    fn find(packet: &'a [u8]) -> Option<Self> {
        let packet = packet.strip_prefix(b"42")?;
        let (ack, rest) = packet.split_at(packet.iter().position(|byte| *byte == b'[')?);
        let (rest, message) = match rest.strip_prefix(br#"["message",""#) {
            Some(rest) => (rest, true),
            None => (rest.strip_prefix(br#"["join",""#)?, false),
        };
        let (room, rest) = rest.split_at(rest.iter().position(|byte| *byte == b'"')?);
        let value = if message { Some(rest.strip_prefix(br#"",""#)?) } else { None };
        Some(Self { ack, room, value })
    }
}

fn put_upgrade(out: &mut Vec<u8>) {
    out.extend(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    out.extend(b"Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    out.extend(wire::ACCEPT.as_bytes());
    out.extend(b"\r\n\r\n");
    let open = br#"0{"sid":"raw","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    wire::put_server_text(out, &[open]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_an_event_are_found_by_position() {
        let join = Event::find(br#"420["join","r1"]"#).expect("a join");
        assert_eq!((join.ack, join.room, join.value), (&b"0"[..], &b"r1"[..], None));

        let message = Event::find(br#"42["message","r1","hello"]"#).expect("a message");
        assert_eq!((message.ack, message.room), (&b""[..], &b"r1"[..]));
        assert_eq!(message.value, Some(&br#"hello"]"#[..]));
    }
}
