//! Names of environment variables: which hold which provider's keys, and which lead them to another address.

use super::known::{KNOWN, KnownProvider};

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

/// Ends of the names of addresses, behind a provider's name and any further words (`OPENAI_CHAT_BASE_URL`).
const ADDRESS_ENDS: [&str; 11] = [
    "BASE_URL",
    "BASEURL",
    "BASE_URI",
    "API_BASE",
    "API_URL",
    "API_URI",
    "API_HOST",
    "ENDPOINT",
    "REVERSE_PROXY",
    "PROXY_URL",
    "GATEWAY_URL",
];

/// Ends that say an address only directly behind a provider's name, or `API` behind it: others stand before them too.
const PLAIN_ADDRESS_ENDS: [&str; 11] = [
    "ADDRESS",
    "BASE",
    "BASE_PATH",
    "DOMAIN",
    "GATEWAY",
    "HOST",
    "HOSTNAME",
    "PROXY",
    "SERVER",
    "URI",
    "URL",
];

/// Facts that the name of a variable with a provider's key tells.
#[derive(Debug, Clone, Copy)]
pub struct KeyVariable {
    /// Whose key it is.
    pub provider: &'static KnownProvider,
    /// Its place among the names of the provider's variables, from 0.
    pub alias: usize,
    /// Its number in the pool: 1 for the plain name, `n` for `…_n`.
    pub number: u32,
    /// True when it may hold several keys, as `OPENAI_API_KEYS` does.
    pub is_list: bool,
    /// True when build tools put it into what browsers load.
    pub is_public: bool,
}

/// Facts that the name of a variable with an address tells.
#[derive(Debug, Clone, Copy)]
pub struct AddressVariable {
    /// Whose keys are led there.
    pub provider: &'static KnownProvider,
    /// The number of the key in the pool that is meant; `None` for all of them.
    pub number: Option<u32>,
}

/// Variable that says that a provider's keys are not for its own API, and perhaps which variable says where they go.
#[derive(Debug)]
pub struct ElsewhereSwitch {
    /// The variable.
    pub variable: &'static str,
    /// Its values that say nothing, in lower case.
    pub unless: &'static [&'static str],
    /// The variable with the address.
    pub address: Option<&'static str>,
}

/// Tells what this variable's name says, when it is one that holds a provider's key.
#[must_use]
pub fn key_variable(name: &str) -> Option<KeyVariable> {
    let (name, is_public) = without_public_prefix(name);
    KNOWN.iter().find_map(|provider| {
        let mut variables = provider.variables.iter().chain(provider.further_variables).enumerate();
        variables.find_map(|(alias, variable)| {
            let (number, is_list) = match name.strip_prefix(variable)? {
                "" => (1, false),
                "S" => (1, true),
                suffix => (pool_number(suffix.strip_prefix('_')?)?, false),
            };
            Some(KeyVariable { provider, alias, number, is_list, is_public })
        })
    })
}

/// Tells whose keys this variable leads to an address, in whatever case its name is written.
#[must_use]
pub fn address_variable(name: &str) -> Option<AddressVariable> {
    let upper = name.to_ascii_uppercase();
    let (name, _) = without_public_prefix(&upper);
    let of = |name: &str| KNOWN.iter().find(|provider| is_address_of(provider, name));
    let plain = |name: &str| of(name).or_else(|| of(name.strip_suffix('S')?));
    if let Some(provider) = plain(name) {
        return Some(AddressVariable { provider, number: None });
    }
    let (name, digits) = name.rsplit_once('_')?;
    Some(AddressVariable { number: Some(pool_number(digits)?), provider: plain(name)? })
}

/// Finds the switch that a variable is, with the provider whose keys it leads elsewhere.
#[must_use]
pub fn elsewhere_switch(name: &str) -> Option<(&'static KnownProvider, &'static ElsewhereSwitch)> {
    KNOWN.iter().find_map(|provider| {
        let switch = provider.elsewhere.iter().find(|it| name.eq_ignore_ascii_case(it.variable))?;
        Some((provider, switch))
    })
}

fn is_address_of(provider: &KnownProvider, name: &str) -> bool {
    let mut own = provider.run.base_urls.iter().map(|(variable, _)| *variable);
    let ends_well = |beginning: &&str| {
        name.strip_prefix(beginning).and_then(|rest| rest.strip_prefix('_')).is_some_and(is_address_end)
    };
    own.any(|variable| variable == name)
        || provider.base_url_variable == Some(name)
        || provider.address_variables.contains(&name)
        || provider.address_beginnings.iter().any(ends_well)
}

