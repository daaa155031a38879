//! The environment of a command that is to go through the gateway: addresses and keys under every name that clients look for,
//! and nothing that would lead past them, whatever provider it is of. The names stand in the providers' files; sources: the clients' own documentation, see
//! `docs/clients.md`.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::{
    self, KNOWN, address_variable, is_nobodys_key, key_like_variable, key_variable, named_provider,
};
use zeroize::Zeroizing;

use super::environment::{compose, is_ours};

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
    let kept: Vec<_> = inherited.filter(|(name, _)| !is_removed(name)).collect();
    let mut set: Vec<(String, Secret)> = Vec::new();
    for run in KNOWN.iter().map(|known| &known.run) {
        let address = |path: &str| Secret::new(format!("{base}{path}"));
        set.extend(run.base_urls.iter().map(|(name, path)| ((*name).to_owned(), address(path))));
        set.extend(run.keys.iter().map(|name| ((*name).to_owned(), token.clone())));
        set.extend(run.switches.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))));
    }
    set.extend(not_through_a_proxy(&kept, base));
    compose(kept.into_iter(), &set)
}

/// Tells whether a variable holds a provider's key or an address for it, or would be taken in place of what is set, or sent along
/// with it to an account that it does not belong to. Some programs read names in any case.
fn is_removed(name: &OsStr) -> bool {
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else { return false };
    key_variable(&name).is_some()
        || key_like_variable(&name).is_some()
        || address_variable(&name).is_some()
        || removed().any(|removed| removed == name)
}

fn removed() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|known| known.run.removed.iter().copied())
}

/// Names of variables that stay and hold what looks like a provider's key, which may be one of another service: Google's
/// keys look all alike.
pub(super) fn doubtful(inherited: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    let of = |(name, value): (OsString, OsString)| {
        let (name, value) = (name.into_string().ok()?, Zeroizing::new(value.into_string().ok()?));
        if is_removed(OsStr::new(&name)) || is_ours(OsStr::new(&name)) {
            return None;
        }
        holds_key(&name, &value).then_some(name)
    };
    let mut names: Vec<_> = inherited.filter_map(of).collect();
    names.sort_unstable();
    names
}

/// Letters and digits in a row that no word has.
const MIN_OPAQUE_BYTES: usize = 16;

/// Words of names of what is told to a provider and opens nothing.
const OPEN_WORDS: [&str; 10] =
    ["ACCOUNT", "DIR", "FILE", "ID", "MODEL", "ORG", "ORGANIZATION", "PATH", "PROJECT", "VERSION"];

/// Tells whether a variable holds what looks like a provider's key: in whichever coding, in an address of a provider's, in what is
/// shown in a header, or under a name that says so.
fn holds_key(name: &str, value: &str) -> bool {
    // With its name, which says whose a key without a mark is.
    let line = Zeroizing::new(format!("{name}={value}"));
    let line = line.as_bytes();
    let is_providers = |kind: &str| provider::find(kind).is_some();
    let is_open = |part: &str| OPEN_WORDS.iter().any(|word| part.eq_ignore_ascii_case(word));
    let is_named = || {
        let names_one = is_nobodys_key(name)
            || (named_provider(name).is_some() && !name.split(['_', '-', '.']).any(is_open));
        names_one && is_opaque(value)
    };
    key_pattern::find(line).iter().any(|hit| is_providers(hit.kind))
        || key_pattern::find_encoded(line).iter().any(|hit| is_providers(hit.kind))
        || key_pattern::find_escaped(line).iter().any(|hit| is_providers(hit.kind))
        || is_named()
        || behind_bearer(value).is_some_and(|token| {
            is_opaque(token)
                && key_pattern::foreign_service(token).is_none()
                && !key_pattern::is_web_token(token)
        })
        || shows_to_provider(value)
}

