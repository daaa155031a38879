//! Which paths the gateway lets through: what is not listed here is refused.
//!
//! A pass-through to keys, organisations, client secrets, stored files or deferred batches would hand out keys or spend
//! what nobody counts. Sources: the providers' API references, <https://platform.openai.com/docs/api-reference>,
//! <https://platform.claude.com/docs/en/api/overview>, <https://ai.google.dev/api>, <https://openrouter.ai/docs/api-reference>
//! and <https://console.groq.com/docs/api-reference>.

use http::Method;
use strongroom_model::Provider;

/// Whose shape bodies and errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `{"error":{"message","type","param","code"}}`.
    OpenAi,
    /// `{"type":"error","error":{"type","message"}}`.
    Anthropic,
    /// `{"error":{"code","message","status"}}`.
    Gemini,
}

/// Where an answer tells what it consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meter {
    /// `usage` of chat completions; a stream has it in its last chunk, when asked for.
    Chat,
    /// `usage` of the Responses API.
    Responses,
    /// `usage.prompt_tokens`.
    Embeddings,
    /// `usage` of Anthropic's messages.
    Messages,
    /// `usageMetadata` of Gemini.
    GenerateContent,
    /// It consumes nothing that is charged for.
    Free,
    /// It costs something, and the answer does not tell how much in tokens.
    Unmetered,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// A provider's own API, by its name.
    Own(&'static str),
    /// One API for all providers: the model says which.
    All,
}

/// What a path does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in usage records, such as `chat.completions`.
    pub name: &'static str,
    /// Whose shape it has.
    pub dialect: Dialect,
    /// What it consumes.
    pub meter: Meter,
}

/// A path that may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched<'p> {
    /// What it does.
    pub operation: Operation,
    /// The model, when the path names it.
    pub model: Option<&'p str>,
    pattern: &'static str,
}

impl Matched<'_> {
    /// Whether the path itself says that the answer comes in pieces, as Gemini's does.
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

pub(super) struct Entry {
    pub(super) method: Method,
    /// Below the base URL; `{model}` stands for one segment, or for several on OpenRouter.
    pub(super) path: &'static str,
    operation: Operation,
}

const fn entry(
    method: Method,
    path: &'static str,
    name: &'static str,
    dialect: Dialect,
    meter: Meter,
) -> Entry {
    Entry { method, path, operation: Operation { name, dialect, meter } }
}

const fn openai(path: &'static str, name: &'static str, meter: Meter) -> Entry {
    entry(Method::POST, path, name, Dialect::OpenAi, meter)
}

const fn models(path: &'static str, dialect: Dialect) -> Entry {
    entry(Method::GET, path, "models", dialect, Meter::Free)
}

static OPENAI: &[Entry] = &[
    openai("chat/completions", "chat.completions", Meter::Chat),
    openai("completions", "completions", Meter::Chat),
    openai("responses", "responses", Meter::Responses),
    openai("responses/input_tokens", "responses.input_tokens", Meter::Free),
    openai("embeddings", "embeddings", Meter::Embeddings),
    openai("moderations", "moderations", Meter::Free),
    openai("images/generations", "images", Meter::Unmetered),
    openai("images/edits", "images", Meter::Unmetered),
    openai("images/variations", "images", Meter::Unmetered),
    openai("audio/speech", "audio.speech", Meter::Unmetered),
    openai("audio/transcriptions", "audio.transcriptions", Meter::Unmetered),
    openai("audio/translations", "audio.translations", Meter::Unmetered),
    models("models", Dialect::OpenAi),
    models("models/{model}", Dialect::OpenAi),
];

static ANTHROPIC: &[Entry] = &[
    entry(Method::POST, "v1/messages", "messages", Dialect::Anthropic, Meter::Messages),
    entry(Method::POST, "v1/messages/count_tokens", "messages.count_tokens", Dialect::Anthropic, Meter::Free),
    openai("v1/chat/completions", "chat.completions", Meter::Chat),
    models("v1/models", Dialect::Anthropic),
    models("v1/models/{model}", Dialect::Anthropic),
];

const fn gemini(path: &'static str, name: &'static str, meter: Meter) -> Entry {
    entry(Method::POST, path, name, Dialect::Gemini, meter)
}

static GEMINI: &[Entry] = &[
    gemini("v1beta/models/{model}:generateContent", "generate_content", Meter::GenerateContent),
    gemini("v1beta/models/{model}:streamGenerateContent", "generate_content", Meter::GenerateContent),
    gemini("v1beta/models/{model}:countTokens", "count_tokens", Meter::Free),
    gemini("v1beta/models/{model}:embedContent", "embed_content", Meter::Unmetered),
    gemini("v1beta/models/{model}:batchEmbedContents", "embed_content", Meter::Unmetered),
    gemini("v1beta/models/{model}:predict", "predict", Meter::Unmetered),
    gemini("v1/models/{model}:generateContent", "generate_content", Meter::GenerateContent),
    gemini("v1/models/{model}:streamGenerateContent", "generate_content", Meter::GenerateContent),
    gemini("v1/models/{model}:countTokens", "count_tokens", Meter::Free),
    gemini("v1/models/{model}:embedContent", "embed_content", Meter::Unmetered),
    gemini("v1/models/{model}:batchEmbedContents", "embed_content", Meter::Unmetered),
    models("v1beta/models", Dialect::Gemini),
    models("v1beta/models/{model}", Dialect::Gemini),
    models("v1/models", Dialect::Gemini),
    models("v1/models/{model}", Dialect::Gemini),
    openai("v1beta/openai/chat/completions", "chat.completions", Meter::Chat),
    openai("v1beta/openai/embeddings", "embeddings", Meter::Embeddings),
    models("v1beta/openai/models", Dialect::OpenAi),
    models("v1beta/openai/models/{model}", Dialect::OpenAi),
];