fn is_address_end(rest: &str) -> bool {
    let is_behind_words =
        |end: &&str| rest.strip_suffix(*end).is_some_and(|words| words.is_empty() || words.ends_with('_'));
    PLAIN_ADDRESS_ENDS.contains(&rest.strip_prefix("API_").unwrap_or(rest))
        || ADDRESS_ENDS.iter().any(is_behind_words)
}

fn without_public_prefix(name: &str) -> (&str, bool) {
    PUBLIC_PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map_or((name, false), |rest| (rest, true))
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
        let read = |name: &str| key_variable(name).map(|it| (it.provider.name, it.alias, it.number));
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
            let read = key_variable(name).unwrap();
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
        ] {
            assert_eq!(address_variable(name).map(|it| it.provider.name), provider, "{name}");
        }
    }

    #[test]
    fn the_address_of_every_known_name_is_found_in_every_spelling() {
        let ends = || ADDRESS_ENDS.iter().chain(&PLAIN_ADDRESS_ENDS);
        for provider in KNOWN {
            assert!(!provider.address_beginnings.is_empty(), "{}", provider.name);
            for (beginning, end) in
                provider.address_beginnings.iter().flat_map(|it| ends().map(move |end| (it, end)))
            {
                let name = format!("{beginning}_{end}");
                for (spelling, number) in [
                    (name.clone(), None),
                    (name.to_ascii_lowercase(), None),
                    (format!("VITE_{name}"), None),
                    (format!("{beginning}_API_{end}"), None),
                    (format!("{name}S"), None),
                    (format!("{name}_3"), Some(3)),
                ] {
                    let read = address_variable(&spelling).map(|it| (it.provider.name, it.number));
                    assert_eq!(read, Some((provider.name, number)), "{spelling}");
                    assert!(key_variable(&spelling).is_none(), "{spelling}");
                }
            }
        }
    }

    #[test]
    fn addresses_in_wide_use_are_known() {
        for (name, provider) in [
            ("CO_API_URL", "cohere"),
            ("OPENAI_API_BASE_URLS", "openai"),
            ("OPENAI_REVERSE_PROXY", "openai"),
            ("ANTHROPIC_REVERSE_PROXY", "anthropic"),
            ("GOOGLE_REVERSE_PROXY", "gemini"),
            ("OPENAI_PROXY", "openai"),
            ("OPENAI_BASEURL", "openai"),
            ("OPENAI_HOST", "openai"),
            ("OPENAI_URL", "openai"),
            ("ANTHROPIC_FOUNDRY_BASE_URL", "anthropic"),
            ("ANTHROPIC_BEDROCK_BASE_URL", "anthropic"),
            ("ANTHROPIC_VERTEX_BASE_URL", "anthropic"),
            ("GOOGLE_API_BASE_URL", "gemini"),
            ("GOOGLE_VERTEX_BASE_URL", "gemini"),
            ("PPLX_BASE_URL", "perplexity"),
            ("TOGETHERAI_API_BASE", "together"),
            ("TOGETHER_AI_API_BASE", "together"),
            ("DEEPSEEK_API_BASE", "deepseek"),
            ("XAI_API_BASE", "grok"),
            ("X_AI_BASE_URL", "grok"),
            ("CLAUDE_API_URL", "anthropic"),
            ("openai_base_url", "openai"),
            ("OPENAI_CHAT_BASE_URL", "openai"),
            ("OPENAI_BASE_URL_2", "openai"),
        ] {
            assert_eq!(address_variable(name).map(|it| it.provider.name), Some(provider), "{name}");
        }
        for name in
            ["OPENAI_WEBHOOK_URL", "COHOST", "OPENAI_MODEL", "GOOGLE_MAPS_BASE_URL", "_2", "OPENAI_", ""]
        {
            assert!(address_variable(name).is_none(), "{name}");
        }
        let (provider, switch) = elsewhere_switch("openai_api_type").unwrap();
        assert_eq!((provider.name, switch.address), ("openai", Some("AZURE_OPENAI_ENDPOINT")));
        assert!(switch.unless.contains(&"openai") && elsewhere_switch("OPENAI_API_KEY").is_none());
    }

    #[test]
    fn no_beginning_is_of_two_providers() {
        let all = || KNOWN.iter().flat_map(|it| it.address_beginnings.iter().map(|begin| (it.name, *begin)));
        for (name, beginning) in all() {
            assert!(all().all(|(other, it)| it != beginning || other == name), "{beginning}");
        }
    }
}
