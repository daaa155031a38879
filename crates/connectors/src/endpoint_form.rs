//! Endpoints of each provider: the base that paths of the API are appended to, not one of these paths.

use strongroom_model::provider::Dialect;
use strongroom_model::{Problem, Provider};
use url::Url;

/// Paths of single operations that people copy with the base, longest first.
const OPERATIONS: [&str; 14] = [
    "/chat/completions",
    "/audio/transcriptions",
    "/audio/translations",
    "/audio/speech",
    "/images/generations",
    "/images/edits",
    "/messages/count_tokens",
    "/completions",
    "/responses",
    "/embeddings",
    "/moderations",
    "/messages",
    "/models",
    "/rerank",
];

/// The endpoint as it is stored: without the path of an operation, without a slash at the end of a path, and with or
/// without the version as the provider's API has it. `url` is what the guard made of `text`.
///
/// | provider | base | from |
/// |---|---|---|
/// | openai, groq, openrouter and others of OpenAI's format | ends where `/chat/completions` follows | `…/v1/chat/completions` |
/// | anthropic | ends before `/v1/messages` | `…/v1`, `…/v1/messages` |
/// | gemini | ends before `/v1beta/models` | `…/v1beta`, `…/v1beta/models/M:generateContent` |
///
/// # Errors
/// [`Problem`] on the field `endpoint` when the host is the provider's own and the path is none of its API.
pub fn normalised(provider: &Provider, text: &str, url: &Url) -> Result<String, Problem> {
    let given = url.path().trim_end_matches('/');
    let path = base_path(provider, given);
    let own = provider.base_url();
    if let Some(base) = own.and_then(|base| Url::parse(base).ok())
        && base.host_str() == url.host_str()
        && base.port_or_known_default() == url.port_or_known_default()
    {
        let expected = base.path().trim_end_matches('/');
        if !path.is_empty() && path != expected {
            let own = own.unwrap_or_default();
            return Err(Problem::invalid(
                "endpoint",
                format!(
                    "endpoint must be {own}, which is the base of this provider's API; without one it is the same"
                ),
            ));
        }
        return Ok(with_path(text, url, expected));
    }
    Ok(with_path(text, url, path))
}

fn base_path<'p>(provider: &Provider, given: &'p str) -> &'p str {
    // `…/models/M:generateContent` and `…/models/M` name a model.
    let path = given.rfind("/models/").map_or(given, |at| &given[..at]);
    let path = OPERATIONS.iter().find_map(|operation| path.strip_suffix(operation)).unwrap_or(path);
    let path = path.trim_end_matches('/');
    let versions: &[&str] = match provider.api().dialect {
        Dialect::Anthropic => &["/v1"],
        Dialect::Gemini => &["/v1beta", "/v1alpha", "/v1"],
        Dialect::OpenAi => return without_repetition(path),
    };
    versions.iter().find_map(|version| path.strip_suffix(version)).unwrap_or(path)
}

/// A base with `/v1` twice at its end comes of appending it to one that had it.
fn without_repetition(path: &str) -> &str {
    path.strip_suffix("/v1").filter(|rest| rest.ends_with("/v1")).unwrap_or(path)
}

/// The text itself where nothing changes, so that no other spelling of it is stored.
fn with_path(text: &str, url: &Url, path: &str) -> String {
    let given = url.path();
    if given == path || (path.is_empty() && given == "/") {
        return text.to_owned();
    }
    let mut url = url.clone();
    url.set_path(path);
    let text = String::from(url);
    if path.is_empty() { text.trim_end_matches('/').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_people_copy_becomes_the_base() {
        for (provider, base, written) in [
            (
                "openai",
                "https://api.openai.com/v1",
                &["", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/responses", "/v1/v1"][..],
            ),
            ("groq", "https://api.groq.com/openai/v1", &["", "/openai/v1", "/openai/v1/chat/completions"]),
            ("openrouter", "https://openrouter.ai/api/v1", &["", "/api/v1", "/api/v1/chat/completions"]),
            (
                "anthropic",
                "https://api.anthropic.com",
                &["", "/", "/v1", "/v1/messages", "/v1/messages/count_tokens", "/v1/models"],
            ),
            (
                "gemini",
                "https://generativelanguage.googleapis.com",
                &["", "/v1beta", "/v1", "/v1beta/models", "/v1beta/models/gemini-x:generateContent"],
            ),
        ] {
            let provider = Provider::parse(provider).unwrap();
            let known = Url::parse(base).unwrap();
            for path in written {
                let text = format!("https://{}{path}", known.host_str().unwrap());
                let stored = normalised(&provider, &text, &Url::parse(&text).unwrap()).unwrap();
                assert_eq!(stored.trim_end_matches('/'), base, "{text}");
                let again = normalised(&provider, &stored, &Url::parse(&stored).unwrap()).unwrap();
                assert_eq!(again, stored, "{text}");
            }
            let odd = format!("https://{}/odd", known.host_str().unwrap());
            let problem = normalised(&provider, &odd, &Url::parse(&odd).unwrap()).unwrap_err();
            assert!(problem.message.contains(base), "{problem}");
        }
    }

    #[test]
    fn an_address_of_ones_own_keeps_its_path() {
        for (provider, written, stored) in [
            ("openai", "https://proxy.example/", "https://proxy.example/"),
            ("openai", "https://proxy.example", "https://proxy.example"),
            ("openai", "https://proxy.example/v1/", "https://proxy.example/v1"),
            ("openai", "https://proxy.example/openai/v1/chat/completions", "https://proxy.example/openai/v1"),
            ("my-llm", "http://10.0.0.7:8000/v1/completions", "http://10.0.0.7:8000/v1"),
            ("my-llm", "http://10.0.0.7:8000/chat/completions", "http://10.0.0.7:8000"),
            ("my-llm", "https://llm.example/a%20b/v1", "https://llm.example/a%20b/v1"),
            ("anthropic", "https://proxy.example/anthropic/v1/messages", "https://proxy.example/anthropic"),
            ("anthropic", "https://proxy.example/v1", "https://proxy.example"),
            (
                "gemini",
                "https://proxy.example/gemini/v1beta/models/m:streamGenerateContent",
                "https://proxy.example/gemini",
            ),
        ] {
            let provider = Provider::parse(provider).unwrap();
            assert_eq!(
                normalised(&provider, written, &Url::parse(written).unwrap()).unwrap(),
                stored,
                "{written}"
            );
        }
    }
}
