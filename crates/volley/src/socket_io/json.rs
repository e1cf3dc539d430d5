//! The JSON of a packet, checked in one pass and never built.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Limits, PacketError};

/// As much of a value as the rest of a packet must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Summary {
    Object,
    Array,
    True,
    Integer(u64),
    Other,
}

/// Checks that `text` is one value of JSON within the limits, and that its placeholders are those
/// of this many attachments.
pub(super) fn check(
    text: &str,
    attachments: usize,
    limits: &Limits,
) -> Result<Summary, PacketError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut walk = Walk { limits, depth: 0, used: vec![false; attachments], refusal: None };
    let summary = Value { walk: &mut walk }
        .deserialize(&mut json)
        .and_then(|summary| json.end().map(|()| summary))
        .map_err(|_| walk.refusal.unwrap_or(PacketError::InvalidJson))?;
    if walk.used.contains(&false) {
        return Err(PacketError::UnusedAttachment);
    }
    Ok(summary)
}

/// What one walk over the JSON of a packet remembers.
struct Walk<'l> {
    limits: &'l Limits,
    depth: usize,
    /// Per announced attachment: whether a placeholder stands for it.
    used: Vec<bool>,
    /// Why the walk ended early; the error of the JSON parser carries text only.
    refusal: Option<PacketError>,
}

impl Walk<'_> {
    fn refuse<E: Error>(&mut self, why: PacketError) -> E {
        self.refusal = Some(why);
        E::custom(why)
    }

    fn deeper<E: Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > self.limits.max_depth {
            return Err(self.refuse(PacketError::TooDeep));
        }
        Ok(())
    }

    /// A placeholder was met. In a packet without attachments it is an object like any other.
    fn use_attachment<E: Error>(&mut self, number: Summary) -> Result<(), E> {
        if self.used.is_empty() {
            return Ok(());
        }
        if let Summary::Integer(number) = number
            && let Some(used) = usize::try_from(number).ok().and_then(|at| self.used.get_mut(at))
        {
            *used = true;
            return Ok(());
        }
        Err(self.refuse(PacketError::InvalidPlaceholder))
    }

    fn walk_array<'de, A: SeqAccess<'de>>(&mut self, mut array: A) -> Result<(), A::Error> {
        self.deeper()?;
        while array.next_element_seed(Value { walk: self })?.is_some() {}
        self.depth -= 1;
        Ok(())
    }

    fn walk_object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        self.deeper()?;
        let mut keys = 0;
        let mut marked = false;
        let mut number = Summary::Other;
        while let Some(key) = object.next_key()? {
            keys += 1;
            if keys > self.limits.max_keys {
                return Err(self.refuse(PacketError::TooManyKeys));
            }
            let value = object.next_value_seed(Value { walk: self })?;
            match key {
                Key::Placeholder => marked = value == Summary::True,
                Key::Num => number = value,
                Key::Other => {}
            }
        }
        if marked {
            self.use_attachment(number)?;
        }
        self.depth -= 1;
        Ok(())
    }
}

/// Any value, on any level.
struct Value<'w, 'l> {
    walk: &'w mut Walk<'l>,
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
        self.walk.walk_array(seq).map(|()| Summary::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Summary, A::Error> {
        self.walk.walk_object(map).map(|()| Summary::Object)
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
