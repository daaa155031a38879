//! Picking values out of texts, however they are written and cut.

use super::*;

/// The figures and the model of all texts, and what each text says of an end.
fn picked(text: &str, piece: usize) -> ([Option<String>; 4], Vec<Marks>) {
    let mut picker = JsonPicker::default();
    let mut marks = Vec::new();
    for piece in text.as_bytes().chunks(piece) {
        let mut rest = piece;
        while let Some(behind) = picker.feed(rest) {
            marks.push(picker.take_marks());
            rest = behind;
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let [usage, inner, metadata] =
        [Slot::Usage, Slot::InnerUsage, Slot::UsageMetadata].map(|slot| picker.take(slot).map(text));
    let model = Some(text(picker.models().last.clone())).filter(|model| !model.is_empty());
    ([usage, inner, metadata, model], marks)
}

fn own(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn values_are_found_wherever_the_providers_put_them_and_however_the_text_is_cut() {
    let chat = r#"{"id":"x","model":"gpt-4o","choices":[{"message":{"content":"{\"usage\":1}","usage":9}}],"usage": {"a": 1, "b":{"c":[1,2]}}}"#;
    let responses = r#"{"type":"response.completed","response":{"model":"gpt-5","usage":{"input_tokens":3},"output":[]}}"#;
    let groq = r#"{"choices":[],"usage":null,"x_groq":{"id":"r","usage":{"prompt_tokens":1}}}"#;
    let gemini = "[{\"usageMetadata\":{\"a\":1},\"modelVersion\":\"g\"}\n,\r\n{\"usageMetadata\":{\"a\":2}}]";
    let escaped =
        r#"{"\u006dodel":"m","\u0075s\u0061g\u0065":{"\u0061":1},"us\u00e9ge":2,"u\sage":3,"usage\u0000":4}"#;
    for piece in [1, 2, 3, 7, 1000] {
        assert_eq!(picked(chat, piece).0, [own(r#"{"a":1,"b":{"c":[1,2]}}"#), None, None, own("\"gpt-4o\"")]);
        assert_eq!(picked(responses, piece).0, [None, own(r#"{"input_tokens":3}"#), None, own("\"gpt-5\"")]);
        assert_eq!(picked(groq, piece).0, [None, own(r#"{"prompt_tokens":1}"#), None, None]);
        assert_eq!(picked(gemini, piece).0, [None, None, own("{\"a\":2}"), own("\"g\"")]);
        assert_eq!(picked(escaped, piece).0, [own(r#"{"\u0061":1}"#), None, None, own("\"m\"")], "{piece}");
    }
}

#[test]
fn of_values_that_stand_there_twice_the_last_counts_that_is_not_null() {
    let twice = r#"{"usage":{"a":1},"usage":{"a":2},"us\u0061ge":null}"#;
    assert_eq!(picked(twice, 1000).0[0], own("{\"a\":2}"));
}

#[test]
fn each_text_says_what_it_says_of_the_end_and_the_next_one_says_it_again() {
    let one = Marks { ended: 1, has_choices: true, ..Marks::default() };
    let some = Marks { has_choices: true, ..Marks::default() };
    let kind = |kind| Marks { kind, ..Marks::default() };
    let stopped = Marks { is_stopped: true, ..Marks::default() };
    for (text, expected) in [
        (r#"{"choices":[{"index":0,"finish_reason":"stop"}]}"#, one),
        (r#"{"choices":[{"finish_reason":"stop","index":0}],"usage":{"choices":[]}}"#, one),
        (
            r#"{"candidates":[{"finishReason":"STOP","content":{"finishReason":"X"}}]}"#,
            Marks { ended: 1, ..Marks::default() },
        ),
        (
            r#"{"choices":[{"index":0,"finish_reason":"a"},{"index":2,"finish_reason":"b"}]}"#,
            Marks { ended: 5, ..one },
        ),
        (r#"{"choices":[{"index":0,"finish_reason":"a"},{"index":2}]}"#, one),
        (r#"{"choices":[{"index":127,"finish_reason":"a"}]}"#, Marks { ended: 1 << 127, ..one }),
        (r#"{"choices":[{"index":128,"finish_reason":"a"}]}"#, some),
        (r#"{"choices":[{"index":-1,"finish_reason":"a"}]}"#, some),
        (r#"{"choices":[{"index":0,"finish_reason":null}]}"#, some),
        (r#"{"choices":[{"index":0,"finish_reason":""}]}"#, some),
        (r#"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#, Marks::default()),
        (r#"{"candidates":[]}"#, Marks::default()),
        (r#"{"choices":[{"delta":{"finish_reason":"stop"}}]}"#, some),
        (r#"{"choices":[1]}"#, some),
        (r#"{"choices":["x"]}"#, some),
        (r#"{"choices":[[]]}"#, some),
        (r#"{"choices":[ ]}"#, Marks::default()),
        (r#"{"choices":{}}"#, Marks::default()),
        (r#"{"a":{"choices":[]}}"#, Marks::default()),
        (r#"{"choices":[{}],"choices":[]}"#, some),
        (r#"{"type":"response.completed"}"#, kind(Kind::ResponseOver)),
        (r#"{"type":"response.incomplete"}"#, kind(Kind::ResponseOver)),
        (r#"{"type":"response.failed"}"#, kind(Kind::ResponseOver)),
        (r#"{"type":"response.in_progress"}"#, kind(Kind::Generated)),
        (r#"{"type":"content_block_delta"}"#, kind(Kind::Generated)),
        (r#"{"type":"ping"}"#, Marks::default()),
        (r#"{"choices":[{"finish_reason":"null"}]}"#, some),
        (r#"{"choices":[{"finish_reason":0}]}"#, some),
        (r#"{"choices":[{"finish_reason":-0.0}]}"#, some),
        (r#"{"choices":[{"finish_reason":[]}]}"#, some),
        (r#"{"choices":[{"finish_reason":"st\u006fp"}]}"#, some),
        (r#"{"choices":[{"finish_reason":2}]}"#, one),
        (r#"{"candidates":[{"finishReason":"finish_reason_unspecified"}]}"#, Marks::default()),
        (r#"{"promptFeedback":{"blockReason":0}}"#, Marks::default()),
        (r#"{"delta":{"stop_reason":"None"}}"#, Marks::default()),
        (
            r#"{"choices":[{"index":1,"delta":{"role":"a","content":"x"}}]}"#,
            Marks { goes_on: 2, has_text: true, ..some },
        ),
        (
            r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#,
            Marks { has_text: true, ..one },
        ),
        (r#"{"choices":[{"index":0,"delta":{"role":"a","content":""},"finish_reason":null}]}"#, some),
        (r#"{"choices":[{"text":"\n"}]}"#, Marks { goes_on: 1, has_text: true, ..some }),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}"#,
            Marks { goes_on: 1, has_text: true, ..Marks::default() },
        ),
        (r#"{"type":"message_stop"}"#, kind(Kind::MessageStop)),
        (r#"{"a":{"type":"message_stop"}}"#, Marks::default()),
        (r#"{"delta":{"stop_reason":"end_turn"}}"#, stopped),
        (r#"{"delta":{"stop_reason":null}}"#, Marks::default()),
        (r#"{"message":{"stop_reason":"end_turn"}}"#, Marks::default()),
        (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, stopped),
    ] {
        for piece in [1, 3, 1000] {
            assert_eq!(picked(text, piece).1, [expected], "{text}");
            let twice = format!("{text}{text}");
            assert_eq!(picked(&twice, piece).1, [expected, expected], "{text}");
            let in_array = Marks { is_in_array: true, ..expected };
            assert_eq!(picked(&format!("[{text},\r\n{text}]"), piece).1, [in_array, in_array], "{text}");
        }
    }
}

#[test]
fn an_empty_list_is_one_that_has_come_to_its_end() {
    let mut picker = JsonPicker::default();
    assert!(picker.feed(br#"{"usage":{"a":1},"choices":["#).is_none());
    assert!(!picker.take_marks().has_choices);
}

#[test]
fn a_value_that_is_too_long_is_not_kept() {
    let long = format!("{{\"usage\":\"{}\",\"model\":\"m\"}}", "x".repeat(3 * MOST));
    let (found, _) = picked(&long, 100);
    assert_eq!((&found[0], found[3].as_deref()), (&None, Some("\"m\"")));
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_read_the_same(bytes: Vec<u8>, piece in 1_usize..9) {
        let (mut whole, mut cut) = (JsonPicker::default(), JsonPicker::default());
        let feed = |picker: &mut JsonPicker, piece: &[u8]| {
            let mut rest = piece;
            while let Some(behind) = picker.feed(rest) {
                rest = behind;
            }
        };
        feed(&mut whole, &bytes);
        bytes.chunks(piece).for_each(|piece| feed(&mut cut, piece));
        // What is left of a key that is whole is of no interest.
        let key = |picker: &JsonPicker| picker.in_string.then_some(picker.key_length);
        assert_eq!(
            (whole.depth, whole.in_string, key(&whole), whole.last_key, whole.marks),
            (cut.depth, cut.in_string, key(&cut), cut.last_key, cut.marks)
        );
    }
}
