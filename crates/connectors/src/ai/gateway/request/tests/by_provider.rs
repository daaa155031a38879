//! Fields that bound a call at one provider and not at another.

use strongroom_model::provider::KNOWN;
use strongroom_model::usage::{Asked, AskedFor, Unpriced};

use super::*;

fn unclear_at(provider: &str, path: &str, body: &str) -> Option<String> {
    let facts = read(path, body);
    facts.bound_at(&Provider::parse(provider).unwrap(), Some("m")).unclear.map(String::from)
}

#[test]
fn a_field_bounds_a_call_only_where_its_provider_documents_it() {
    let with = |field: &str| format!(r#"{{"model":"m","messages":[],"max_tokens":9,{field}}}"#);
    for (field, name, known, unknown) in [
        (
            r#""top_k":3"#,
            "top_k",
            &["openai", "together", "perplexity", "my-llm"][..],
            &["xai", "mistral", "cohere"][..],
        ),
        (
            r#""random_seed":3"#,
            "random_seed",
            &["mistral", "openai"],
            &["xai", "deepseek", "together", "cohere"],
        ),
        (r#""user_id":"a""#, "user_id", &["deepseek"], &["openai", "groq", "xai", "mistral", "my-llm"]),
        (r#""search_mode":"web""#, "search_mode", &["perplexity"], &["openai", "xai", "together"]),
        (r#""output_dtype":"x""#, "output_dtype", &[], &["mistral", "openai", "my-llm"]),
        (r#""web_search_options":{}"#, "web_search_options", &[], &["openai", "perplexity", "xai"]),
        (r#""search_parameters":{}"#, "search_parameters", &[], &["xai", "openai"]),
        (r#""safety_model":"x""#, "safety_model", &[], &["together"]),
        (r#""echo":true"#, "echo", &[], &["together", "openai"]),
        (r#""guardrails":[]"#, "guardrails", &[], &["mistral"]),
        (r#""return_related_questions":true"#, "return_related_questions", &[], &["perplexity"]),
        (
            r#""never_heard_of":1"#,
            "never_heard_of",
            &[],
            &["xai", "deepseek", "together", "perplexity", "mistral", "cohere"],
        ),
    ] {
        for provider in known {
            assert_eq!(unclear_at(provider, CHAT, &with(field)), None, "{provider} {field}");
        }
        for provider in unknown {
            assert_eq!(unclear_at(provider, CHAT, &with(field)).as_deref(), Some(name), "{provider} {field}");
        }
    }
    // A prompt that the provider writes itself may be as long as it likes.
    let bound =
        read(CHAT, &with(r#""prompt_mode":"reasoning""#)).bound_at(&Provider::of_known("mistral"), None);
    assert_eq!((bound.input, of(bound.output)), (None, Some(9)));
    let embedding = r#"{"model":"m","input":"x","output_dtype":"float"}"#;
    assert_eq!(unclear_at("mistral", EMBEDDINGS, embedding), None);
    assert_eq!(unclear_at("openai", EMBEDDINGS, embedding).as_deref(), Some("output_dtype"));
    // Nothing says that the limit of an answer holds for what is thought.
    let bound = read(CHAT, &with(r#""n":1"#)).bound_at(&Provider::of_known("grok"), None);
    assert_eq!((bound.unclear, bound.output), (None, None));
}

#[test]
fn an_answer_that_comes_later_is_refused_and_a_field_of_a_provider_stands_once() {
    let later = r#"{"model":"m","messages":[],"deferred":true}"#;
    assert_eq!(try_read(CHAT, later), Err(RequestError::Deferred));
    assert!(try_read(CHAT, r#"{"model":"m","messages":[],"deferred":false}"#).is_ok());
    let twice = r#"{"model":"m","user_id":"a","user_id":"b"}"#;
    assert_eq!(try_read(CHAT, twice), Err(RequestError::Twice("user_id")));
}

fn bound_at(provider: &str, path: &str, body: &str) -> CallBound {
    read(path, body).bound_at(&Provider::parse(provider).unwrap(), Some("m"))
}

#[test]
fn a_file_is_bounded_only_where_its_provider_says_what_becomes_of_it() {
    let chat = |part: &str| {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}],"max_tokens":9}}"#)
    };
    let input = |part: &str| {
        format!(r#"{{"model":"m","input":[{{"role":"user","content":[{part}]}}],"max_output_tokens":9}}"#)
    };
    let message = |block: &str| chat(block);
    let files = [
        (CHAT, chat(r#"{"type":"file","file":{"file_id":"f"}}"#), "messages[0].content[0].type"),
        (CHAT, chat(r#"{"f\u0069le":{"file_data":"x"}}"#), "messages[0].content[0].file"),
        (RESPONSES, input(r#"{"type":"input_file"}"#), "input[0].content[0].type"),
        (RESPONSES, input(r#"{"file_url":"https://x"}"#), "input[0].content[0].file_url"),
        (RESPONSES, input(r#"{"file_data":"x"}"#), "input[0].content[0].file_data"),
        (RESPONSES, input(r#"{"type":"input_image","file_id":"f"}"#), "input[0].content[0].file_id"),
        (
            RESPONSES,
            r#"{"model":"m","input":[{"type":"item_reference","id":"i"}]}"#.to_owned(),
            "input[0].type",
        ),
        (RESPONSES, r#"{"model":"m","input":[{"id":"i"}]}"#.to_owned(), "input[0]"),
        (
            RESPONSES,
            r#"{"model":"m","input":"a","previous_response_id":"r"}"#.to_owned(),
            "previous_response_id",
        ),
    ];
    for (path, body, field) in &files {
        let fitting = bound_at("openai", path, body);
        assert_eq!((fitting.unclear, fitting.input, fitting.asked), (None, None, vec![]), "{body}");
        for provider in ["grok", "mistral", "my-llm"] {
            assert_eq!(bound_at(provider, path, body).unclear.as_deref(), Some(*field), "{provider} {body}");
        }
        let at_a_fee = bound_at("openrouter", path, body);
        assert_eq!((at_a_fee.unclear, at_a_fee.input), (None, None), "{body}");
        let asked = Asked { field: (*field).into(), what: AskedFor::Unpriced(Unpriced::OtherUse) };
        assert_eq!(at_a_fee.asked, [asked], "{body}");
    }
    let pdf = message(
        r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"x"}}"#,
    );
    let image = message(r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"x"}}"#);
    assert_eq!(bound_at("openrouter", MESSAGES, &pdf).asked.len(), 1);
    assert_eq!(bound_at("openrouter", MESSAGES, &image).asked, []);
    for body in [&pdf, &image] {
        let bound = bound_at("anthropic", MESSAGES, body);
        assert_eq!((bound.unclear, bound.input, bound.asked), (None, None, vec![]), "{body}");
    }
}

#[test]
fn a_limit_that_a_provider_is_not_said_to_heed_bounds_nothing() {
    for tool in ["web_search", "code_interpreter", "file_search"] {
        let body = format!(
            r#"{{"model":"m","input":"a","max_output_tokens":9,"max_tool_calls":1,"tools":[{{"type":"{tool}"}}]}}"#
        );
        assert_eq!(unclear_at("openai", RESPONSES, &body), None, "{tool}");
        for provider in ["groq", "openrouter", "grok", "perplexity", "my-llm"] {
            assert!(unclear_at(provider, RESPONSES, &body).is_some(), "{provider} {tool}");
        }
        assert_eq!(unclear_at("groq", RESPONSES, &body).as_deref(), Some("tools[0].type"));
    }
    // Without such a tool it limits nothing, and lengthens nothing.
    let without = r#"{"model":"m","input":"a","max_output_tokens":9,"max_tool_calls":1}"#;
    for (provider, output) in [("openai", Some(9)), ("groq", Some(9)), ("my-llm", Some(9)), ("grok", None)] {
        let bound = bound_at(provider, RESPONSES, without);
        assert_eq!((bound.unclear, of(bound.output)), (None, output), "{provider}");
    }
}

#[test]
fn a_call_is_held_at_the_fee_of_its_refusal_at_the_least() {
    let body = r#"{"model":"m","input":"a"}"#;
    for (provider, fee) in [("grok", 50_000_000), ("openai", 0), ("my-llm", 0)] {
        assert_eq!(bound_at(provider, RESPONSES, body).refusal_fee.get(), fee, "{provider}");
    }
}

#[test]
fn the_fields_of_all_providers_are_found_in_one_table() {
    for known in KNOWN {
        for path in known.api.paths {
            for field in path.adds {
                let found = super::walk::added(path.operation.name, field.name.as_bytes());
                assert_eq!(found, Some(field), "{}: {}", known.name, field.name);
            }
        }
    }
    for (operation, name) in [("chat.completions", "never_heard_of"), ("embeddings", "deferred"), ("", "")] {
        assert_eq!(super::walk::added(operation, name.as_bytes()), None);
    }
}

#[test]
fn the_fields_that_files_name_are_in_the_tables_of_their_dialects() {
    for known in KNOWN {
        for path in known.api.paths {
            let fields = super::table(path.operation).fields;
            for name in path.takes.unwrap_or_default() {
                assert!(
                    fields.iter().any(|field| field.name == *name),
                    "{}: {} {name}",
                    known.name,
                    path.path
                );
            }
            for added in path.adds {
                assert!(
                    !fields.iter().any(|field| field.name == added.name),
                    "{}: {}",
                    known.name,
                    added.name
                );
            }
        }
    }
}
