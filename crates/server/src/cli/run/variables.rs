//! The environment of a command that is to go through the gateway: addresses and keys under every name that clients look for,
//! and nothing that would lead past them. Sources: the clients' own documentation, see `docs/clients.md`.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use strongroom_model::Secret;

use super::environment::compose;

/// Base URLs: the variable, the path behind the server's address, and who looks for it.
const ADDRESSES: &[(&str, &str)] = &[
    ("OPENAI_BASE_URL", "/openai/v1"),
    // LiteLLM and what is built on it, aider, LangChain.
    ("OPENAI_API_BASE", "/openai/v1"),
    ("ANTHROPIC_BASE_URL", "/anthropic"),
    ("ANTHROPIC_API_BASE", "/anthropic"),
    ("ANTHROPIC_API_URL", "/anthropic"),
    ("GOOGLE_GEMINI_BASE_URL", "/gemini"),
    ("GEMINI_API_BASE", "/gemini"),
    // promptfoo.
    ("GOOGLE_API_BASE_URL", "/gemini"),
    ("OPENROUTER_BASE_URL", "/openrouter/api/v1"),
    ("OPENROUTER_API_BASE", "/openrouter/api/v1"),
    // Groq's library appends `/openai/v1`, LiteLLM does not.
    ("GROQ_BASE_URL", "/groq"),
    ("GROQ_API_BASE", "/groq/openai/v1"),
];

/// Variables in which clients look for keys. `GOOGLE_API_KEY` is not among them: with both names set Google's libraries warn, and some take
/// the other one.
const KEYS: &[&str] = &[
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    // ai-sdk, and opencode on it.
    "GOOGLE_GENERATIVE_AI_API_KEY",
    // llm.
    "LLM_GEMINI_KEY",
    "OPENROUTER_API_KEY",
    "GROQ_API_KEY",
];

/// Further variables that are set.
const SWITCHES: &[(&str, &str)] = &[
    // openai-agents sends traces, and the token with them, to api.openai.com whatever the base URL is.
    ("OPENAI_AGENTS_DISABLE_TRACING", "1"),
];

/// Variables that would be taken in place of the above, or sent along with it to an account that it does not belong to.
const SHADOWS: &[&str] = &[
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
    "CODEX_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_VERTEX_BASE_URL",
    "LLM_OPENAI_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_API_TYPE",
    "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT",
    "OPENAI_PROJECT_ID",
    "OR_API_KEY",
];

/// Proxies that a command may have, and the two names of what is not to go through them.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The environment of the command.
pub(super) fn environment(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    base: &str,
    token: &Secret,
) -> Vec<(OsString, OsString)> {
    let kept: Vec<_> =
        inherited.filter(|(name, _)| !SHADOWS.iter().any(|it| name == OsStr::new(it))).collect();
    let mut set: Vec<(String, Secret)> = Vec::new();
    set.extend(
        ADDRESSES.iter().map(|(name, path)| ((*name).to_owned(), Secret::new(format!("{base}{path}")))),
    );
    set.extend(KEYS.iter().map(|name| ((*name).to_owned(), token.clone())));
    set.extend(SWITCHES.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))));
    set.extend(not_through_a_proxy(&kept, base));
    compose(kept.into_iter(), &set)
}

/// A proxy of the house would be asked for this machine's gateway, and be shown the token.
fn not_through_a_proxy(kept: &[(OsString, OsString)], base: &str) -> Vec<(String, Secret)> {
    let find = |name: &str| kept.iter().find(|(it, _)| it == OsStr::new(name)).map(|(_, value)| value);
    let host = url::Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host.filter(|_| PROXIES.iter().any(|name| find(name).is_some())) else {
        return Vec::new();
    };
    let host = host.trim_matches(['[', ']']);
    let mut hosts = BTreeSet::from([host.to_owned()]);
    for name in NO_PROXY {
        let there = find(name).and_then(|value| value.to_str()).unwrap_or_default();
        hosts.extend(there.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned));
    }
    let all: Vec<_> = hosts.into_iter().collect();
    NO_PROXY.iter().map(|name| ((*name).to_owned(), Secret::new(all.join(",")))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(inherited: &[(&str, &str)]) -> BTreeMap<String, String> {
        let inherited = inherited.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let made = environment(inherited, "http://127.0.0.1:8420", &Secret::from("sr_token"));
        let text = |text: OsString| text.into_string().unwrap();
        let map: BTreeMap<_, _> =
            made.iter().cloned().map(|(name, value)| (text(name), text(value))).collect();
        assert_eq!(map.len(), made.len(), "a name is there twice");
        map
    }

    #[test]
    fn every_client_finds_its_address_and_the_token() {
        let all = of(&[]);
        for (name, value) in [
            ("OPENAI_BASE_URL", "http://127.0.0.1:8420/openai/v1"),
            ("OPENAI_API_BASE", "http://127.0.0.1:8420/openai/v1"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8420/anthropic"),
            ("ANTHROPIC_API_BASE", "http://127.0.0.1:8420/anthropic"),
            ("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:8420/gemini"),
            ("GEMINI_API_BASE", "http://127.0.0.1:8420/gemini"),
            ("OPENROUTER_BASE_URL", "http://127.0.0.1:8420/openrouter/api/v1"),
            ("OPENROUTER_API_BASE", "http://127.0.0.1:8420/openrouter/api/v1"),
            ("GROQ_BASE_URL", "http://127.0.0.1:8420/groq"),
            ("GROQ_API_BASE", "http://127.0.0.1:8420/groq/openai/v1"),
            ("OPENAI_API_KEY", "sr_token"),
            ("ANTHROPIC_API_KEY", "sr_token"),
            ("GEMINI_API_KEY", "sr_token"),
            ("GOOGLE_GENERATIVE_AI_API_KEY", "sr_token"),
            ("LLM_GEMINI_KEY", "sr_token"),
            ("OPENROUTER_API_KEY", "sr_token"),
            ("GROQ_API_KEY", "sr_token"),
            ("OPENAI_AGENTS_DISABLE_TRACING", "1"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!all.contains_key("NO_PROXY"), "no proxy, nothing to keep from it");
    }

    #[test]
    fn nothing_that_was_there_before_leads_past_it() {
        let inherited: Vec<_> = SHADOWS
            .iter()
            .chain(KEYS)
            .chain(ADDRESSES.iter().map(|(name, _)| name))
            .chain(SWITCHES.iter().map(|(name, _)| name))
            .map(|name| (*name, "theirs"))
            .chain([("PATH", "/bin"), ("STRONGROOM_TOKEN", "sr_admin"), ("MISTRAL_API_KEY", "kept")])
            .collect();
        let all = of(&inherited);
        assert!(!all.values().any(|value| value == "theirs" || value == "sr_admin"), "{all:?}");
        assert_eq!((&*all["PATH"], &*all["MISTRAL_API_KEY"]), ("/bin", "kept"));
        assert!(!all.contains_key("GOOGLE_API_KEY"));
    }

    #[test]
    fn a_proxy_of_the_house_is_not_asked_for_the_gateway() {
        let all = of(&[("https_proxy", "http://proxy:3128"), ("NO_PROXY", "a.example, b.example")]);
        assert_eq!(all["NO_PROXY"], "127.0.0.1,a.example,b.example");
        assert_eq!(all["no_proxy"], all["NO_PROXY"]);
        assert_eq!(all["https_proxy"], "http://proxy:3128");
    }
}
