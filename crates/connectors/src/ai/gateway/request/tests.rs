//! Bounds of calls, row by row.

mod by_provider;
mod unread;

use http::Method;

use super::*;
use crate::ai::gateway::route_of;

const CHAT: &str = "/openai/v1/chat/completions";
const COMPLETIONS: &str = "/openai/v1/completions";
const RESPONSES: &str = "/openai/v1/responses";
const EMBEDDINGS: &str = "/openai/v1/embeddings";
const MESSAGES: &str = "/anthropic/v1/messages";
const GEMINI: &str = "/gemini/v1beta/models/gemini-2.5-flash:generateContent";
const IMAGES: &str = "/openai/v1/images/generations";
const COUNT_TOKENS: &str = "/anthropic/v1/messages/count_tokens";

fn operation(path: &str) -> Operation {
    let (route, rest) = route_of(path).unwrap();
    route.find(&Method::POST, rest).unwrap().operation
}

fn try_read(path: &str, body: &str) -> Result<RequestFacts, RequestError> {
    RequestFacts::read(operation(path), body.as_bytes())
}

fn read(path: &str, body: &str) -> RequestFacts {
    try_read(path, body).unwrap_or_else(|error| panic!("{error:?}: {body}"))
}

/// The bound at the provider whose native path it is.
fn bound(path: &str, body: &str) -> CallBound {
    let facts = read(path, body);
    let name = path[1..].split('/').next().unwrap();
    facts.bound_at(&Provider::parse(name).unwrap(), facts.model.as_deref())
}

fn written(body: &str) -> i64 {
    body.len() as i64 + FRAME_TOKENS
}

fn of(amount: Option<Amount>) -> Option<i64> {
    amount.map(Amount::get)
}

/// Returns the field for which a body is not bounded.
fn unclear(path: &str, body: &str) -> String {
    let bound = bound(path, body);
    assert_eq!((bound.input, bound.output), (None, None), "{body}");
    bound.unclear.unwrap_or_else(|| panic!("it is understood: {body}")).into()
}

/// Checks that only the model's window bounds a body.
fn is_window(path: &str, body: &str) {
    let bound = bound(path, body);
    assert_eq!(bound.unclear, None, "{body}");
    assert_eq!(bound.input, None, "{body}");
}

