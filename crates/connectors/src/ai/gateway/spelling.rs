//! Other spellings of gateway paths: with `/v1` left out or written twice, and what to say when it is none.
//!
//! What is found here is a path of the list, byte by byte: nothing is decoded, and only whole beginnings are exchanged.

use http::Method;

use strongroom_model::provider::{KNOWN, KnownProvider};

use super::operation::{Dialect, MODEL, Route, has_verb, route_of};

/// Beginnings that libraries and people write for the unified API, and the one of ours that is meant; those of providers'
/// native paths stand in their files. The first whose path is let through counts.
const BEGINNINGS: [(&str, &str); 4] =
    [("/v1/v1/", "/v1/"), ("/v1/v1beta/", "/v1beta/"), ("/v1beta/v1beta/", "/v1beta/"), ("/", "/v1/")];

/// First segments of the unified API.
const FIRST: [&str; 2] = ["v1", "v1beta"];
/// Paths without any beginning.
const BARE: &[&str] =
    &["/chat/completions", "/responses", "/embeddings", "/messages", "/messages/count_tokens"];

/// Segments of paths that providers have and that are closed here: they lead to keys, accounts and stored things, or to what
/// is spent later.
const CLOSED: &[&str] = &[
    "admin_api_keys",
    "agents",
    "api_keys",
    "assistants",
    "auth",
    "batches",
    "cachedContents",
    "caches",
    "certificates",
    "checkpoints",
    "client_secrets",
    "containers",
    "conversations",
    "corpora",
    "credits",
    "evals",
    "files",
    "fine_tuning",
    "generation",
    "interactions",
    "invites",
    "jobs",
    "key",
    "keys",
    "operations",
    "organization",
    "organizations",
    "projects",
    "realtime",
    "sessions",
    "skills",
    "threads",
    "tunedModels",
    "uploads",
    "usage",
    "users",
    "vector_stores",
    "videos",
    "webhooks",
    "workspaces",
];

/// The longest path that is repeated in a refusal, in characters.
const MAX_SHOWN: usize = 120;
/// The longest path that is compared with those that are let through, in bytes.
const MAX_COMPARED: usize = 200;

/// Tells whether a path is the gateway's to answer, let through or not.
#[must_use]
pub fn is_gateways(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_ours = FIRST.contains(&first) || provider_of(first).is_some();
    path.starts_with('/') && (is_ours || BARE.contains(&without_empty(path).as_str()))
}

/// The provider whose paths begin with this segment: its name, or another one that people give it.
fn provider_of(first: &str) -> Option<&'static KnownProvider> {
    KNOWN.iter().find(|known| known.name == first || known.aliases.contains(&first))
}

/// The path without empty segments.
fn without_empty(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    for part in path.chars() {
        if part != '/' || !kept.ends_with('/') {
            kept.push(part);
        }
    }
    kept
}

fn is_let_through(method: &Method, path: &str) -> bool {
    route_of(path).is_some_and(|(route, rest)| route.find(method, rest).is_some())
}

/// The path that is meant by one that is not let through as it stands: with another beginning, and for calls also without the
/// empty segments that a base URL with a slash at its end makes. `None` when it is no other spelling of one.
#[must_use]
pub fn meant(method: &Method, path: &str) -> Option<String> {
    if path.len() > MAX_COMPARED {
        return None;
    }
    let plain = without_empty(path);
    if plain != path && *method != Method::POST {
        return None;
    }
    if plain != path && is_let_through(method, &plain) {
        return Some(plain);
    }
    let candidates = beginnings().filter_map(|(written, ours)| {
        let rest = plain.strip_prefix(written)?;
        Some(format!("{ours}{rest}"))
    });
    candidates.into_iter().find(|path| is_let_through(method, path))
}

/// All beginnings, each with the one that is meant.
fn beginnings() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.iter().flat_map(|known| known.spellings).chain(&BEGINNINGS).copied()
}

/// The shape in which a path is refused.
#[must_use]
pub fn dialect_of(path: &str) -> Dialect {
    let speaks_openai =
        path.contains("openai/") || path.ends_with("/chat/completions") || path.ends_with("/embeddings");
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if let Some(known) = provider_of(first) {
        return if known.openai_below.is_some() && speaks_openai {
            Dialect::OpenAi
        } else {
            known.api.dialect
        };
    }
    match first {
        "messages" => Dialect::Anthropic,
        "v1beta" if !speaks_openai => Dialect::Gemini,
        "v1" => route_of(path).map_or(Dialect::OpenAi, |(route, rest)| route.dialect(rest)),
        _ => Dialect::OpenAi,
    }
}

