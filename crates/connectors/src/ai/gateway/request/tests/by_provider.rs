//! Fields that bound a call at one provider and not at another.

use strongroom_model::provider::KNOWN;

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
