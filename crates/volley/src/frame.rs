//! A finished packet: encoded once, then the same bytes for everyone.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::socket_io::{PacketType, encode_header};
use crate::websocket::{Opcode, write_frame};

/// A packet encoded to the bytes that go onto a WebSocket. Cloning shares them; long-polling derives its text from them.
#[derive(Clone)]
pub struct Frame {
    bytes: Arc<[u8]>,
}

/// The arguments of an event or ack could not be written as JSON.
#[derive(Debug)]
pub enum EncodeError {
    /// `serde_json` refused a value.
    Json(serde_json::Error),
    /// Arguments are a tuple, an array or another sequence; this was something else.
    NotASequence,
}

impl Frame {
    /// Encodes an event of `namespace`. `args` is the tuple of its arguments: `&("hello", 1)`, `&(value,)`, `&()` for none.
    ///
    /// ```
    /// let frame = volley::Frame::event("/", "greeting", &("hello", 1))?;
    /// assert!(frame.as_bytes().ends_with(br#"42["greeting","hello",1]"#));
    /// # Ok::<(), volley::EncodeError>(())
    /// ```
    pub fn event<T: Serialize + ?Sized>(
        namespace: &str,
        name: &str,
        args: &T,
    ) -> Result<Self, EncodeError> {
        Self::packet(PacketType::Event, namespace, None, Some(name), args, &[])
    }

    /// Encodes an event with binary attachments. Where an attachment belongs, `args` holds
    /// [`Placeholder`](crate::Placeholder) with its index.
    pub fn binary_event<T: Serialize + ?Sized>(
        namespace: &str,
        name: &str,
        args: &T,
        attachments: &[Bytes],
    ) -> Result<Self, EncodeError> {
        Self::packet(PacketType::Event, namespace, None, Some(name), args, attachments)
    }

    /// The WebSocket frames, one after another.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A packet of the type for its attachments: `Event` or `Ack` becomes its binary kind if there are any.
    pub(crate) fn packet<T: Serialize + ?Sized>(
        packet_type: PacketType,
        namespace: &str,
        id: Option<u64>,
        name: Option<&str>,
        args: &T,
        attachments: &[Bytes],
    ) -> Result<Self, EncodeError> {
        let packet_type = match packet_type {
            PacketType::Event if !attachments.is_empty() => PacketType::BinaryEvent,
            PacketType::Ack if !attachments.is_empty() => PacketType::BinaryAck,
            plain => plain,
        };
        let mut text = start(packet_type, attachments.len(), namespace, id);
        write_array(&mut text, name, args)?;
        let mut bytes = Vec::with_capacity(text.len() + 10);
        write_frame(&mut bytes, Opcode::Text, &text);
        for attachment in attachments {
            write_frame(&mut bytes, Opcode::Binary, attachment);
        }
        Ok(Self { bytes: bytes.into() })
    }

    /// A packet whose payload is already JSON, or empty.
    pub(crate) fn control(packet_type: PacketType, namespace: &str, json: &str) -> Self {
        let mut text = start(packet_type, 0, namespace, None);
        text.extend_from_slice(json.as_bytes());
        Self::engine(Opcode::Text, &text)
    }

    /// One Engine.IO packet as it stands.
    pub(crate) fn engine(opcode: Opcode, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        write_frame(&mut bytes, opcode, payload);
        Self { bytes: bytes.into() }
    }

    /// A WebSocket frame that has been encoded elsewhere.
    pub(crate) fn finished(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// The Engine.IO `message` type and the Socket.IO header.
fn start(packet_type: PacketType, attachments: usize, namespace: &str, id: Option<u64>) -> Vec<u8> {
    let mut text = Vec::with_capacity(128);
    text.push(b'4');
    encode_header(&mut text, packet_type, attachments, namespace, id);
    text
}

/// `["name",arg,arg]` or, without a name, `[arg,arg]`.
fn write_array<T: Serialize + ?Sized>(
    text: &mut Vec<u8>,
    name: Option<&str>,
    args: &T,
) -> Result<(), EncodeError> {
    if let Some(name) = name {
        text.push(b'[');
        serde_json::to_writer(&mut *text, name).map_err(EncodeError::Json)?;
    }
    let args_at = text.len();
    serde_json::to_writer(&mut *text, args).map_err(EncodeError::Json)?;
    match &text[args_at..] {
        // A unit is no arguments: serde writes it as null.
        b"null" if size_of_val(args) == 0 => {
            text.truncate(args_at);
            text.extend_from_slice(if name.is_some() { b"]" } else { b"[]" });
        }
        [b'[', ..] if name.is_none() => {}
        [b'[', rest @ ..] if rest.trim_ascii() == b"]" => {
            text.truncate(args_at);
            text.push(b']');
        }
        [b'[', ..] => text[args_at] = b',',
        _ => return Err(EncodeError::NotASequence),
    }
    Ok(())
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.len())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the arguments cannot be written as JSON: {error}"),
            Self::NotASequence => write!(f, "the arguments are not a tuple or another sequence"),
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Frame) -> String {
        let (_, payload) = crate::websocket::frames(frame.as_bytes()).next().expect("a frame");
        String::from_utf8(payload.to_vec()).unwrap()
    }

    #[test]
    fn an_event_is_its_name_and_its_arguments_in_one_array() {
        assert_eq!(text(&Frame::event("/", "m", &(1, "a")).unwrap()), r#"42["m",1,"a"]"#);
        assert_eq!(text(&Frame::event("/", "m", &()).unwrap()), r#"42["m"]"#);
        assert_eq!(text(&Frame::event("/a", "m", &[1]).unwrap()), r#"42/a,["m",1]"#);
        assert_eq!(text(&Frame::event("/", "m", &Vec::<u8>::new()).unwrap()), r#"42["m"]"#);
        let spaced = serde_json::value::RawValue::from_string("[ ]".to_owned()).unwrap();
        assert_eq!(text(&Frame::event("/", "m", &spaced).unwrap()), r#"42["m"]"#);
    }

    #[test]
    fn an_ack_is_its_arguments_alone() {
        let ack = |args: &[u8]| Frame::packet(PacketType::Ack, "/", Some(7), None, args, &[]);
        assert_eq!(text(&ack(&[1, 2]).unwrap()), "437[1,2]");
        assert_eq!(text(&ack(&[]).unwrap()), "437[]");
        let empty = Frame::packet(PacketType::Ack, "/", Some(7), None, &(), &[]).unwrap();
        assert_eq!(text(&empty), "437[]");
    }

    #[test]
    fn arguments_that_are_no_sequence_are_refused() {
        assert!(matches!(Frame::event("/", "m", "text"), Err(EncodeError::NotASequence)));
        assert!(matches!(Frame::event("/", "m", &None::<u8>), Err(EncodeError::NotASequence)));
    }

    #[test]
    fn attachments_follow_their_packet() {
        let bytes = [Bytes::from_static(b"\x01\x02")];
        let args = (crate::Placeholder::new(0),);
        let frame = Frame::binary_event("/", "m", &args, &bytes).unwrap();
        assert_eq!(text(&frame), r#"451-["m",{"_placeholder":true,"num":0}]"#);
        assert_eq!(
            crate::websocket::frames(frame.as_bytes()).nth(1),
            Some((Opcode::Binary, &b"\x01\x02"[..]))
        );
    }
}
