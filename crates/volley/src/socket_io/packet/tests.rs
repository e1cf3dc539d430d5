mod properties;

use super::*;
use PacketError::*;

fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
    Packet::decode(text, &Limits::default())
}

fn header(packet: &Packet<'_>) -> String {
    let mut out = Vec::new();
    let Packet { packet_type, attachments, namespace, id, .. } = *packet;
    encode_header(&mut out, packet_type, attachments, namespace, id);
    String::from_utf8(out).unwrap()
}

/// Reads text as this packet, and writes the packet as this text.
#[track_caller]
fn assert_packet(
    text: &str,
    packet_type: PacketType,
    namespace: &str,
    id: Option<u64>,
    data: &str,
) {
    assert_attached(text, packet_type, 0, namespace, id, data);
}

#[track_caller]
fn assert_attached(
    text: &str,
    packet_type: PacketType,
    attachments: usize,
    namespace: &str,
    id: Option<u64>,
    data: &str,
) {
    let packet = Packet { packet_type, attachments, namespace, id, data };
    assert_eq!(decode(text), Ok(packet));
    assert_eq!(header(&packet) + data, text);
}

#[track_caller]
fn assert_refused(why: PacketError, texts: &[&str]) {
    for text in texts {
        assert_eq!(decode(text), Err(why), "{text}");
    }
}