/// The reason why a path is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The method and the path that was asked for, short and printable.
    pub asked: String,
    /// The one of the list that it is most like.
    pub nearest: String,
    /// True when the provider has it and it is closed here; else it is taken for a slip.
    pub is_forbidden: bool,
}

/// Says of a path that is not let through why, and what is near.
#[must_use]
pub fn closed(method: &Method, path: &str) -> Closed {
    let shown: String =
        path.chars().take(MAX_SHOWN).map(|part| if part.is_ascii_graphic() { part } else { '?' }).collect();
    let dots = if path.chars().nth(MAX_SHOWN).is_some() { "…" } else { "" };
    let compared: String = without_empty(path).chars().take(MAX_SHOWN).collect();
    let is_closed = compared.split(['/', ':']).any(|segment| CLOSED.contains(&segment));
    let is_below = lists().any(|(base, route)| {
        route.entries().iter().any(|entry| {
            let full = format!("{base}{}", entry.path);
            let is_same = full == compared && !has_verb(entry, method);
            let is_list = entry.path.ends_with("models");
            is_same || !is_list && compared.strip_prefix(&full).is_some_and(|below| below.starts_with('/'))
        })
    });
    let is_other_method = *method != Method::GET && *method != Method::POST;
    Closed {
        asked: format!("{method} {shown}{dots}"),
        nearest: nearest(method, &compared),
        is_forbidden: is_closed || is_below || is_other_method,
    }
}

/// Every list, with the beginning of its paths.
fn lists() -> impl Iterator<Item = (&'static str, Route)> {
    KNOWN.iter().map(|known| (known.gateway_prefix, Route::Native(known.name))).chain([("/", Route::Unified)])
}

fn nearest(method: &Method, path: &str) -> String {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    // Another provider's path is not what was meant.
    let of_provider = |base: &str| match provider_of(first) {
        Some(known) => base == known.gateway_prefix,
        None => base == "/",
    };
    let model = path.split_once("models/").map(|(_, rest)| rest.split(':').next().unwrap_or(rest));
    let all = lists().filter(|(base, _)| of_provider(base)).flat_map(|(base, route)| {
        route.entries().iter().map(move |entry| {
            let written = model.filter(|model| !model.is_empty()).unwrap_or(MODEL);
            let distance = distance(path, &format!("{base}{}", entry.path.replace(MODEL, written)));
            let full = format!("{} {base}{}", entry.verb.as_str(), entry.path);
            ((distance, !has_verb(entry, method)), full)
        })
    });
    all.min_by_key(|(order, _)| *order).map_or_else(String::new, |(_, full)| full)
}

