//! The bodies of the fuzz targets, as properties that hold on the stable toolchain, and their corpora.

use proptest::prelude::*;
use strongroom_testkit::corpus::replay;

#[path = "fuzz/dotenv.rs"]
mod dotenv;
#[path = "fuzz/event_stream.rs"]
mod event_stream;
#[path = "fuzz/gateway_path.rs"]
mod gateway_path;
#[path = "../../http1/tests/fuzz/pieces.rs"]
mod pieces;
#[path = "fuzz/request_body.rs"]
mod request_body;

/// Generates values beside the figures that decide the price, or look like it.
fn terms() -> impl Strategy<Value = String> {
    let tier = r#""service_tier": ?("(default|flex|auto|scale|[a-z]{0,60})"|null|7|\{"a":1\}),"#;
    let action = r#"(,"action":\{"type":"(search|open_page)"\})?"#;
    let item =
        format!(r#"\{{"type":"(web_search_call|file_search_call|shell_call|message|x_call)"{action}\}}"#);
    let output = format!(
        r#""output":\[({item}(,{item})?)?\],("tools":\[\{{"type":"(web_search_preview|code_interpreter)"\}}\],)?"#
    );
    let searches = r#""tool_usage": ?\{"web_search": ?\{"num_requests": ?(-?[0-9]{1,12}|null|"1")\}\},"#;
    prop_oneof![
        4 => Just(String::new()),
        2 => tier,
        2 => proptest::string::string_regex(&output).expect("an expression"),
        1 => searches,
        1 => Just(r#""candidates":[{"groundingMetadata":{"webSearchQueries":["","a"],"groundingChunks":[{"maps":{}}]}}],"#.to_owned()),
        1 => Just(r#""choices":[{"delta":{"executed_tools":[{"index":0,"type":"search"},{"index":99,"name":"x"}]}}],"#.to_owned()),
    ]
}

/// Lines of an event stream, of JSON that providers might write and of what they never would.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let figures = r#"\{("(prompt_tokens|input_tokens|output_tokens|completion_tokens|total_tokens|promptTokenCount|candidatesTokenCount|cost)": ?(-?[0-9]{1,20}(\.[0-9]{1,3})?|null|"[0-9]{1,3}"),){0,3}"x":(null|\[1,\{\}\])\}"#;
    let usage = prop_oneof![
        2 => Just("null".to_owned()),
        1 => Just("{}".to_owned()),
        1 => Just("7".to_owned()),
        6 => figures,
        4 => Just(r#"{"prompt_tokens":3,"completion_tokens":2}"#.to_owned()),
        2 => Just(r#"{"input_tokens":3,"output_tokens":2}"#.to_owned()),
        2 => Just(r#"{"promptTokenCount":3,"candidatesTokenCount":2}"#.to_owned()),
    ];
    let reason =
        prop_oneof![Just("null"), Just("\"stop\""), Just("\"\""), Just("\"FINISH_REASON_UNSPECIFIED\"")];
    let answer = ("(finish_reason|finishReason)", reason, 0_u8..3, "[a-z:{,]{0,6}").prop_map(
        |(name, reason, index, text)| {
            format!(r#"{{"index":{index},"delta":{{"content":"{text}"}},"{name}":{reason}}}"#)
        },
    );
    let answers = proptest::collection::vec(answer, 0..3).prop_map(|answers| answers.join(","));
    let name = prop_oneof![
        6 => Just("\"usage\""),
        1 => Just("\"us\\u0061ge\""),
        1 => Just("\"usageMetadata\""),
        1 => Just("\"usag\""),
    ];
    // A line feed is where the text is cut into lines of data.
    let chunk = (usage.clone(), "[ \n]?", name, "(choices|candidates|\\\\u0063hoices)", answers, terms())
        .prop_map(|(usage, gap, name, list, answers, terms)| {
            format!(r#"{{"{list}":[{answers}],{terms}{gap}{name}{gap}:{gap}{usage},"model":"m"}}"#)
        });
    let event = (
        usage.clone(),
        "(response|message|x_groq)",
        "(response\\.(completed|in_progress)|message_(start|delta|stop))",
        "(null|\"end\")",
        terms(),
    )
        .prop_map(|(usage, envelope, kind, reason, terms)| {
            format!(
                r#"{{"type":"{kind}","{envelope}":{{{terms}"usage":{usage}}},"delta":{{"stop_reason":{reason}}}}}"#
            )
        });
    let text = prop_oneof![chunk, event];
    let lines = (text, "data: ?").prop_map(|(text, name)| {
        text.split('\n').map(|line| format!("{name}{line}")).collect::<Vec<_>>().join("\n")
    });
    let line = prop_oneof![
        4 => lines,
        1 => Just("event: message".to_owned()),
        1 => Just(": aside".to_owned()),
        1 => Just(String::new()),
        1 => Just("data: [DONE]".to_owned()),
        1 => Just("data".to_owned()),
        1 => "\\PC{0,20}",
    ];
    let lines = |lines, end: &'static str| {
        let text = |(line, blank): (String, bool)| format!("{line}\n{}", if blank { "\n" } else { "" });
        proptest::collection::vec((lines, proptest::bool::weighted(0.8)).prop_map(text), 0..6)
            .prop_map(move |lines| lines.concat().replace('\n', end).into_bytes())
    };
    let mixed = (
        prop_oneof![Just("\n"), Just("\n\n"), Just("\r\n"), Just("\r\n\r\n"), Just("\r"), Just("")],
        line.clone(),
    )
        .prop_map(|(end, line)| line + end);
    let mixed = proptest::collection::vec(mixed, 0..6).prop_map(|lines| lines.concat().into_bytes());
    let bytes = prop_oneof![
        2 => lines(line.clone().boxed(), "\n"),
        1 => lines(line.clone().boxed(), "\r\n"),
        1 => lines(line.boxed(), "\r"),
        1 => mixed,
        1 => proptest::collection::vec(any::<u8>(), 0..300),
    ];
    let mark = prop_oneof![3 => Just("".as_bytes()), 1 => Just("\u{feff}".as_bytes()), 1 => Just(b"\xef\xbb".as_slice())];
    (any::<u8>(), any::<u8>(), mark, bytes)
        .prop_map(|(kind, cut, mark, bytes)| [&[kind, cut], mark, bytes.as_slice()].concat())
}

/// Bodies of requests, most of which have fields that matter.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,3}(\\.[05])?",
        "\"(text|file|function|web_search|base64|m|[a-z\\\\]{0,3}|\\\\u00[46][0-9a-f])\"",
    ];
    let key = "\"(model|stream|stream_options|include_usage|messages|content|type|tools|n|prompt|input|max_tokens|generation_config|maxOutputTokens|contents|parts|source|background|m\\\\u006fdel|[a-zA-Z]{0,2})\"";
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        let list =
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
        let object = proptest::collection::vec((key, "[ ]?", inner), 0..4).prop_map(|members| {
            let members: Vec<_> =
                members.into_iter().map(|(key, gap, value)| format!("{key}{gap}:{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![list, object]
    });
    let body = proptest::collection::vec((key, value), 0..6).prop_map(|members| {
        let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    (any::<u8>(), body).prop_map(|(which, body)| [&[which], body.as_bytes()].concat())
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
    fn a_request_is_json_and_changes_where_it_must(data in request()) {
        request_body::foreign(&data);
    }

    #[test]
    fn a_path_of_the_gateway_has_one_spelling(
        path in "/(openai/v1|gemini/v1beta|anthropic/v1|openrouter/api/v1|groq/openai/v1|v1|v1beta)/((chat/completions|responses|embeddings|messages|messages/count_tokens|models)|models/[a-zA-Z0-9.:@+_-]{1,8}(:generateContent|:countTokens|/[a-z.]{1,4})?|[a-z/.%:\\\\]{0,30})"
    ) {
        gateway_path::foreign(&path);
    }
}

#[test]
fn every_kept_request_is_json_and_changes_where_it_must() {
    replay("request_body", request_body::foreign);
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