#[test]
fn a_namespace_is_entered() {
    use PacketType::Connect;
    assert_packet("0", Connect, "/", None, "");
    assert_packet("0/admin,", Connect, "/admin", None, "");
    assert_packet(r#"0{"token":"123"}"#, Connect, "/", None, r#"{"token":"123"}"#);
    let sid = r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#;
    assert_packet(&format!("0/admin,{sid}"), Connect, "/admin", None, sid);
}

#[test]
fn a_namespace_is_left() {
    assert_packet("1", PacketType::Disconnect, "/", None, "");
    assert_packet("1/admin,", PacketType::Disconnect, "/admin", None, "");
}

#[test]
fn an_event_is_sent() {
    use PacketType::Event;
    assert_packet(r#"2["foo"]"#, Event, "/", None, r#"["foo"]"#);
    assert_packet(r#"2/admin,["bar"]"#, Event, "/admin", None, r#"["bar"]"#);
    assert_packet(r#"212["foo"]"#, Event, "/", Some(12), r#"["foo"]"#);
    assert_packet(r#"2/admin,1["tellme"]"#, Event, "/admin", Some(1), r#"["tellme"]"#);
    let args = r#"["message",1,"2",{"3":[true,null,-4,5.6e7]}]"#;
    assert_packet(&format!("2{args}"), Event, "/", None, args);
}

#[test]
fn an_event_is_answered() {
    assert_packet(r#"3/admin,13["bar"]"#, PacketType::Ack, "/admin", Some(13), r#"["bar"]"#);
    assert_packet("312[]", PacketType::Ack, "/", Some(12), "[]");
}

#[test]
fn an_event_and_an_answer_may_have_attachments() {
    use PacketType::{BinaryAck, BinaryEvent};
    let one = r#"["baz",{"_placeholder":true,"num":0}]"#;
    let two = r#"["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let ack = r#"["bar",{"_placeholder":true,"num":0}]"#;
    assert_attached(&format!("51-{one}"), BinaryEvent, 1, "/", None, one);
    assert_attached(&format!("52-/admin,{two}"), BinaryEvent, 2, "/admin", None, two);
    assert_attached(&format!("51-14{one}"), BinaryEvent, 1, "/", Some(14), one);
    assert_attached(&format!("61-15{ack}"), BinaryAck, 1, "/", Some(15), ack);
    assert_attached(&format!("61-/admin,1{ack}"), BinaryAck, 1, "/admin", Some(1), ack);
}

#[test]
fn a_namespace_at_the_end_needs_no_comma() {
    assert_eq!(decode("0/random").unwrap().namespace, "/random");
    assert_eq!(decode("1/custom").unwrap().namespace, "/custom");
}

#[test]
fn the_query_of_a_namespace_is_cut_off() {
    let packet = decode(r#"0/admin?token=1234&x=/?,{"a":1}"#).unwrap();
    assert_eq!((packet.namespace, packet.data), ("/admin", r#"{"a":1}"#));
    assert_eq!(decode("0/?a=b").unwrap().namespace, "/");
}

#[test]
fn a_server_writes_what_a_client_may_not() {
    let mut out = Vec::new();
    encode_header(&mut out, PacketType::ConnectError, 0, "/admin", None);
    assert_eq!(out, b"4/admin,");
    assert_refused(ServerOnly, &[r#"4{"message":"Not authorized"}"#, "4", r#"4"no""#]);
}

#[test]
fn text_without_a_type_is_no_packet() {
    assert_refused(UnknownType, &["", "7", "9", "abc", "-1", " 0", "__proto__", "é", "🦀0", "\0"]);
}

#[test]
fn the_shape_of_the_payload_belongs_to_the_type() {
    assert_refused(InvalidPayload, &["0[]", r#"0"text""#, "0null", "0true", "0-1"]);
    assert_refused(InvalidPayload, &["1{}", "1[]", "1null", r#"1"""#]);
    assert_refused(InvalidPayload, &["2{}", "2[]", r#"2"foo""#, "2null", "31{}", r#"31"ok""#]);
}

/// The story of CVE-2023-32695: a name that was no text had no method that text has.
#[test]
fn the_name_of_an_event_is_text() {
    assert_refused(
        InvalidPayload,
        &[
            "2[1]",
            "2[-1.5]",
            "2[true]",
            "2[null]",
            "2[[]]",
            r#"2[["foo"]]"#,
            "2[{}]",
            r#"2[{"toString":"foo"}]"#,
            r#"51-[{"_placeholder":true,"num":0}]"#,
        ],
    );
}

#[test]
fn a_payload_must_be_there_where_the_type_demands_one() {
    assert_refused(InvalidJson, &["2", "2/admin,", "2/admin", "21", "31", "3/admin,1"]);
}

#[test]
fn a_payload_is_one_whole_value_of_json() {
    assert_refused(
        InvalidJson,
        &[
            r#"2["foo""#,
            r#"2["foo"#,
            r#"2["foo"]x"#,
            r#"2["foo"]["bar"]"#,
            r#"2["foo",]"#,
            "2['foo']",
            "2[\"fo\no\"]",
            r#"2["foo",01]"#,
            r#"2["foo",NaN]"#,
            r#"0{"a":1"#,
            r#"0{"a":1}}"#,
            "0{a:1}",
            "0nul",
        ],
    );
}

#[test]
fn names_with_a_meaning_of_their_own_are_no_events() {
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert_eq!(decode(&format!(r#"2["{name}"]"#)), Err(ReservedEvent), "{name}");
    }
    assert_refused(ReservedEvent, &[r#"2["\u0063onnect"]"#, r#"21["disconnect",1]"#]);
    assert!(decode(r#"2["connection"]"#).is_ok());
}

#[test]
fn only_events_and_acks_have_an_id_and_acks_must() {
    assert_refused(InvalidId, &["01", "0/admin,1{}", "11", "3[]", "3/admin,[]"]);
    let ack = r#"61-[{"_placeholder":true,"num":0}]"#;
    assert_refused(InvalidId, &[ack]);
}

#[test]
fn an_id_has_64_bits() {
    assert_eq!(decode("318446744073709551615[]").unwrap().id, Some(u64::MAX));
    assert_refused(InvalidId, &["318446744073709551616[]", "399999999999999999999999[]"]);
}

/// The story of CVE-2022-2421, CVE-2026-33151 and CVE-2026-69185: whatever stood in front of the
/// dash was believed, then everything but ever more, then everything but none.
#[test]
fn the_number_of_attachments_is_a_number_from_one_to_the_limit() {
    let event = |count: &str| format!(r#"5{count}-["a",{{"_placeholder":true,"num":0}}]"#);
    for count in ["", "0", "00", "-1", "+1", "1.0", "1e0", "0x1", " 1", "1 ", "a", "١", "Infinity"]
    {
        assert_eq!(decode(&event(count)), Err(InvalidAttachments), "{count}");
    }
    for count in ["11", "1000000", "18446744073709551616", &"9".repeat(1000)] {
        assert_eq!(decode(&event(count)), Err(TooManyAttachments), "{count}");
    }
    assert_refused(InvalidAttachments, &["5", "6", "51", "51[]", "5[\"a\"]", "51/admin,-[]"]);
}

#[test]
fn packets_without_attachments_do_not_count_them() {
    assert_refused(InvalidJson, &[r#"21-["a"]"#, r#"20-["a"]"#, "31-[]"]);
    assert_refused(InvalidId, &["01-{}", "11-"]);
}

#[test]
fn every_placeholder_stands_for_an_announced_attachment() {
    for num in [
        "1",
        "-1",
        "0.0",
        "0.5",
        "1e0",
        "\"0\"",
        "null",
        "[0]",
        "\"splice\"",
        "99999999999999999999",
    ] {
        let text = format!(r#"51-["a",{{"_placeholder":true,"num":{num}}}]"#);
        assert_eq!(decode(&text), Err(InvalidPlaceholder), "{num}");
    }
    assert_refused(
        InvalidPlaceholder,
        &[
            r#"51-["a",{"_placeholder":true}]"#,
            r#"51-["a",{"num":0,"_placeholder":true},{"deep":[{"_placeholder":true,"num":7}]}]"#,
        ],
    );
}

#[test]
fn every_announced_attachment_has_a_placeholder() {
    assert_refused(
        UnusedAttachment,
        &[
            r#"51-["a"]"#,
            r#"51-["a",{"num":0}]"#,
            r#"51-["a",{"_placeholder":false,"num":0}]"#,
            r#"51-["a",{"_placeholder":"true","num":0}]"#,
            r#"52-["a",{"_placeholder":true,"num":0}]"#,
            r#"52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]"#,
            "61-1[]",
        ],
    );
}

#[test]
fn an_attachment_may_be_used_anywhere_and_twice() {
    let twice =
        r#"51-["a",{"deep":[{"_placeholder":true,"num":0}]},{"num":0,"_placeholder":true}]"#;
    assert!(decode(twice).is_ok());
}

#[test]
fn what_looks_like_a_placeholder_is_an_object_where_nothing_is_attached() {
    assert!(decode(r#"2["a",{"_placeholder":true,"num":9}]"#).is_ok());
    assert!(decode(r#"0{"_placeholder":true,"num":-1}"#).is_ok());
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth: usize| format!(r#"2["a",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(63)).is_ok());
    assert_eq!(decode(&nested(64)), Err(TooDeep));
    assert_eq!(decode(&nested(100_000)), Err(TooDeep));
    assert_eq!(decode(&format!("2[\"a\",{}", r#"{"a":"#.repeat(100_000))), Err(TooDeep));
    assert_eq!(decode(&format!("0{}", r#"{"a":"#.repeat(100_000))), Err(TooDeep));
    assert_eq!(decode(&format!("3{}", "[".repeat(100_000))), Err(InvalidId));
    assert_eq!(decode(&format!("31{}", "[".repeat(100_000))), Err(TooDeep));
}

#[test]
fn depth_is_counted_down_again() {
    let siblings = format!(r#"2["a",{}]"#, vec!["[[[]]]"; 1000].join(","));
    assert!(decode(&siblings).is_ok());
}

#[test]
fn an_unbounded_depth_is_bounded_by_the_parser() {
    let limits = Limits { max_depth: usize::MAX, ..Limits::default() };
    let deep = format!(r#"2["a",{}"#, "[".repeat(100_000));
    assert_eq!(Packet::decode(&deep, &limits), Err(InvalidJson));
}

#[test]
fn an_object_has_as_many_keys_as_the_limit_allows() {
    let object = |keys: usize| {
        let keys: Vec<String> = (0..keys).map(|key| format!(r#""{key}":0"#)).collect();
        format!("{{{}}}", keys.join(","))
    };
    assert!(decode(&format!("0{}", object(256))).is_ok());
    assert_eq!(decode(&format!("0{}", object(257))), Err(TooManyKeys));
    assert_eq!(decode(&format!(r#"2["a",[{}]]"#, object(257))), Err(TooManyKeys));
    assert!(decode(&format!(r#"2["a",{0},{0}]"#, object(200))).is_ok());
}

#[test]
fn a_namespace_is_as_long_as_the_limit_allows() {
    let name = format!("/{}", "n".repeat(255));
    assert_eq!(decode(&format!("0{name},")).unwrap().namespace, name);
    assert_eq!(decode(&format!("0{name}n,")), Err(NamespaceTooLong));
    assert_eq!(decode(&format!("0/?{name},")), Err(NamespaceTooLong));
}

#[test]
fn a_namespace_is_only_a_name() {
    for name in ["/__proto__", "/constructor", "/../etc", "/é🦀", "/%00", "//"] {
        assert_eq!(decode(&format!("0{name},")).unwrap().namespace, name);
    }
}

#[test]
fn a_cut_packet_is_never_taken_for_a_whole_one() {
    let text = r#"51-/admin,7["baz",{"_placeholder":true,"num":0},"é🦀"]"#;
    assert!(decode(text).is_ok());
    for (end, _) in text.char_indices() {
        assert!(decode(&text[..end]).is_err(), "{}", &text[..end]);
    }
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    assert_refused(InvalidJson, &[r#"2["a","\ud83d"]"#, r#"2["\udd80"]"#]);
    assert!(decode(r#"2["a","\ud83e\udd80"]"#).is_ok());
}
