//! The bodies of the fuzz targets, as properties that hold on the stable toolchain, and their corpora.

use proptest::prelude::*;
use strongroom_testkit::corpus::replay;

#[path = "fuzz/dotenv.rs"]
mod dotenv;
#[path = "fuzz/event_stream.rs"]
mod event_stream;
#[path = "fuzz/gateway_path.rs"]
mod gateway_path;

/// Lines of an event stream, of JSON that providers might write and of what they never would.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let figures = r#"\{("(prompt_tokens|input_tokens|output_tokens|completion_tokens|total_tokens|cost)": ?-?[0-9]{1,20}(\.[0-9]{1,3})?,){0,3}"x":(null|\[1,\{\}\])\}"#;
    let usage = prop_oneof![Just("null".to_owned()), Just("{}".to_owned()), Just("7".to_owned()), figures];
    let chunk =
        (usage, "[ ]?", "\"[a-z:{,]{0,6}\"", any::<bool>()).prop_map(|(usage, gap, text, is_last)| {
            let choices =
                if is_last { String::new() } else { format!(r#"{{"delta":{{"content":{text}}}}}"#) };
            format!(r#"{{"choices":[{choices}],{gap}"usage"{gap}:{gap}{usage},"model":{text}}}"#)
        });
    let line = prop_oneof![
        chunk.clone().prop_map(|chunk| format!("data: {chunk}")),
        chunk.prop_map(|chunk| format!("data:{chunk}")),
        Just("event: message".to_owned()),
        Just(String::new()),
        Just("data: [DONE]".to_owned()),
        "\\PC{0,20}",
    ];
    let end = prop_oneof![Just("\n"), Just("\n\n"), Just("\r\n"), Just("\r\n\r\n"), Just("\r"), Just("")];
    let text = proptest::collection::vec((line, end), 0..6)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect::<String>().into_bytes());
    let bytes = prop_oneof![4 => text, 1 => proptest::collection::vec(any::<u8>(), 0..300)];
    (any::<u8>(), any::<u8>(), bytes).prop_map(|(kind, cut, bytes)| [&[kind, cut], bytes.as_slice()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn any_dotenv_text_is_read_as_it_is_written(text in r#"(?s)([A-B](=| = |=")["'`\\$#a \t]{0,6}["']?(\n|\r\n|)){0,6}|.{0,80}"#) {
        dotenv::foreign(text.as_bytes());
    }

    #[test]
    fn an_answer_is_read_the_same_however_it_is_cut_and_as_a_parser_reads_it(data in stream()) {
        event_stream::foreign(&data);
    }

    #[test]
    fn a_path_of_the_gateway_has_one_spelling(
        path in "/(openai/v1|gemini/v1beta|anthropic/v1|openrouter/api/v1|groq/openai/v1|v1|v1beta)/((chat/completions|responses|embeddings|messages|messages/count_tokens|models)|models/[a-zA-Z0-9.:@+_-]{1,8}(:generateContent|:countTokens|/[a-z.]{1,4})?|[a-z/.%:\\\\]{0,30})"
    ) {
        gateway_path::foreign(&path);
    }
}

#[test]
fn every_kept_dotenv_text_is_read_as_it_is_written() {
    replay("dotenv", dotenv::foreign);
}

#[test]
fn every_kept_answer_is_read_the_same_however_it_is_cut_and_as_a_parser_reads_it() {
    replay("event_stream", event_stream::foreign);
}

#[test]
fn every_kept_path_of_the_gateway_has_one_spelling() {
    replay("gateway_path", |data| gateway_path::foreign(&String::from_utf8_lossy(data)));
}
