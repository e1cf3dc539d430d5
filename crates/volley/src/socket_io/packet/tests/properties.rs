//! What holds for every packet.

use proptest::prelude::*;

use super::*;

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map("_placeholder|num|\\PC*", inner, 0..6)
                .prop_map(|object| object.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn an_event_is_read_back_as_it_was_written(
        namespace in "/|/[^,?]{1,20}",
        id: Option<u64>,
        name in "[^cdnr]\\PC*",
        args in prop::collection::vec(json(), 0..5),
    ) {
        let mut event = vec![name.into()];
        event.extend(args);
        let data = serde_json::to_string(&event).unwrap();
        let packet = Packet {
            packet_type: PacketType::Event, attachments: 0, namespace: &namespace, id, data: &data,
        };
        let text = header(&packet) + &data;
        prop_assert_eq!(decode(&text), Ok(packet));
    }

    #[test]
    fn attachments_are_found_wherever_they_are(
        attachments in 1..=10_usize,
        mut args in prop::collection::vec(json(), 0..5),
        id: Option<u64>,
    ) {
        args.retain(|arg| !arg.to_string().contains("_placeholder"));
        args.insert(0, "name".into());
        for num in 0..attachments {
            let placeholder = serde_json::json!({ "num": num, "_placeholder": true });
            args.push(if num % 2 == 0 { placeholder } else { serde_json::json!([{ "in": placeholder }]) });
        }
        let data = serde_json::to_string(&args).unwrap();
        let packet = Packet {
            packet_type: PacketType::BinaryEvent, attachments, namespace: "/", id, data: &data,
        };
        let text = header(&packet) + &data;
        prop_assert_eq!(decode(&text), Ok(packet));
        let one_more = Packet { attachments: attachments + 1, ..packet };
        prop_assert!(decode(&(header(&one_more) + &data)).is_err());
    }

    #[test]
    fn a_packet_that_is_taken_has_json_that_everybody_takes(
        text in "[0-6]([0-9]{0,2}-)?(/[a-z]*,)?[0-9]{0,2}([\\[{][\\[\\]{}\",:a-c0-9_.-]*[\\]}])?",
    ) {
        if let Ok(packet) = decode(&text)
            && !packet.data.is_empty()
        {
            prop_assert!(serde_json::from_str::<serde_json::Value>(packet.data).is_ok());
        }
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in "[0-9]?\\PC*", bytes: Vec<u8>) {
        let _ = decode(&text);
        let _ = decode(&String::from_utf8_lossy(&bytes));
    }
}