static OPENROUTER: &[Entry] = &[
    openai("chat/completions", "chat.completions", Meter::Chat),
    openai("completions", "completions", Meter::Chat),
    openai("responses", "responses", Meter::Responses),
    openai("embeddings", "embeddings", Meter::Embeddings),
    entry(Method::POST, "messages", "messages", Dialect::Anthropic, Meter::Messages),
    models("models", Dialect::OpenAi),
    models("models/{model}", Dialect::OpenAi),
];

static GROQ: &[Entry] = &[
    openai("chat/completions", "chat.completions", Meter::Chat),
    openai("responses", "responses", Meter::Responses),
    openai("embeddings", "embeddings", Meter::Embeddings),
    openai("audio/speech", "audio.speech", Meter::Unmetered),
    openai("audio/transcriptions", "audio.transcriptions", Meter::Unmetered),
    openai("audio/translations", "audio.translations", Meter::Unmetered),
    models("models", Dialect::OpenAi),
    models("models/{model}", Dialect::OpenAi),
];

/// The door for all providers. Paths are below `/`.
static ALL: &[Entry] = &[
    openai("v1/chat/completions", "chat.completions", Meter::Chat),
    openai("v1/responses", "responses", Meter::Responses),
    openai("v1/embeddings", "embeddings", Meter::Embeddings),
    models("v1/models", Dialect::OpenAi),
    entry(Method::POST, "v1/messages", "messages", Dialect::Anthropic, Meter::Messages),
    entry(Method::POST, "v1/messages/count_tokens", "messages.count_tokens", Dialect::Anthropic, Meter::Free),
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

/// The door of a URL path, and what is behind it: the path below the provider's base URL.
#[must_use]
pub fn door_of(path: &str) -> Option<(Door, &str)> {
    const PREFIXES: &[(&str, Door)] = &[
        ("/openai/v1/", Door::Own("openai")),
        ("/anthropic/", Door::Own("anthropic")),
        ("/gemini/", Door::Own("gemini")),
        ("/openrouter/api/v1/", Door::Own("openrouter")),
        ("/groq/openai/v1/", Door::Own("groq")),
    ];
    if path.starts_with("/v1/") || path.starts_with("/v1beta/") {
        return Some((Door::All, &path[1..]));
    }
    PREFIXES.iter().find_map(|(prefix, door)| Some((*door, path.strip_prefix(prefix)?)))
}

impl Door {
    pub(super) fn entries(self) -> &'static [Entry] {
        match self {
            Self::All => ALL,
            Self::Own("openai") => OPENAI,
            Self::Own("anthropic") => ANTHROPIC,
            Self::Own("gemini") => GEMINI,
            Self::Own("openrouter") => OPENROUTER,
            Self::Own("groq") => GROQ,
            Self::Own(_) => &[],
        }
    }

    /// The path behind this door, if it may be called. It is compared byte by byte, so that nothing that a provider
    /// would read in another way than we do gets through: no percent-encoding, no `..`, no empty segment.
    #[must_use]
    pub fn find<'p>(self, method: &Method, path: &'p str) -> Option<Matched<'p>> {
        let may_have_slashes = self == Self::Own("openrouter");
        self.entries().iter().filter(|entry| entry.method == *method).find_map(|entry| {
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

    /// Whose shape errors have here, also for a path that may not be called.
    #[must_use]
    pub fn dialect(self, path: &str) -> Dialect {
        let of_path = |path: &str| match path {
            _ if path.contains("openai/") => Dialect::OpenAi,
            _ if path.starts_with("v1/messages") => Dialect::Anthropic,
            _ if path.starts_with("v1beta/") => Dialect::Gemini,
            _ if path.starts_with("v1/models/") && path.contains(':') => Dialect::Gemini,
            _ => Dialect::OpenAi,
        };
        match self {
            Self::Own("anthropic") => Dialect::Anthropic,
            Self::Own("gemini") if !path.contains("openai/") => Dialect::Gemini,
            Self::Own(_) => Dialect::OpenAi,
            Self::All => of_path(path),
        }
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

/// Where a provider takes an operation of the door for all, below its base URL; `None` when it has nothing like it.
#[must_use]
pub fn upstream_path(operation: Operation, provider: &Provider) -> Option<&'static str> {
    let path = match (operation.name, provider.as_str()) {
        ("chat.completions", "anthropic") => "v1/chat/completions",
        ("chat.completions", "gemini") => "v1beta/openai/chat/completions",
        ("embeddings", "gemini") => "v1beta/openai/embeddings",
        ("embeddings" | "responses", "anthropic") | ("responses", "gemini") => return None,
        ("chat.completions", _) => "chat/completions",
        ("embeddings", _) => "embeddings",
        ("responses", _) => "responses",
        ("messages", "anthropic") => "v1/messages",
        ("messages", "openrouter") => "messages",
        ("messages.count_tokens", "anthropic") => "v1/messages/count_tokens",
        _ => return None,
    };
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Option<&'static str> {
        let (door, rest) = door_of(path)?;
        door.find(&method, rest).map(|matched| matched.operation.name)
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
        let (door, rest) = door_of("/v1beta/models/gemini-x:generateContent").unwrap();
        assert_eq!(door.find(&Method::POST, rest).unwrap().model, Some("gemini-x"));
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