/// The number of single letters in which two texts differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_leads_to_the_path_that_is_meant() {
        for (written, expected) in [
            ("/anthropic/messages", "/anthropic/v1/messages"),
            ("/anthropic/messages/count_tokens", "/anthropic/v1/messages/count_tokens"),
            ("/anthropic/v1/v1/messages", "/anthropic/v1/messages"),
            ("/anthropic//v1/messages", "/anthropic/v1/messages"),
            ("/gemini/models/gemini-x:generateContent", "/gemini/v1beta/models/gemini-x:generateContent"),
            ("/gemini/models/gemini-x:embedContent", "/gemini/v1beta/models/gemini-x:embedContent"),
            ("/gemini/v1beta/v1beta/models/x:countTokens", "/gemini/v1beta/models/x:countTokens"),
            ("/gemini/v1beta//models/x:countTokens", "/gemini/v1beta/models/x:countTokens"),
            ("/gemini/chat/completions", "/gemini/v1beta/openai/chat/completions"),
            ("/gemini/openai/chat/completions", "/gemini/v1beta/openai/chat/completions"),
            ("/groq/chat/completions", "/groq/openai/v1/chat/completions"),
            ("/groq/v1/chat/completions", "/groq/openai/v1/chat/completions"),
            ("/groq/openai/v1/openai/v1/chat/completions", "/groq/openai/v1/chat/completions"),
            ("/groq/audio/transcriptions", "/groq/openai/v1/audio/transcriptions"),
            ("/openai/chat/completions", "/openai/v1/chat/completions"),
            ("/openai/responses", "/openai/v1/responses"),
            ("/openai/v1/v1/chat/completions", "/openai/v1/chat/completions"),
            ("/openai//v1/chat/completions", "/openai/v1/chat/completions"),
            ("/openai/v1//chat/completions", "/openai/v1/chat/completions"),
            ("//openai/v1/chat/completions", "/openai/v1/chat/completions"),
            ("/openrouter/chat/completions", "/openrouter/api/v1/chat/completions"),
            ("/openrouter/v1/chat/completions", "/openrouter/api/v1/chat/completions"),
            ("/v1/v1/chat/completions", "/v1/chat/completions"),
            ("//v1/chat/completions", "/v1/chat/completions"),
            ("/v1//chat/completions", "/v1/chat/completions"),
            ("/chat/completions", "/v1/chat/completions"),
            ("//chat//completions", "/v1/chat/completions"),
            ("/messages", "/v1/messages"),
            ("/v1/v1beta/models/x:generateContent", "/v1beta/models/x:generateContent"),
        ] {
            assert_eq!(meant(&Method::POST, written).as_deref(), Some(expected), "{written}");
            assert!(is_gateways(written), "{written}");
        }
        assert_eq!(meant(&Method::GET, "/openai/models").as_deref(), Some("/openai/v1/models"));
        assert_eq!(meant(&Method::GET, "/anthropic/models").as_deref(), Some("/anthropic/v1/models"));
    }

    #[test]
    fn what_is_closed_stays_closed_under_every_beginning() {
        for (written, ours) in beginnings() {
            for base in [written, ours, "/openai//", "/groq/openai/v1//"] {
                for path in [
                    "keys",
                    "key",
                    "files",
                    "batches",
                    "organization/admin_api_keys",
                    "realtime/client_secrets",
                    "messages/batches",
                    "cachedContents",
                    "responses/resp_1",
                    "models/../files",
                    "models/x%2fy",
                    "chat%2fcompletions",
                    "chat/completions/",
                    "chat/completions/..",
                    "v1/files",
                ] {
                    let path = format!("{base}{path}");
                    for method in [Method::GET, Method::POST, Method::DELETE] {
                        assert_eq!(meant(&method, &path), None, "{method} {path}");
                    }
                }
            }
        }
        assert_eq!(meant(&Method::DELETE, "/openai/models/gpt-4o"), None);
        assert_eq!(meant(&Method::POST, "/elsewhere/chat/completions"), None);
    }

    #[test]
    fn a_refusal_names_the_path_and_the_nearest_one() {
        for (method, path, nearest, is_forbidden) in [
            (Method::POST, "/openai/v1/chat/completion", "POST /openai/v1/chat/completions", false),
            (Method::POST, "/openai/v2/chat/completions", "POST /openai/v1/chat/completions", false),
            (Method::POST, "/anthropic/v1/mesages", "POST /anthropic/v1/messages", false),
            (Method::POST, "/v1/chat/complete", "POST /v1/chat/completions", false),
            (
                Method::POST,
                "/gemini/v1beta/models/gemini-x:generateContents",
                "POST /gemini/v1beta/models/{model}:generateContent",
                false,
            ),
            (Method::POST, "/openai/v1/files", "", true),
            (Method::GET, "/openai/v1/responses/resp_1", "", true),
            (Method::DELETE, "/openai/v1/models/gpt-4o", "", true),
            (Method::GET, "/openai/v1/chat/completions", "", true),
            (Method::POST, "/gemini/v1beta/cachedContents", "", true),
        ] {
            let closed = closed(&method, path);
            assert_eq!(closed.is_forbidden, is_forbidden, "{path}");
            assert_eq!(closed.asked, format!("{method} {path}"));
            assert!(!closed.nearest.is_empty() && closed.nearest.contains(nearest), "{path}: {closed:?}");
        }
        let long = closed(&Method::POST, &format!("/openai/v1/\u{1b}[31m{}", "x".repeat(5000)));
        assert!(long.asked.len() < 140 && !long.asked.contains('\u{1b}'), "{}", long.asked);
    }

    #[test]
    fn a_refusal_has_the_shape_of_whoever_was_asked() {
        for (path, dialect) in [
            ("/anthropic/mesages", Dialect::Anthropic),
            ("/messages", Dialect::Anthropic),
            ("/gemini/models/x:generate", Dialect::Gemini),
            ("/gemini/chat/completions", Dialect::OpenAi),
            ("/v1beta/x", Dialect::Gemini),
            ("/v1/models/x:generateContent", Dialect::Gemini),
            ("/groq/chat/completion", Dialect::OpenAi),
            ("//openai/x", Dialect::OpenAi),
        ] {
            assert_eq!(dialect_of(path), dialect, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_meant_is_let_through_and_ends_as_it_was_written(
            path in "/{1,2}((openai|anthropic|gemini|openrouter|groq|api|v1|v1beta|models|chat|completions|messages|files|keys|x:generateContent|%2e|\\.\\.)/{1,2}){1,5}[a-z]{0,11}",
        ) {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let Some(found) = meant(&method, &path) else { continue };
                assert!(is_let_through(&method, &found), "{path}");
                assert!(!found.contains("//") && !found.contains("..") && !found.contains('%'), "{path}: {found}");
                let last = |path: &str| path.rsplit('/').next().map(str::to_owned);
                assert_eq!(last(&found), last(&path), "{path}: {found}");
            }
        }
    }
}
