//! One packet: `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

use std::error::Error;
use std::fmt;
use std::io::Write as _;

use super::json::{self, Summary};
use super::{Limits, event_name};

/// Names that events of the library itself have on one side or the other.
const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What a packet is for; the discriminant is the digit on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketType {
    /// Enter a namespace.
    Connect = 0,
    /// Leave a namespace.
    Disconnect = 1,
    /// A name and arguments.
    Event = 2,
    /// The answer to an event.
    Ack = 3,
    /// The namespace may not be entered. Only servers say so.
    ConnectError = 4,
    /// An event with binary attachments.
    BinaryEvent = 5,
    /// An answer with binary attachments.
    BinaryAck = 6,
}

/// A packet that a client may send, every part of it checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub packet_type: PacketType,
    /// Binary messages that follow. Only binary types have them, and have at least one.
    pub attachments: usize,
    /// `/` when the packet names none. Its query, which old clients add, is cut off.
    pub namespace: &'a str,
    /// Asks for an answer (event), or says which event is answered (ack).
    pub id: Option<u64>,
    /// JSON of the shape the type demands, or nothing.
    pub data: &'a str,
}

/// Why text is no packet of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// The first character is no packet type.
    UnknownType,
    /// The packet type is for servers.
    ServerOnly,
    /// A binary packet does not say how many attachments follow, or says none.
    InvalidAttachments,
    /// More than [`Limits::max_attachments`].
    TooManyAttachments,
    /// Longer than [`Limits::max_namespace_bytes`].
    NamespaceTooLong,
    /// An id is missing, superfluous, or more than 64 bits.
    InvalidId,
    /// Not JSON, or more than one value of it.
    InvalidJson,
    /// JSON of a shape the packet type does not have.
    InvalidPayload,
    /// The name of an event that means something else to clients and servers.
    ReservedEvent,
    /// Nested deeper than [`Limits::max_depth`].
    TooDeep,
    /// An object with more than [`Limits::max_keys`] keys.
    TooManyKeys,
    /// A placeholder for an attachment that is not announced.
    InvalidPlaceholder,
    /// An announced attachment no placeholder stands for.
    UnusedAttachment,
}

impl PacketType {
    fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Whether binary attachments follow.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

impl<'a> Packet<'a> {
    /// Reads the text of one packet.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, PacketError> {
        let digit = *text.as_bytes().first().ok_or(PacketError::UnknownType)?;
        let packet_type = PacketType::from_digit(digit).ok_or(PacketError::UnknownType)?;
        let rest = &text[1..];
        let (attachments, rest) = if packet_type.is_binary() {
            split_attachments(rest, limits.max_attachments)?
        } else {
            (0, rest)
        };
        let (namespace, rest) = split_namespace(rest, limits.max_namespace_bytes)?;
        let (id, data) = split_id(rest)?;
        let packet = Self { packet_type, attachments, namespace, id, data };
        packet.check(limits)?;
        Ok(packet)
    }

    fn check(&self, limits: &Limits) -> Result<(), PacketError> {
        use PacketType::{Ack, BinaryAck, BinaryEvent, Connect, ConnectError, Disconnect, Event};

        match (self.packet_type, self.id) {
            (ConnectError, _) => return Err(PacketError::ServerOnly),
            (Connect | Disconnect, Some(_)) | (Ack | BinaryAck, None) => {
                return Err(PacketError::InvalidId);
            }
            _ => {}
        }
        if self.data.is_empty() && matches!(self.packet_type, Connect | Disconnect) {
            return Ok(());
        }
        match (self.packet_type, json::check(self.data, self.attachments, limits)?) {
            (Connect, Summary::Object) | (Ack | BinaryAck, Summary::Array) => Ok(()),
            (Event | BinaryEvent, Summary::Array) => check_event_name(self.data),
            _ => Err(PacketError::InvalidPayload),
        }
    }
}

fn check_event_name(data: &str) -> Result<(), PacketError> {
    let name = event_name(data).map_err(|_| PacketError::InvalidPayload)?;
    if RESERVED_EVENTS.contains(&&*name) {
        return Err(PacketError::ReservedEvent);
    }
    Ok(())
}

/// `<digits>-` of a binary packet. The digits are looked at one by one: what else a number parser
/// might take (`-1`, `+1`, `1e3`) has crashed servers.
fn split_attachments(text: &str, max: usize) -> Result<(usize, &str), PacketError> {
    let (digits, rest) = split_digits(text);
    let rest = rest.strip_prefix('-').ok_or(PacketError::InvalidAttachments)?;
    match digits.parse() {
        // Also when it is zero: nothing would ever complete such a packet.
        Err(_) if digits.is_empty() => Err(PacketError::InvalidAttachments),
        Ok(0) => Err(PacketError::InvalidAttachments),
        Ok(attachments) if attachments <= max => Ok((attachments, rest)),
        _ => Err(PacketError::TooManyAttachments),
    }
}

/// `/<namespace>,`; the comma may be missing at the end of the text.
fn split_namespace(text: &str, max_bytes: usize) -> Result<(&str, &str), PacketError> {
    if !text.starts_with('/') {
        return Ok(("/", text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    if namespace.len() > max_bytes {
        return Err(PacketError::NamespaceTooLong);
    }
    let path = namespace.split_once('?').map_or(namespace, |(path, _query)| path);
    Ok((path, rest))
}

fn split_id(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    let (digits, rest) = split_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| PacketError::InvalidId)?;
    Ok((Some(id), rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Appends everything in front of the JSON. `attachments` is written for binary types only.
pub fn encode_header(
    out: &mut Vec<u8>,
    packet_type: PacketType,
    attachments: usize,
    namespace: &str,
    id: Option<u64>,
) {
    const INFALLIBLE: &str = "a Vec takes every write";
    write!(out, "{}", packet_type as u8).expect(INFALLIBLE);
    if packet_type.is_binary() {
        write!(out, "{attachments}-").expect(INFALLIBLE);
    }
    if namespace != "/" {
        write!(out, "{namespace},").expect(INFALLIBLE);
    }
    if let Some(id) = id {
        write!(out, "{id}").expect(INFALLIBLE);
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "unknown packet type",
            Self::ServerOnly => "packet type only a server may send",
            Self::InvalidAttachments => "invalid number of attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::NamespaceTooLong => "namespace is too long",
            Self::InvalidId => "invalid packet id",
            Self::InvalidJson => "payload is not JSON",
            Self::InvalidPayload => "payload does not fit the packet type",
            Self::ReservedEvent => "event name is reserved",
            Self::TooDeep => "payload is nested too deep",
            Self::TooManyKeys => "object has too many keys",
            Self::InvalidPlaceholder => "placeholder for no attachment",
            Self::UnusedAttachment => "attachment without a placeholder",
        })
    }
}

impl Error for PacketError {}

#[cfg(test)]
mod tests;
