//! Paths that the gateway lets through: any other is refused.
//!
//! A pass-through to keys, organisations, client secrets, stored files or deferred batches would hand out keys or spend
//! what nobody counts. A provider's own paths, with their sources, stand in its file in `crates/model/providers/`.

use http::Method;
use strongroom_model::Provider;
use strongroom_model::provider::{self, ApiPath, KNOWN, Verb};
pub use strongroom_model::provider::{Dialect, Meter, Operation};

/// A way into the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// A provider's own API, by its name.
    Native(&'static str),
    /// One API for all providers: the model says which.
    Unified,
}

/// A path that may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched<'p> {
    /// Its operation.
    pub operation: Operation,
    /// The model, when the path names it.
    pub model: Option<&'p str>,
    pattern: &'static str,
}

impl Matched<'_> {
    /// Tells whether the path itself says that the answer comes in pieces, as Gemini's does.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.pattern.ends_with(":streamGenerateContent")
    }

    /// The path with another model in the place of the one that it names.
    #[must_use]
    pub fn path_with(&self, model: &str) -> String {
        self.pattern.replace(MODEL, model)
    }
}

/// Stands for the model in the path of an entry.
pub(super) const MODEL: &str = "{model}";

const fn entry(
    verb: Verb,
    path: &'static str,
    name: &'static str,
    dialect: Dialect,
    meter: Meter,
) -> ApiPath {
    ApiPath { verb, path, operation: Operation { name, dialect, meter }, takes: None, adds: &[] }
}

const fn openai(path: &'static str, name: &'static str, meter: Meter) -> ApiPath {
    entry(Verb::Post, path, name, Dialect::OpenAi, meter)
}

const fn gemini(path: &'static str, name: &'static str, meter: Meter) -> ApiPath {
    entry(Verb::Post, path, name, Dialect::Gemini, meter)
}

const fn models(path: &'static str, dialect: Dialect) -> ApiPath {
    entry(Verb::Get, path, "models", dialect, Meter::Free)
}

/// The unified API, for all providers. Paths are below `/`.
static UNIFIED: &[ApiPath] = &[
    openai("v1/chat/completions", "chat.completions", Meter::Chat),
    openai("v1/responses", "responses", Meter::Responses),
    openai("v1/embeddings", "embeddings", Meter::Embeddings),
    models("v1/models", Dialect::OpenAi),
    entry(Verb::Post, "v1/messages", "messages", Dialect::Anthropic, Meter::Messages),
    entry(Verb::Post, "v1/messages/count_tokens", "messages.count_tokens", Dialect::Anthropic, Meter::Free),
    gemini("v1beta/models/{model}:generateContent", "generate_content", Meter::GenerateContent),
    gemini("v1beta/models/{model}:streamGenerateContent", "generate_content", Meter::GenerateContent),
    gemini("v1beta/models/{model}:countTokens", "count_tokens", Meter::Free),
    gemini("v1beta/models/{model}:embedContent", "embed_content", Meter::Unmetered),
    gemini("v1beta/models/{model}:batchEmbedContents", "embed_content", Meter::Unmetered),
    // Google's libraries of 2026 speak `v1`.
    gemini("v1/models/{model}:generateContent", "generate_content", Meter::GenerateContent),
    gemini("v1/models/{model}:streamGenerateContent", "generate_content", Meter::GenerateContent),
    gemini("v1/models/{model}:countTokens", "count_tokens", Meter::Free),
    gemini("v1/models/{model}:embedContent", "embed_content", Meter::Unmetered),
    gemini("v1/models/{model}:batchEmbedContents", "embed_content", Meter::Unmetered),
    models("v1beta/models", Dialect::Gemini),
    models("v1beta/models/{model}", Dialect::Gemini),
];

/// Returns the route of a URL path, and what is behind it: the path below the provider's base URL.
#[must_use]
pub fn route_of(path: &str) -> Option<(Route, &str)> {
    if path.starts_with("/v1/") || path.starts_with("/v1beta/") {
        return Some((Route::Unified, &path[1..]));
    }
    KNOWN.iter().find_map(|known| Some((Route::Native(known.name), path.strip_prefix(known.gateway_prefix)?)))
}

impl Route {
    pub(super) fn entries(self) -> &'static [ApiPath] {
        match self {
            Self::Unified => UNIFIED,
            Self::Native(name) => provider::find(name).map_or(&[], |known| known.api.paths),
        }
    }

    /// Finds the path behind this route, if it may be called. It is compared byte by byte, so that nothing that a provider
    /// would read in another way than we do gets through: no percent-encoding, no `..`, no empty segment.
    #[must_use]
    pub fn find<'p>(self, method: &Method, path: &'p str) -> Option<Matched<'p>> {
        let (entries, may_have_slashes) = match self {
            Self::Unified => (UNIFIED, false),
            Self::Native(name) => provider::find(name).map(|it| (it.api.paths, it.models_have_slashes))?,
        };
        entries.iter().filter(|entry| has_verb(entry, method)).find_map(|entry| {
            let model = match entry.path.split_once(MODEL) {
                None => (path == entry.path).then_some(None)?,
                Some((before, after)) => {
                    let model = path.strip_prefix(before)?.strip_suffix(after)?;
                    // Tuned models of OpenAI have them; on Gemini a method follows one.
                    let may_have_colons = after.is_empty() && entry.operation.dialect == Dialect::OpenAi;
                    Some(model).filter(|model| is_model(model, may_have_slashes, may_have_colons))?.into()
                }
            };
            Some(Matched { operation: entry.operation, model, pattern: entry.path })
        })
    }

    /// Returns the dialect of errors here, also for a path that may not be called.
    #[must_use]
    pub fn dialect(self, path: &str) -> Dialect {
        let of_path = |path: &str| match path {
            _ if path.contains("openai/") => Dialect::OpenAi,
            _ if path.starts_with("v1/messages") => Dialect::Anthropic,
            _ if path.starts_with("v1beta/") => Dialect::Gemini,
            _ if path.starts_with("v1/models/") && path.contains(':') => Dialect::Gemini,
            _ => Dialect::OpenAi,
        };
        let Self::Native(name) = self else { return of_path(path) };
        let Some(known) = provider::find(name) else { return Dialect::OpenAi };
        match known.openai_below {
            Some(mark) if path.contains(mark) => Dialect::OpenAi,
            _ => known.api.dialect,
        }
    }
}