#[test]
fn the_bound_is_what_the_request_allows() {
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":50,"n":2}"#;
    let expected = CallBound { answers: Amount::of(2), ..CallBound::of(Some(written(body)), Some(50)) };
    assert_eq!(bound(CHAT, body), expected);
    assert_eq!(read(CHAT, body).model.as_deref(), Some("gpt-4o"));
    let gemini = r#"{"contents":[],"generation_config":{"max_output_tokens":7,"candidateCount":3}}"#;
    let gemini = bound(GEMINI, gemini);
    assert_eq!((of(gemini.output), gemini.answers.get()), (Some(7), 3));
    assert_eq!(of(bound(EMBEDDINGS, r#"{"input":"x"}"#).output), Some(0));
    assert!(!bound(IMAGES, r#"{"model":"dall-e-3","n":10}"#).is_metered);
    assert_eq!(bound(COUNT_TOKENS, r#"{"x":1}"#), CallBound::of(Some(0), Some(0)));
}

// The rows of the table of what was found.

#[test]
fn every_prompt_of_a_completion_is_answered() {
    let prompts = |prompt: &str| bound(COMPLETIONS, &format!(r#"{{"prompt":{prompt},"max_tokens":4000}}"#));
    let thousand = format!("[{}]", vec!["\"a\""; 1000].join(","));
    let bound = prompts(&thousand);
    assert_eq!((of(bound.output), bound.answers.get(), bound.prompts.get()), (Some(4000), 1000, 1000));
    assert_eq!(prompts("\"a\"").answers, Amount::ONE);
    assert_eq!(prompts("[15339, 1917]").answers, Amount::ONE);
    assert_eq!(prompts("[[15339],[1917,2]]").answers.get(), 2);
    assert_eq!(prompts("null").answers, Amount::ONE);
    let best = r#"{"prompt":["a","b"],"n":2,"best_of":5,"max_tokens":3}"#;
    assert_eq!(super::tests::bound(COMPLETIONS, best).answers.get(), 10);
    for odd in [r#"["a",1]"#, r#"[["a"]]"#, "[[[1]]]", "{}", "[true]", "7", "[null,\"a\",{\"x\":1}]"] {
        assert!(unclear(COMPLETIONS, &format!(r#"{{"prompt":{odd}}}"#)).starts_with("prompt"), "{odd}");
    }
    let many = bound_of_inputs(r#"["a","b","c"]"#);
    assert_eq!((many.prompts.get(), of(many.output)), (3, Some(0)));
}

fn bound_of_inputs(input: &str) -> CallBound {
    bound(EMBEDDINGS, &format!(r#"{{"model":"e","input":{input}}}"#))
}

#[test]
fn a_mark_is_found_however_it_is_written() {
    for part in [
        r#"{"type":"image_url","image_url":{"url":"https://x"}}"#,
        r#"{"type":"im\u0061ge_url","im\u0061ge_url":{"url":"https://x"}}"#,
        r#"{"im\u0061ge_url":{"url":"https://x"}}"#,
        r#"{ "type" : "\u0069\u006d\u0061\u0067\u0065\u005f\u0075\u0072\u006c" }"#,
        r#"{"\u0074ype":"input_audio"}"#,
        r#"{"text":"a","type":"file"}"#,
    ] {
        is_window(CHAT, &format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#));
    }
    let said = r#"{"messages":[{"role":"user","content":"an \"image_url\", \"file\" or \"web_search\""}]}"#;
    assert_eq!(of(bound(CHAT, said).input), Some(written(said)));
}

#[test]
fn a_field_of_another_operation_bounds_nothing() {
    for (path, field) in [
        (CHAT, "max_output_tokens"),
        (RESPONSES, "max_tokens"),
        (RESPONSES, "max_completion_tokens"),
        (COMPLETIONS, "max_completion_tokens"),
        (COMPLETIONS, "max_output_tokens"),
        (MESSAGES, "max_completion_tokens"),
        (MESSAGES, "n"),
        (MESSAGES, "max_output_tokens"),
        (GEMINI, "max_tokens"),
        (GEMINI, "maxOutputTokens"),
        (RESPONSES, "n"),
        (EMBEDDINGS, "max_tokens"),
    ] {
        assert_eq!(unclear(path, &format!(r#"{{"model":"m","{field}":1}}"#)), field, "{path}");
    }
}

#[test]
fn a_figure_that_is_there_and_no_whole_number_bounds_nothing() {
    let odd = [
        "\"100000\"",
        "-1",
        "1.5",
        "1e16",
        "9007199254740993",
        "true",
        "[5]",
        "{}",
        "\"\"",
        "-0.5",
        "1e300",
        "99999999999999999999",
    ];
    for odd in odd {
        for (path, field) in [
            (CHAT, "max_tokens"),
            (CHAT, "max_completion_tokens"),
            (CHAT, "n"),
            (COMPLETIONS, "best_of"),
            (RESPONSES, "max_output_tokens"),
            (RESPONSES, "max_tool_calls"),
            (MESSAGES, "max_tokens"),
        ] {
            assert_eq!(unclear(path, &format!(r#"{{"{field}":{odd}}}"#)), field, "{path} {odd}");
        }
        let gemini = format!(r#"{{"generationConfig":{{"candidateCount":{odd}}}}}"#);
        assert_eq!(unclear(GEMINI, &gemini), "generationConfig.candidateCount");
    }
    assert_eq!(
        unclear(CHAT, r#"{"max_tokens":5,"max_completion_tokens":"100000"}"#),
        "max_completion_tokens"
    );
    assert_eq!(unclear(CHAT, r#"{"max_tokens":5,"max_completion_tokens":-1}"#), "max_completion_tokens");
    assert_eq!(unclear(CHAT, r#"{"n":129}"#), "n");
    for (body, output) in [
        (r#"{"max_tokens":5,"max_completion_tokens":9}"#, Some(9)),
        (r#"{"max_tokens":9,"max_completion_tokens":5}"#, Some(9)),
        (r#"{"max_tokens":5,"max_completion_tokens":null}"#, Some(5)),
        (r#"{"max_tokens":5e1}"#, Some(50)),
        (r#"{"max_tokens":50.0}"#, Some(50)),
        (r#"{"max_tokens":null}"#, None),
        // Absent and zero are the same to some decoders.
        (r#"{"max_tokens":0}"#, None),
        (r#"{"max_tokens":7,"max_completion_tokens":0}"#, None),
        ("{}", None),
    ] {
        assert_eq!(of(bound(CHAT, body).output), output, "{body}");
    }
}

#[test]
fn a_field_in_both_of_googles_spellings_bounds_nothing() {
    for (body, field) in [
        (
            r#"{"generationConfig":{"maxOutputTokens":1},"generation_config":{"maxOutputTokens":9}}"#,
            "generationConfig",
        ),
        (r#"{"cachedContent":null,"cached_content":"x"}"#, "cachedContent"),
    ] {
        assert_eq!(try_read(GEMINI, body), Err(RequestError::Twice(field)));
    }
    let inner = r#"{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}"#;
    assert_eq!(unclear(GEMINI, inner), "generationConfig.maxOutputTokens");
    for body in [
        r#"{"generation_Config":{"maxOutputTokens":1}}"#,
        r#"{"GenerationConfig":{"maxOutputTokens":1}}"#,
        r#"{"generationconfig":{"maxOutputTokens":1}}"#,
        r#"{"generation__config":{}}"#,
    ] {
        unclear(GEMINI, body);
    }
    is_window(GEMINI, r#"{"cached_content":"cachedContents/1"}"#);
    is_window(GEMINI, r#"{"contents":[{"parts":[{"inline_data":{}}]}]}"#);
    is_window(GEMINI, r#"{"contents":{"parts":{"inlineData":{}}}}"#);
    is_window(GEMINI, r#"{"tools":[{"google_search":{}}]}"#);
    is_window(GEMINI, r#"{"tools":{"urlContext":{}}}"#);
}

#[test]
fn a_field_in_another_case_is_not_understood_and_one_that_stands_twice_is_refused() {
    for field in [
        "Max_Tokens",
        "MAX_TOKENS",
        "N",
        "Messages",
        "maxTokens",
        "max-tokens",
        " max_tokens",
        "max_tokens\\u0000",
    ] {
        assert!(!unclear(CHAT, &format!(r#"{{"{field}":1}}"#)).is_empty(), "{field}");
    }
    for (body, field) in [
        (r#"{"max_tokens":1,"max_tokens":2}"#, "max_tokens"),
        (r#"{"max_tokens":1,"max_toke\u006es":2}"#, "max_tokens"),
        (r#"{"model":"a","model":"b"}"#, "model"),
        (r#"{"messages":[],"messages":[]}"#, "messages"),
        (r#"{"n":null,"n":5}"#, "n"),
        (r#"{"stream":true,"stream":false}"#, "stream"),
    ] {
        assert_eq!(try_read(CHAT, body), Err(RequestError::Twice(field)), "{body}");
    }
    for (path, body, name) in [
        (
            CHAT,
            r#"{"messages":[{"role":"user","content":"a","content":[{"type":"image_url"}]}]}"#,
            "messages[0].content",
        ),
        (
            CHAT,
            r#"{"messages":[{"content":[{"type":"text","type":"file"}]}]}"#,
            "messages[0].content[0].type",
        ),
        (CHAT, r#"{"tools":[{"type":"function","type":"code_interpreter"}]}"#, "tools[0].type"),
        (
            MESSAGES,
            r#"{"tools":[{"name":"a"},{"type":"custom","type":"web_search_20250305"}]}"#,
            "tools[1].type",
        ),
        (
            MESSAGES,
            r#"{"messages":[{"content":[{"source":{"type":"text","type":"url"}}]}]}"#,
            "messages[0].content[0].source.type",
        ),
        (
            GEMINI,
            r#"{"generationConfig":{"candidateCount":1,"candidateCount":8}}"#,
            "generationConfig.candidateCount",
        ),
        (
            CHAT,
            r#"{"stream_options":{"include_usage":true,"include_usage":false}}"#,
            "stream_options.include_usage",
        ),
    ] {
        assert_eq!(unclear(path, body), name);
    }
}

#[test]
fn what_refers_to_something_of_before_or_runs_at_the_provider_is_not_bounded_by_bytes() {
    for field in [
        r#""previous_response_id":"resp_1""#,
        r#""conversation":"conv_1""#,
        r#""conversation":{"id":"conv_1"}"#,
        r#""input":[{"type":"item_reference","id":"msg_1"}]"#,
        r#""input":[{"type":null,"id":"msg_1"}]"#,
        r#""input":[{"id":"msg_1"}]"#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[]}]"#,
        r#""input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":null}]"#,
        r#""input":[{"type":"compaction","encrypted_content":"x"}]"#,
        r#""input":[{"type":"function_call_output","output":[{"type":"input_image","file_id":"f"}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_file","file_url":"https://x"}]}]"#,
        r#""tools":[{"type":"computer"}]"#,
        r#""tools":[{"type":"shell","environment":{"type":"local"}}]"#,
        r#""tools":[{"type":"computer_use_preview","display_width":1,"display_height":1,"environment":"browser"}]"#,
    ] {
        is_window(RESPONSES, &format!("{{{field}}}"));
    }
    for (path, body, name) in [
        (
            RESPONSES,
            r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#,
            "tools[0].type",
        ),
        (RESPONSES, r#"{"tools":[{"type":"web_search"}]}"#, "tools[0].type"),
        (RESPONSES, r#"{"tools":[{"type":"mcp","server_url":"https://x"}]}"#, "tools[0].type"),
        (RESPONSES, r#"{"tools":[{"type":"image_generation"}]}"#, "tools[0].type"),
        (
            RESPONSES,
            r#"{"tools":[{"type":"shell","environment":{"type":"container_auto"}}]}"#,
            "tools[0].environment.type",
        ),
        (RESPONSES, r#"{"tools":[{"type":"shell","environment":{"skills":[]}}]}"#, "tools[0].environment"),
        (RESPONSES, r#"{"tools":[{"type":"shell","environment":"local"}]}"#, "tools[0]"),
        (RESPONSES, r#"{"tools":[{"environment":null,"type":"shell"}]}"#, "tools[0]"),
        (RESPONSES, r#"{"tools":[{"type":"shell"}]}"#, "tools[0]"),
        (
            RESPONSES,
            r#"{"tools":[{"type":"namespace","name":"n","tools":[{"type":"shell"}]}]}"#,
            "tools[0].tools[0]",
        ),
        (RESPONSES, r#"{"prompt":{"id":"pmpt_1"}}"#, "prompt"),
        (RESPONSES, r#"{"reasoning":{"mode":"pro"}}"#, "reasoning.mode"),
        (
            MESSAGES,
            r#"{"tools":[{"type":"code_execution_20250825","name":"code_execution"}]}"#,
            "tools[0].type",
        ),
        (
            MESSAGES,
            r#"{"tools":[{"name":"web_search","max_uses":1,"type":"web_search_20250305"}]}"#,
            "tools[0].type",
        ),
        (MESSAGES, r#"{"mcp_servers":[]}"#, "mcp_servers"),
        (
            MESSAGES,
            r#"{"context_management":{"edits":[{"type":"compact_20260112"}]}}"#,
            "context_management.edits[0].type",
        ),
        (MESSAGES, r#"{"fallbacks":[{"model":"x"}]}"#, "fallbacks"),
        (CHAT, r#"{"web_search_options":{}}"#, "web_search_options"),
        (CHAT, r#"{"tools":[{"type":"browser_search"}]}"#, "tools[0].type"),
        (CHAT, r#"{"compound_custom":{}}"#, "compound_custom"),
        (CHAT, r#"{"plugins":[{"id":"web"}]}"#, "plugins[0].id"),
        (CHAT, r#"{"models":["a","b"]}"#, "models"),
        (GEMINI, r#"{"tools":[{"mcpServers":[]}]}"#, "tools[0].mcpServers"),
    ] {
        assert_eq!(unclear(path, body), name, "{body}");
    }
    // What the provider says of the end of its loop is a bound.
    let looped = r#"{"tools":[{"type":"web_search"}],"max_tool_calls":3,"max_output_tokens":9}"#;
    let looped = bound(RESPONSES, looped);
    assert_eq!((looped.input, looped.prompts.get(), looped.answers.get()), (None, 5, 5));
    let code = bound(GEMINI, r#"{"tools":[{"codeExecution":{}}]}"#);
    assert_eq!((code.unclear, code.input, code.prompts.get(), code.answers.get()), (None, None, 6, 6));
}

// What stands beside those rows.

#[test]
fn what_nobody_knows_is_named_without_its_value_and_within_bounds() {
    let long = "k".repeat(10_000);
    for (body, name) in [
        (r#"{"sk-live-\u0000é\u001b[31m":"secret"}"#.to_owned(), "sk-live-????31m?".len()),
        (format!(r#"{{"{long}":1}}"#), 40),
    ] {
        let shown = unclear(CHAT, &body);
        assert!(shown.len() <= name.max(40), "{shown}");
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()) && !shown.contains("secret"), "{shown}");
    }
    let inner = format!(r#"{{"messages":[{{"content":[{{"{long}":1}}]}}]}}"#);
    assert!(unclear(CHAT, &inner).starts_with("messages[0].content[0].kkk"));
    let word = r#"{"tools":[{"type":"sk-secret-value"}]}"#;
    assert_eq!(unclear(RESPONSES, word), "tools[0].type");
    let deep = format!(
        r#"{{"messages":[{{"content":{}}}]}}"#,
        r#"[{"content":"#.repeat(30) + "1" + &"}]".repeat(30)
    );
    assert!(unclear(MESSAGES, &deep.replace("1}", "{\"x\":1}}")).len() < 200);
    // The first one is named.
    assert_eq!(unclear(CHAT, r#"{"messages":[],"first":1,"second":2}"#), "first");
}

#[test]
fn kinds_of_values_that_are_not_understood_bound_nothing() {
    for (path, body, name) in [
        (CHAT, r#"{"messages":{}}"#, "messages"),
        (CHAT, r#"{"messages":["a"]}"#, "messages[0]"),
        (CHAT, r#"{"messages":[{"content":{"type":"text"}}]}"#, "messages[0].content"),
        (CHAT, r#"{"messages":[{"content":[{"type":["image_url"]}]}]}"#, "messages[0].content[0].type"),
        (CHAT, r#"{"messages":[{"content":[{"type":"image"}]}]}"#, "messages[0].content[0].type"),
        (CHAT, r#"{"tools":{"type":"function"}}"#, "tools"),
        (CHAT, r#"{"stream":"true"}"#, "stream"),
        (CHAT, r#"{"prompt":["a","b"]}"#, "prompt"),
        (RESPONSES, r#"{"instructions":[{"type":"item_reference","id":"i"}]}"#, "instructions"),
        (CHAT, r#"{"stream":1}"#, "stream"),
        (CHAT, r#"{"stream_options":"x"}"#, "stream_options"),
        (CHAT, r#"{"stream_options":{"include_usage":1}}"#, "stream_options.include_usage"),
        (CHAT, r#"{"modalities":"audio"}"#, "modalities"),
        (GEMINI, r#"{"generationConfig":[]}"#, "generationConfig"),
        (
            GEMINI,
            r#"{"generationConfig":{"responseModalities":[2]}}"#,
            "generationConfig.responseModalities[0]",
        ),
        (MESSAGES, r#"{"thinking":{"type":"boundless"}}"#, "thinking.type"),
        (RESPONSES, r#"{"input":{"type":"message"}}"#, "input"),
    ] {
        assert_eq!(unclear(path, body), name, "{body}");
    }
    let stream = |body| read(CHAT, body).is_stream;
    assert!(stream(r#"{"stream":true}"#) && !stream(r#"{"stream":null}"#) && !stream(r#"{"stream":false}"#));
}

#[test]
fn what_a_request_holds_beside_text_is_bounded_by_the_model() {
    for block in [
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aaaa"}}"#,
        r#"{"type":"document","source":{"type":"url","url":"https://x"}}"#,
        r#"{"type":"document","source":{"type":"file","file_id":"f"}}"#,
        r#"{"type":"document","source":{"data":"x"}}"#,
        r#"{"type":"document","source":{"type":"text","data":"a. b."},"citations":{"enabled":true}}"#,
        r#"{"type":"tool_result","content":[{"type":"image"}]}"#,
        r#"{"type":"tool_result","content":[{"type":"tool_reference","tool_name":"a"}]}"#,
        r#"{"type":"container_upload","file_id":"f"}"#,
        r#"{"type":"web_search_tool_result","content":[{"type":"web_search_result","encrypted_content":"x"}]}"#,
    ] {
        is_window(MESSAGES, &format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#));
        is_window(MESSAGES, &format!(r#"{{"system":[{block}]}}"#));
    }
    for block in [
        r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"},"citations":{"enabled":false}}"#,
        r#"{"type":"document","source":{"type":"content","content":[{"type":"text","text":"a"}]}}"#,
        r#"{"type":"search_result","source":"https://x","title":"t","content":[{"type":"text","text":"a"}]}"#,
        r#"{"type":"tool_use","id":"t","name":"n","input":{"type":"image","image_url":1}}"#,
        r#"{"type":"tool_result","tool_use_id":"t","content":"image"}"#,
    ] {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#);
        let more = if block.contains("tool_use\"") {
            super::expansion::of_structure(br#"{"type":"image","image_url":1}"#)
        } else {
            0
        };
        assert_eq!(of(bound(MESSAGES, &body).input), Some(written(&body) + more), "{body}");
    }
    is_window(CHAT, r#"{"messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}"#);
    is_window(GEMINI, r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","parts":[]}}]}]}"#);
    is_window(MESSAGES, r#"{"container":"container_1"}"#);
    is_window(MESSAGES, r#"{"tools":[{"type":"computer_20250124","name":"computer"}]}"#);
    let framed =
        r#"{"tools":[{"type":"bash_20250124","name":"bash"},{"type":"text_editor_20250728","name":"t"}]}"#;
    let tools = super::expansion::of_structure(&framed.as_bytes()[r#"{"tools":"#.len()..framed.len() - 1]);
    assert_eq!(of(bound(MESSAGES, framed).input), Some(written(framed) + 512 + 1024 + tools));
}

#[test]
fn sealed_text_counts_more_than_its_bytes() {
    let sealed = "\"0123456789\"";
    for (path, body) in [
        (MESSAGES, r#"{"messages":[{"content":[{"type":"thinking","thinking":"","signature":SEALED}]}]}"#),
        (MESSAGES, r#"{"messages":[{"content":[{"type":"redacted_thinking","data":SEALED}]}]}"#),
        (GEMINI, r#"{"contents":[{"parts":[{"text":"","thought_signature":SEALED}]}]}"#),
        (RESPONSES, r#"{"input":[{"type":"reasoning","id":"r","summary":[],"encrypted_content":SEALED}]}"#),
        (CHAT, r#"{"messages":[{"tool_calls":[{"extra_content":SEALED}]}]}"#),
    ] {
        let body = body.replace("SEALED", sealed);
        assert_eq!(of(bound(path, &body).input), Some(written(&body) + 3 * sealed.len() as i64), "{body}");
    }
}

#[test]
fn what_seals_nothing_is_a_reference() {
    for sealed in [r#""""#, "{}", "[]", "null", "0", "false"] {
        let item = format!(r#"{{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":{sealed}}}"#);
        is_window(RESPONSES, &format!(r#"{{"input":[{item}]}}"#));
    }
    // What is sealed in another item seals nothing here.
    let two = r#"{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"reasoning","id":"rs_1","summary":[]}"#;
    is_window(RESPONSES, &format!(r#"{{"input":[{two}]}}"#));
}

#[test]
fn structures_and_characters_count_as_they_may_be_rewritten() {
    let tools = format!(
        r#"[{{"type":"function","function":{{"name":"f","parameters":{{"enum":[{}1e15]}}}}}}]"#,
        "1e15,".repeat(999)
    );
    let body = format!(r#"{{"model":"m","tools":{tools},"messages":[]}}"#);
    let rewritten = tools.len() as i64 + 1000 * ("1000000000000000.0, ".len() - "1e15,".len()) as i64;
    assert!(of(bound(CHAT, &body).input).unwrap() >= rewritten);
    let text = "\u{fdfa}".repeat(1000);
    for (path, body) in [
        (CHAT, format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#)),
        (MESSAGES, format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#)),
        (GEMINI, format!(r#"{{"contents":[{{"parts":[{{"text":"{text}"}}]}}]}}"#)),
        (RESPONSES, format!(r#"{{"input":"{text}"}}"#)),
    ] {
        assert!(of(bound(path, &body).input).unwrap() >= 33_000, "{path:?}");
    }
}

#[test]
fn answers_that_are_not_text_or_written_beside_the_limit_are_bounded_by_the_model() {
    for (path, body) in [
        (CHAT, r#"{"max_tokens":5,"modalities":["text","audio"]}"#),
        (CHAT, r#"{"max_tokens":5,"audio":{"voice":"ash"}}"#),
        (GEMINI, r#"{"generationConfig":{"maxOutputTokens":5,"responseModalities":["TEXT","IMAGE"]}}"#),
    ] {
        let bound = bound(path, body);
        assert_eq!((bound.output, bound.unclear), (None, None), "{body}");
    }
    for (path, body, output) in [
        (MESSAGES, r#"{"max_tokens":100,"thinking":{"type":"enabled","budget_tokens":2000}}"#, 2100),
        (
            GEMINI,
            r#"{"generationConfig":{"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":30}}}"#,
            130,
        ),
        (
            GEMINI,
            r#"{"generationConfig":{"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":-1}}}"#,
            100,
        ),
        (CHAT, r#"{"max_tokens":100,"reasoning":{"max_tokens":50}}"#, 150),
        (CHAT, r#"{"max_tokens":100,"prediction":{"type":"content","content":"abc"}}"#, 100 + 34),
        (CHAT, r#"{"max_tokens":9,"extra_body":{"google":{"thinking_config":{"thinking_budget":5}}}}"#, 14),
        (CHAT, r#"{"max_tokens":9,"modalities":["text"]}"#, 9),
    ] {
        assert_eq!(of(bound(path, body).output), Some(output), "{body}");
    }
}

#[test]
fn a_limit_that_a_provider_does_not_know_bounds_nothing_there() {
    let at = |provider: &str, body: &str| {
        of(read(CHAT, body).bound_at(&Provider::parse(provider).unwrap(), Some("m")).output)
    };
    let newer = r#"{"max_completion_tokens":5}"#;
    let both = r#"{"max_completion_tokens":5,"max_tokens":3}"#;
    for (provider, of_newer) in
        [("openai", Some(5)), ("gemini", Some(5)), ("mistral", None), ("deepseek", None), ("ollama", None)]
    {
        assert_eq!(at(provider, newer), of_newer, "{provider}");
        assert_eq!(at(provider, both), Some(5), "{provider}");
        assert_eq!(at(provider, r#"{"max_tokens":3}"#), Some(3), "{provider}");
    }
}

#[test]
fn a_schema_that_names_its_parts_is_unrolled_by_google() {
    let schema = r##"{"$defs":{"a":{"type":"object"}},"properties":{"x":{"$ref":"#/$defs/a"}}}"##;
    is_window(GEMINI, &format!(r#"{{"generationConfig":{{"responseJsonSchema":{schema}}}}}"#));
    is_window(
        GEMINI,
        &format!(r#"{{"tools":[{{"functionDeclarations":[{{"parametersJsonSchema":{schema}}}]}}]}}"#),
    );
    let chat = format!(
        r#"{{"messages":[],"response_format":{{"type":"json_schema","json_schema":{{"schema":{schema}}}}}}}"#
    );
    let facts = read(CHAT, &chat);
    let at = |provider| of(facts.bound_at(&Provider::of_known(provider), None).input);
    let format = &chat[chat.find(r#"{"type":"json_schema""#).unwrap()..chat.len() - 1];
    assert_eq!(at("openai"), Some(written(&chat) + super::expansion::of_structure(format.as_bytes())));
    assert_eq!(at("gemini"), None);
}

#[test]
fn a_model_that_does_more_than_it_is_asked_bounds_nothing() {
    let body = r#"{"max_tokens":5}"#;
    let at = |model| read(CHAT, body).bound_at(&Provider::of_known("groq"), Some(model));
    for model in [
        "groq/compound",
        "compound-beta",
        "openai/gpt-4o:online",
        "openrouter/auto",
        "o3-deep-research",
        "a@preset/b",
        "groq/Compound",
        "openai/gpt-4o:Online",
        "openai/gpt-4o:online ",
        "openai/gpt-4o:online:free",
        " OpenRouter/auto",
        "openai/o4-mini-deep-Research",
    ] {
        assert_eq!(at(model).unclear.as_deref(), Some("model"), "{model}");
    }
    for model in ["gpt-4o-search-preview", "perplexity/sonar-pro", "perplexity/Sonar"] {
        assert_eq!((at(model).unclear, at(model).input), (None, None), "{model}");
    }
    assert_eq!(of(at("llama-3.1-8b-instant").input), Some(written(body)));
}
