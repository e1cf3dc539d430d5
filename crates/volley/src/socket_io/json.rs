//! The JSON of a packet: checked in one pass without building it, and read when a handler asks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::error::Category;

use super::Limits;
use super::packet::{Packet, PacketError, PacketType};

/// Names that events of the library itself have on one side or the other.
const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Checks that the data of a packet is JSON of the right shape and within the limits.
pub(super) fn check(packet: &Packet<'_>, limits: &Limits) -> Result<(), PacketError> {
    let mut check =
        Check { limits, depth: 0, used: vec![false; packet.attachments], refusal: None };
    let mut json = serde_json::Deserializer::from_str(packet.data);
    let shape = Shape { packet_type: packet.packet_type, check: &mut check };
    shape.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| {
        check.refusal.unwrap_or(match error.classify() {
            Category::Data => PacketError::InvalidPayload,
            Category::Syntax | Category::Eof | Category::Io => PacketError::InvalidJson,
        })
    })?;
    if check.used.contains(&false) {
        return Err(PacketError::UnusedAttachment);
    }
    Ok(())
}

/// What one walk over the JSON of a packet remembers.
struct Check<'l> {
    limits: &'l Limits,
    depth: usize,
    /// Per announced attachment: whether a placeholder stands for it.
    used: Vec<bool>,
    /// Why the walk ended early; the error of the JSON parser carries text only.
    refusal: Option<PacketError>,
}

impl Check<'_> {
    fn refuse<E: serde::de::Error>(&mut self, why: PacketError) -> E {
        self.refusal = Some(why);
        E::custom(why)
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > self.limits.max_depth {
            return Err(self.refuse(PacketError::TooDeep));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A placeholder was met. In a packet without attachments it is an object like any other.
    fn use_attachment<E: serde::de::Error>(&mut self, number: Summary) -> Result<(), E> {
        if self.used.is_empty() {
            return Ok(());
        }
        let used = match number {
            Summary::Integer(number) => {
                usize::try_from(number).ok().and_then(|number| self.used.get_mut(number))
            }
            _ => None,
        };
        match used {
            Some(used) => {
                *used = true;
                Ok(())
            }
            None => Err(self.refuse(PacketError::InvalidPlaceholder)),
        }
    }

    fn walk_seq<'de, A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        self.enter()?;
        while seq.next_element_seed(Value { check: self })?.is_some() {}
        self.leave();
        Ok(())
    }

    fn walk_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut keys = 0;
        let mut marked = false;
        let mut number = Summary::Other;
        while let Some(key) = map.next_key()? {
            keys += 1;
            if keys > self.limits.max_keys {
                return Err(self.refuse(PacketError::TooManyKeys));
            }
            let value = map.next_value_seed(Value { check: self })?;
            match key {
                Key::Placeholder => marked = value == Summary::True,
                Key::Num => number = value,
                Key::Other => {}
            }
        }
        if marked {
            self.use_attachment(number)?;
        }
        self.leave();
        Ok(())
    }
}

/// The outermost value, which the packet type prescribes.
struct Shape<'c, 'l> {
    packet_type: PacketType,
    check: &'c mut Check<'l>,
}

impl<'de> DeserializeSeed<'de> for Shape<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload of the packet type")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.packet_type {
            PacketType::Connect => self.check.walk_map(map),
            _ => Err(self.check.refuse(PacketError::InvalidPayload)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match self.packet_type {
            PacketType::Ack | PacketType::BinaryAck => self.check.walk_seq(seq),
            PacketType::Event | PacketType::BinaryEvent => {
                seq.next_element_seed(EventName { check: self.check })?
                    .ok_or_else(|| self.check.refuse(PacketError::InvalidPayload))?;
                self.check.walk_seq(seq)
            }
            _ => Err(self.check.refuse(PacketError::InvalidPayload)),
        }
    }
}

/// The first element of an event: text, and not one of the names that mean something else.
struct EventName<'c, 'l> {
    check: &'c mut Check<'l>,
}

impl<'de> DeserializeSeed<'de> for EventName<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for EventName<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an event")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        if RESERVED_EVENTS.contains(&name) {
            return Err(self.check.refuse(PacketError::ReservedEvent));
        }
        Ok(())
    }
}

/// Any value inside the payload.
struct Value<'c, 'l> {
    check: &'c mut Check<'l>,
}

/// As much of a value as a placeholder is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Summary {
    True,
    Integer(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Summary;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Summary, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Summary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Summary, E> {
        Ok(Summary::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Summary, E> {
        Ok(if value { Summary::True } else { Summary::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Summary, E> {
        Ok(Summary::Integer(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Summary, E> {
        Ok(Summary::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Summary, E> {
        Ok(Summary::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Summary, E> {
        Ok(Summary::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Summary, A::Error> {
        self.check.walk_seq(seq).map(|()| Summary::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Summary, A::Error> {
        self.check.walk_map(map).map(|()| Summary::Other)
    }
}

/// The key of an object, as far as placeholders care.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "_placeholder")]
    Placeholder,
    #[serde(rename = "num")]
    Num,
    #[serde(other)]
    Other,
}

/// The name of an event, from the data of its packet.
pub fn event_name(data: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    /// Borrows when the name has no escapes, which `Cow` alone would not ask for.
    #[derive(Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    // Reads the first element alone: the rest is as long as the client likes.
    data.trim_start()
        .strip_prefix('[')
        .and_then(|elements| serde_json::Deserializer::from_str(elements).into_iter().next())
        .unwrap_or_else(|| Err(serde_json::Error::custom("no event without a name")))
        .map(|Name(name)| name)
}

/// The arguments behind the name of an event, from the data of its packet.
///
/// `T` is a tuple, one element per argument, `()` when there are none, or a list. An argument too
/// many or too few for a tuple is an error.
pub fn event_args<'de, T: Deserialize<'de>>(data: &'de str) -> Result<T, serde_json::Error> {
    read_args(data, 1)
}

/// The arguments of an ack, from the data of its packet; `T` as for [`event_args`].
pub fn ack_args<'de, T: Deserialize<'de>>(data: &'de str) -> Result<T, serde_json::Error> {
    read_args(data, 0)
}

fn read_args<'de, T: Deserialize<'de>>(
    data: &'de str,
    skip: usize,
) -> Result<T, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(data);
    let args = json.deserialize_seq(ArgsVisitor { skip, args: PhantomData })?;
    json.end()?;
    Ok(args)
}

/// Reads an array without its first `skip` elements as a `T`.
struct ArgsVisitor<T> {
    skip: usize,
    args: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ArgsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        for position in 0..self.skip {
            seq.next_element::<IgnoredAny>()?
                .ok_or_else(|| A::Error::invalid_length(position, &self))?;
        }
        T::deserialize(Args(seq))
    }
}

/// What is left of an array, as something to deserialise: nothing is also `()`.
struct Args<A>(A);

impl<'de, A: SeqAccess<'de>> Deserializer<'de> for Args<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self.0)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
