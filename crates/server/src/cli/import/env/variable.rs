//! Names of variables: which hold which provider's keys, which an address, and which look like a secret.

use strongroom_model::provider::{KNOWN, KnownProvider};

/// Beginnings of names whose values build tools put into what browsers load.
const PUBLIC_PREFIXES: [&str; 9] = [
    "VITE_",
    "NEXT_PUBLIC_",
    "NUXT_PUBLIC_",
    "REACT_APP_",
    "EXPO_PUBLIC_",
    "VUE_APP_",
    "GATSBY_",
    "SNOWPACK_PUBLIC_",
    "PUBLIC_",
];

/// Ends of the names of variables that hold the address of an API.
const ADDRESS_ENDS: [&str; 9] = [
    "BASE_URL",
    "API_BASE_URL",
    "API_BASE",
    "API_URL",
    "ENDPOINT",
    "API_ENDPOINT",
    "API_HOST",
    "PROXY_URL",
    "BASE",
];

/// Meaning of a variable's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) provider: &'static KnownProvider,
    /// Its place among the provider's variables, from 0.
    pub(super) alias: usize,
    /// Its number in the pool: 1 for the plain name, `n` for `…_n`.
    pub(super) number: u32,
    /// True when it may hold several keys, as `OPENAI_API_KEYS` does.
    pub(super) is_list: bool,
    /// True when build tools put it into what browsers load.
    pub(super) is_public: bool,
}

/// Returns the meaning of this name, when it is one of a variable that holds a provider's key.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let (name, is_public) = without_public_prefix(name);
    KNOWN.iter().find_map(|provider| {
        let mut variables = provider.variables.iter().chain(provider.further_variables).enumerate();
        variables.find_map(|(alias, variable)| {
            let (number, is_list) = match name.strip_prefix(variable)? {
                "" => (1, false),
                "S" => (1, true),
                suffix => (pool_number(suffix.strip_prefix('_')?)?, false),
            };
            Some(Meaning { provider, alias, number, is_list, is_public })
        })
    })
}

fn without_public_prefix(name: &str) -> (&str, bool) {
    PUBLIC_PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map_or((name, false), |rest| (rest, true))
}

/// The provider to whose address this variable leads its keys.
pub(super) fn address_of(name: &str) -> Option<&'static KnownProvider> {
    let (name, _) = without_public_prefix(name);
    let ends_well = |beginning: &str| {
        name.strip_prefix(beginning)
            .and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|rest| ADDRESS_ENDS.contains(&rest))
    };
    KNOWN.iter().find(|provider| provider.address_beginnings.iter().any(|beginning| ends_well(beginning)))
}

/// Tells whether an unknown variable is named like one that holds a secret.
pub(super) fn is_named_like_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let plain = upper.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_');
    ["KEY", "KEYS", "TOKEN", "TOKENS", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"]
        .iter()
        .any(|end| plain.ends_with(end))
}

fn pool_number(digits: &str) -> Option<u32> {
    let is_plain =
        !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pools_and_aliases_are_understood() {
        let read = |name: &str| meaning(name).map(|it| (it.provider.name, it.alias, it.number));
        assert_eq!(read("OPENAI_API_KEY"), Some(("openai", 0, 1)));
        assert_eq!(read("OPENAI_API_KEY_12"), Some(("openai", 0, 12)));
        assert_eq!(read("GEMINI_API_KEY"), Some(("gemini", 0, 1)));
        assert_eq!(read("GOOGLE_API_KEY_2"), Some(("gemini", 1, 2)));
        assert_eq!(read("DEEPSEEK_API_KEY"), Some(("deepseek", 0, 1)));
        let others = [
            "OPENAI_API_KEY_",
            "OPENAI_API_KEY_FILE",
            "OPENAI_API_KEY_2a",
            "MY_OPENAI_API_KEY",
            "openai_api_key",
        ];
        for name in
            others.into_iter().chain(["OPENAI_API_KEY2", "OPENAI_API_KEY_12345", "OPENAI_API_KEY_+2", ""])
        {
            assert_eq!(read(name), None, "{name}");
        }
    }

    #[test]
    fn common_names_of_keys_and_addresses_are_known() {
        for (name, provider) in [
            ("GOOGLE_GENERATIVE_AI_API_KEY", "gemini"),
            ("ANTHROPIC_AUTH_TOKEN", "anthropic"),
            ("CLAUDE_API_KEY", "anthropic"),
            ("VITE_OPENAI_API_KEY", "openai"),
            ("NEXT_PUBLIC_ANTHROPIC_API_KEY", "anthropic"),
            ("REACT_APP_GROQ_API_KEY_2", "groq"),
            ("OPENAI_API_KEYS", "openai"),
            ("CO_API_KEY", "cohere"),
        ] {
            let read = meaning(name).unwrap();
            let (is_list, is_public) = (name.ends_with('S'), !name.starts_with(['G', 'A', 'C', 'O']));
            assert_eq!(
                (read.provider.name, read.is_list, read.is_public),
                (provider, is_list, is_public),
                "{name}"
            );
        }
        for (name, provider) in [
            ("OPENAI_BASE_URL", Some("openai")),
            ("OPENAI_API_BASE", Some("openai")),
            ("ANTHROPIC_BASE_URL", Some("anthropic")),
            ("GOOGLE_GEMINI_BASE_URL", Some("gemini")),
            ("GEMINI_API_BASE", Some("gemini")),
            ("XAI_API_ENDPOINT", Some("grok")),
            ("VITE_OPENAI_BASE_URL", Some("openai")),
            ("OPENAI_ENDPOINT", Some("openai")),
            ("AZURE_OPENAI_ENDPOINT", None),
            ("GOOGLE_BASE_URL", None),
            ("BASE_URL", None),
            ("OPENAI_BASE_URL_2", None),
        ] {
            assert_eq!(address_of(name).map(|it| it.name), provider, "{name}");
        }
        for (name, is_secret) in
            [("STRIPE_SECRET_KEY", true), ("TOKEN_2", true), ("PORT", false), ("KEYBOARD", false)]
        {
            assert_eq!(is_named_like_a_secret(name), is_secret, "{name}");
        }
    }
}
