//! What a handler reads from the JSON of a packet, when it asks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct One(String);

    #[test]
    fn the_name_of_an_event_is_borrowed_unless_it_was_escaped() {
        assert!(matches!(event_name(r#"["foo",1]"#), Ok(Cow::Borrowed("foo"))));
        assert!(matches!(event_name(r#" [ "foo" ]"#), Ok(Cow::Borrowed("foo"))));
        assert!(matches!(event_name(r#"["f\"oo"]"#), Ok(Cow::Owned(name)) if name == "f\"oo"));
    }

    #[test]
    fn without_text_in_front_there_is_no_name() {
        for data in ["", "[", "[]", "{}", r#""foo""#, "[1]", "[null]", r#"[["foo"]]"#, r#"["foo"#] {
            assert!(event_name(data).is_err(), "{data}");
        }
    }

    #[test]
    fn arguments_are_what_stands_behind_the_name() {
        let data = r#"["message","hi",[1,2],{"a":null}]"#;
        let (text, numbers, _): (&str, Vec<u8>, IgnoredAny) = event_args(data).unwrap();
        assert_eq!((text, numbers), ("hi", vec![1, 2]));
        let One(one) = event_args(r#"["message","hi"]"#).unwrap();
        assert_eq!(one, "hi");
    }

    #[test]
    fn no_arguments_are_a_unit() {
        event_args::<()>(r#"["leave"]"#).unwrap();
        ack_args::<()>("[]").unwrap();
        assert!(event_args::<()>(r#"["leave",1]"#).is_err());
    }

    #[test]
    fn any_number_of_arguments_is_a_list() {
        assert_eq!(event_args::<Vec<u8>>(r#"["add",1,2,3]"#).unwrap(), [1, 2, 3]);
        assert_eq!(event_args::<Vec<u8>>(r#"["add"]"#).unwrap(), [0; 0]);
    }

    #[test]
    fn an_argument_too_many_or_too_few_is_an_error() {
        assert!(event_args::<(u8, u8)>(r#"["add",1,2]"#).is_ok());
        assert!(event_args::<(u8, u8)>(r#"["add",1]"#).is_err());
        assert!(event_args::<(u8, u8)>(r#"["add",1,2,3]"#).is_err());
        assert!(ack_args::<(u8,)>("[1,2]").is_err());
    }

    #[test]
    fn an_ack_has_no_name_in_front() {
        assert_eq!(ack_args::<(u8, &str)>(r#"[1,"two"]"#).unwrap(), (1, "two"));
    }

    #[test]
    fn one_argument_is_still_a_list_of_one() {
        assert!(event_args::<String>(r#"["message","hi"]"#).is_err());
        assert_eq!(event_args::<(String,)>(r#"["message","hi"]"#).unwrap().0, "hi");
    }

    proptest! {
        #[test]
        fn names_and_arguments_are_read_back(name: String, text: String, number: i64) {
            let data = serde_json::to_string(&(&name, &text, number)).unwrap();
            prop_assert_eq!(event_name(&data).unwrap(), name);
            prop_assert_eq!(event_args::<(String, i64)>(&data).unwrap(), (text, number));
        }

        #[test]
        fn no_text_makes_reading_panic(data in "\\[?\\PC*") {
            let _ = event_name(&data);
            let _ = event_args::<Vec<IgnoredAny>>(&data);
        }
    }
}