/// Tells whether a path is called with this method.
pub(super) fn has_verb(path: &ApiPath, method: &Method) -> bool {
    match path.verb {
        Verb::Get => *method == Method::GET,
        Verb::Post => *method == Method::POST,
    }
}

fn is_model(text: &str, may_have_slashes: bool, may_have_colons: bool) -> bool {
    let is_fine = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte) || (byte == b':' && may_have_colons)
    };
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(is_fine) && !segment.bytes().all(|byte| byte == b'.')
    };
    match may_have_slashes {
        true => text.split('/').all(is_segment),
        false => is_segment(text),
    }
}

/// Returns the path of a provider for an operation of the unified API, below its base URL; `None` when it has nothing like it.
#[must_use]
pub fn upstream_path(operation: Operation, provider: &Provider) -> Option<&'static str> {
    let is_it = |path: &&ApiPath| {
        path.verb == Verb::Post && path.operation == operation && !path.path.contains(MODEL)
    };
    provider.api().paths.iter().find(is_it).map(|path| path.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Option<&'static str> {
        let (route, rest) = route_of(path)?;
        route.find(&method, rest).map(|matched| matched.operation.name)
    }

    #[test]
    fn what_the_clients_call_is_let_through() {
        for (path, name) in [
            ("/openai/v1/chat/completions", "chat.completions"),
            ("/anthropic/v1/messages", "messages"),
            ("/anthropic/v1/messages/count_tokens", "messages.count_tokens"),
            ("/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent", "generate_content"),
            ("/openrouter/api/v1/chat/completions", "chat.completions"),
            ("/groq/openai/v1/audio/transcriptions", "audio.transcriptions"),
            ("/v1/responses", "responses"),
            ("/v1beta/models/gemini-2.5-pro:countTokens", "count_tokens"),
            ("/v1/models/gemini-2.5-pro:generateContent", "generate_content"),
            ("/v1/models/gemini-2.5-pro:streamGenerateContent", "generate_content"),
            ("/v1/models/gemini-embedding-2:batchEmbedContents", "embed_content"),
            ("/gemini/v1/models/gemini-embedding-2:batchEmbedContents", "embed_content"),
        ] {
            assert_eq!(found(Method::POST, path), Some(name), "{path}");
            assert_eq!(found(Method::DELETE, path), None, "{path}");
        }
        assert_eq!(found(Method::GET, "/openai/v1/models/ft:gpt-4o:acme::id"), Some("models"));
        assert_eq!(found(Method::GET, "/openrouter/api/v1/models/meta/llama-3:free"), Some("models"));
        let (route, rest) = route_of("/v1beta/models/gemini-x:generateContent").unwrap();
        assert_eq!(route.find(&Method::POST, rest).unwrap().model, Some("gemini-x"));
    }

    #[test]
    fn what_hands_out_keys_or_spends_uncounted_is_not_and_nothing_gets_around_that() {
        for path in [
            "/openai/v1/organization/admin_api_keys",
            "/openai/v1/files",
            "/openai/v1/batches",
            "/openai/v1/realtime/client_secrets",
            "/openrouter/api/v1/keys",
            "/openrouter/api/v1/key",
            "/anthropic/v1/messages/batches",
            "/anthropic/v1/organizations/api_keys",
            "/gemini/v1beta/cachedContents",
            "/gemini/v1beta/models/gemini-x:batchGenerateContent",
            "/openai/v1/models/../organization/admin_api_keys",
            "/openai/v1/models/..",
            "/openai/v1/models/%2e%2e%2forganization",
            "/openai/v1//chat/completions",
            "/openai/v1/./chat/completions",
            "/openai/v1/chat/completions/",
            "/openai/v1/CHAT/completions",
            "/openai/v1/chat\\completions",
            "/openrouter/api/v1/models/a/../../keys",
            "/openrouter/api/v1/models//keys",
            "/gemini/v1beta/models/a/b:generateContent",
            "/gemini/v1beta/models/x:y:generateContent",
            "/openai/v2/chat/completions",
            "/openaiv1/chat/completions",
            "/v1/files",
        ] {
            for method in [Method::GET, Method::POST] {
                assert_eq!(found(method, path), None, "{path}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_with_anything_unusual_in_it_is_let_through(path in "/(openai/v1|gemini|anthropic|openrouter/api/v1|v1beta)/[a-z/.%:\\\\]{0,30}") {
            for method in [Method::GET, Method::POST] {
                if found(method, &path).is_some() {
                    assert!(!path.contains("..") && !path.contains('%') && !path.contains("//") && !path.contains('\\'));
                }
            }
        }
    }
}