/// Tells whether a text has a run of letters and digits that is no word.
fn is_opaque(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|run| {
        run.len() >= MIN_OPAQUE_BYTES
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// The word behind `Bearer `.
fn behind_bearer(value: &str) -> Option<&str> {
    let mut words = value.split([' ', '"', '\'', '\t']).filter(|word| !word.is_empty());
    words.find(|word| word.trim_start_matches(':').eq_ignore_ascii_case("bearer"))?;
    words.next()
}

/// Tells whether a value is the address of a provider with a password in it.
fn shows_to_provider(value: &str) -> bool {
    let Ok(url) = url::Url::parse(value.trim()) else { return false };
    let is_of = |base: &str| url::Url::parse(base).is_ok_and(|base| base.host() == url.host());
    (url.password().is_some() || is_opaque(url.username()))
        && url.host().is_some()
        && KNOWN.iter().any(|known| is_of(known.base_url))
}

/// A proxy of the network would be asked for this machine's gateway, and be shown the token.
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

    use strongroom_model::provider::RunVariables;

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
            ("XAI_API_BASE", "http://127.0.0.1:8420/grok/v1"),
            ("XAI_API_KEY", "sr_token"),
            ("DEEPSEEK_API_BASE", "http://127.0.0.1:8420/deepseek/v1"),
            ("DEEPSEEK_API_KEY", "sr_token"),
            ("MISTRAL_API_BASE", "http://127.0.0.1:8420/mistral/v1"),
            ("MISTRAL_API_KEY", "sr_token"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!all.contains_key("NO_PROXY"), "no proxy, nothing to keep from it");
    }

    #[test]
    fn nothing_that_was_there_before_leads_past_it() {
        let of_run = |run: &'static RunVariables| {
            let pairs = run.base_urls.iter().chain(run.switches).map(|(name, _)| *name);
            pairs.chain(run.keys.iter().copied())
        };
        let inherited: Vec<_> = removed()
            .chain(KNOWN.iter().flat_map(|known| of_run(&known.run)))
            .map(|name| (name, "theirs"))
            .chain([("PATH", "/bin"), ("STRONGROOM_TOKEN", "sr_admin"), ("STRIPE_API_KEY", "kept")])
            .collect();
        let all = of(&inherited);
        assert!(!all.values().any(|value| value == "theirs" || value == "sr_admin"), "{all:?}");
        assert_eq!((&*all["PATH"], &*all["STRIPE_API_KEY"]), ("/bin", "kept"));
        assert!(!all.contains_key("GOOGLE_API_KEY"));
    }

    #[test]
    fn no_name_under_which_import_takes_a_key_or_asks_about_an_address_stays() {
        let mut names: Vec<String> = Vec::new();
        for known in KNOWN {
            for key in known.variables.iter().chain(known.further_variables) {
                names.extend(["", "S", "_2", "_17"].map(|end| format!("{key}{end}")));
                names.extend(["VITE_", "NEXT_PUBLIC_", "REACT_APP_"].map(|start| format!("{start}{key}")));
                names.push(key.to_ascii_lowercase());
                names.extend(["_PROD", "_FILE", "2"].map(|end| format!("{key}{end}")));
            }
            for beginning in known.address_beginnings {
                names.extend(
                    ["BASE_URL", "API_BASE", "REVERSE_PROXY", "HOST"].map(|end| format!("{beginning}_{end}")),
                );
            }
        }
        names.extend(["AZURE_OPENAI_API_KEY", "MY_ANTHROPIC_KEY"].map(ToOwned::to_owned));
        assert!(names.len() > 500, "{}", names.len());
        for name in names {
            let all = of(&[(&name, "theirs")]);
            assert!(!all.values().any(|value| value == "theirs"), "{name}");
        }
    }

    #[test]
    fn a_variable_that_holds_a_key_under_another_name_is_told_and_never_shown() {
        let key = "sk-proj-canary0123456789abcdefghij0123456789abcdefghij";
        let inherited = [
            ("MY_LLM", key),
            ("OPENAI_API_KEY", key),
            ("STRONGROOM_TOKEN", key),
            ("BIG_CO_API_KEY", "0123456789abcdefghij0123456789abcdefghij"),
            ("PORT", "80"),
        ];
        let inherited = inherited.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        assert_eq!(doubtful(inherited.into_iter()), ["BIG_CO_API_KEY", "MY_LLM"]);
    }

    #[test]
    fn a_key_in_any_coding_and_under_any_name_of_models_is_told_of_or_gone() {
        use base64::Engine as _;
        let key = "sk-proj-canary0123456789abcdefghij0123456789abcdefghij";
        let plain = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut told = vec![
            ("A_B64", encode(key)),
            ("A_B64_OF_B64", encode(&encode(key))),
            ("A_HEX", key.bytes().map(|byte| format!("{byte:02x}")).collect()),
            ("A_PCT", key.replace('-', "%2D")),
            ("A_JSON", format!("{{\"k\":\"{key}\"}}")),
            ("A_BEARER", format!("Authorization: Bearer {plain}")),
            ("A_HEADERS", format!("{{\"Authorization\": \"Bearer {plain}\"}}")),
            ("A_URL", format!("https://u:{plain}@api.mistral.ai/v1")),
            ("LLM_CONFIG", format!("{{\"mistral\":{{\"api_key\":\"{plain}\"}}}}")),
        ];
        let named = ["LLM_API_KEY", "AI_API_KEY", "SONAR_API_KEY", "MISTRAL_PROD", "GROQ_X", "COHERE_TRIAL"];
        told.extend(named.map(|name| (name, plain.to_owned())));
        for (name, value) in told {
            let pair = (OsString::from(name), OsString::from(&value));
            let is_gone = is_removed(&pair.0);
            assert!(is_gone || doubtful([pair].into_iter()) == [name], "{name}={value}");
        }
        for (name, value) in [
            ("GITHUB_HEADER", format!("Authorization: Bearer ghp_{plain}")),
            ("OPENAI_ORG_ID", format!("org-{plain}")),
            ("GEMINI_MODEL", "gemini-2.5-flash-preview-09-2025".to_owned()),
            ("MISTRAL_MODE", "development".to_owned()),
            ("BUILD_SHA", "0f3ac91be87d24560f3ac91be87d24560f3ac91b".to_owned()),
            ("DATABASE_URL", format!("postgres://u:{plain}@db.example.com/x")),
            ("SESSION", "123e4567-e89b-12d3-a456-426614174000".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
        ] {
            let pair = (OsString::from(name), OsString::from(&value));
            assert!(doubtful([pair].into_iter()).is_empty(), "{name}={value}");
        }
    }

    #[test]
    fn a_proxy_of_the_network_is_not_asked_for_the_gateway() {
        let all = of(&[("https_proxy", "http://proxy:3128"), ("NO_PROXY", "a.example, b.example")]);
        assert_eq!(all["NO_PROXY"], "127.0.0.1,a.example,b.example");
        assert_eq!(all["no_proxy"], all["NO_PROXY"]);
        assert_eq!(all["https_proxy"], "http://proxy:3128");
    }
}
