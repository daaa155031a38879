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

/// Words that stand before the end of an address's name where it is that of models, and of no provider in particular.
const MODEL_WORDS: [&str; 11] = [
    "AI",
    "AZURE",
    "CHAT",
    "COMPLETION",
    "COMPLETIONS",
    "GENAI",
    "GPT",
    "INFERENCE",
    "LITELLM",
    "LLM",
    "MODEL",
];

/// Words beside those, which say nothing.
const IDLE_WORDS: [&str; 6] = ["API", "CUSTOM", "DEFAULT", "MY", "OPENAI", "PROVIDER"];

/// Words of a name behind a provider's that say that a key stands there, or where one does.
const KEY_WORDS: [&str; 12] = [
    "KEY",
    "KEYS",
    "APIKEY",
    "APIKEYS",
    "APITOKEN",
    "AUTHTOKEN",
    "SECRETKEY",
    "TOKEN",
    "SECRET",
    "SECRETS",
    "BEARER",
    "CREDENTIALS",
];

/// Words that say the same at the end of a name alone.
const LAST_KEY_WORDS: [&str; 10] =
    ["ACCESS", "AUTH", "AUTHORIZATION", "CRED", "CREDENTIAL", "CREDS", "PASS", "PASSWD", "PASSWORD", "PAT"];

/// Names of keys that neither name a provider nor models, and that are of one.
const NOBODYS_KEYS: [&str; 2] = ["SONAR_API_KEY", "SONAR_KEY"];

/// A word of a provider that is as long as this is also known at the end of another: `AzureOpenAI__Key`. Shorter ones end others'
/// names (`NGROK_AUTHTOKEN`).
const MIN_ENDING_WORD: usize = 6;

/// Words beside those that make the name one of a setting (`OPENAI_TOKEN_LIMIT`, `ANTHROPIC_PROMPT_CACHE_KEY`), or of what is
/// shown to others and not to the provider (`OPENAI_WEBHOOK_SECRET`).
const SETTING_WORDS: [&str; 20] = [
    "BUDGET", "CACHE", "CONTEXT", "COST", "COUNT", "INPUT", "LIMIT", "LIMITS", "MAX", "MIN", "MS", "NAME",
    "OUTPUT", "PER", "PRICE", "SKIP", "TIMEOUT", "TTL", "USAGE", "WEBHOOK",
];

/// A word of a provider that is no longer than this is that of others too, unless a name begins with it.
const MAX_SHORT_WORD: usize = 3;

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

/// Finds the provider whose name, or another word for it, this variable's name joins with a word for keys, whatever else
/// stands there: `AZURE_OPENAI_KEY`, `COHERE_API_KEY_PROD`, `TOGETHER_TOKEN`. Wider than [`key_variable`], and in any case of letters.
#[must_use]
pub fn key_like_variable(name: &str) -> Option<&'static KnownProvider> {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> =
        without_public_prefix(&upper).0.split(['_', '-', '.']).filter(|part| !part.is_empty()).collect();
    let without_number = |part: &str| part.trim_end_matches(|last: char| last.is_ascii_digit()).to_owned();
    let says_key = |rest: &[&str]| {
        let is_key = |part: &&str| KEY_WORDS.contains(&without_number(part).as_str());
        let is_setting = |part: &&str| SETTING_WORDS.contains(part);
        // Several tokens are an amount of them, unless nothing but `API` stands before.
        let are_tokens = matches!(rest, ["TOKENS", ..] | ["API" | "AUTH" | "ACCESS", "TOKENS", ..]);
        let mut words = rest.iter().map(|part| without_number(part)).filter(|word| !word.is_empty());
        let ends_so = words.next_back().is_some_and(|last| LAST_KEY_WORDS.contains(&last.as_str()));
        (rest.iter().any(is_key) || are_tokens || ends_so) && !rest.iter().any(is_setting)
    };
    let joins = |provider: &&KnownProvider| {
        words_of(provider).any(|word| {
            let length = word.split('_').count();
            let places = if word.len() <= MAX_SHORT_WORD { 1 } else { parts.len() };
            let begins = |at: usize| parts.get(at..at + length).is_some_and(|it| it.join("_") == word);
            let glued = |part: &&str| {
                let rest =
                    part.strip_prefix(word).filter(|_| word.len() > MAX_SHORT_WORD && !word.contains('_'));
                rest.is_some_and(|rest| says_key(&[rest.strip_prefix("API").unwrap_or(rest)]))
            };
            let ends_in = |at: usize| word.len() >= MIN_ENDING_WORD && parts[at].ends_with(word);
            (0..places.min(parts.len())).any(|at| begins(at) && says_key(&parts[at + length..]))
                || (0..parts.len()).any(|at| ends_in(at) && says_key(&parts[at + 1..]))
                || parts.iter().any(glued)
        })
    };
    KNOWN.iter().find(joins)
}

/// Tells whether this variable is named like a key for models that names no provider: `LLM_API_KEY`, `AI_KEY`.
#[must_use]
pub fn is_nobodys_key(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let (name, _) = without_public_prefix(&upper);
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let is_of_models = |part: &&str| MODEL_WORDS.contains(part) && *part != "AZURE";
    let is_key = |part: &&str| KEY_WORDS.contains(part);
    NOBODYS_KEYS.contains(&name)
        || (parts.clone().any(|part| is_of_models(&part))
            && parts.clone().any(|part| is_key(&part))
            && parts.all(|part| is_of_models(&part) || is_key(&part) || IDLE_WORDS.contains(&part)))
}

/// Finds the provider whose name, or another word for it, is one of the words of this variable's name.
#[must_use]
pub fn named_provider(name: &str) -> Option<&'static KnownProvider> {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split(['_', '-', '.']).collect();
    let is_named = |word: &str| word.len() > MAX_SHORT_WORD && parts.contains(&word);
    KNOWN.iter().find(|provider| words_of(provider).any(is_named))
}

/// Words by which the names of variables say a provider, in capital letters.
fn words_of(provider: &KnownProvider) -> impl Iterator<Item = &'static str> {
    provider.address_beginnings.iter().chain(provider.key_words).copied()
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

/// Tells whether this variable holds an address of models, and its name does not say whose keys are led there: `LLM_BASE_URL`,
/// `BASE_URL`, `AZURE_OPENAI_ENDPOINT`.
#[must_use]
pub fn is_nobodys_address(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let (name, _) = without_public_prefix(&upper);
    if address_variable(name).is_some() {
        return false;
    }
    let words_before = |end: &&str| {
        let words = name.strip_suffix(*end)?;
        (words.is_empty() || words.ends_with('_')).then(|| words.trim_end_matches('_'))
    };
    ADDRESS_ENDS.iter().chain(&PLAIN_ADDRESS_ENDS).filter_map(words_before).any(|words| {
        let mut parts = words.split('_').filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_none() {
            return ["BASE_URL", "BASEURL", "API_BASE"].contains(&name);
        }
        let is_of_models = parts.clone().any(|part| MODEL_WORDS.contains(&part));
        is_of_models && parts.all(|part| MODEL_WORDS.contains(&part) || IDLE_WORDS.contains(&part))
    })
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
    fn addresses_of_models_that_name_no_provider_are_known() {
        for name in [
            "LLM_BASE_URL",
            "llm_base_url",
            "BASE_URL",
            "API_BASE",
            "AI_API_BASE",
            "VITE_AI_BASE_URL",
            "LLM_ENDPOINT",
            "MODEL_ENDPOINT",
            "LLM_HOST",
            "DEFAULT_LLM_API_URL",
            "LITELLM_PROXY_URL",
            "AZURE_OPENAI_ENDPOINT",
            "CHAT_COMPLETIONS_URL",
        ] {
            assert!(is_nobodys_address(name), "{name}");
        }
        for name in [
            "OPENAI_BASE_URL",
            "GROQ_API_BASE",
            "DATABASE_URL",
            "API_URL",
            "URL",
            "HOST",
            "APP_BASE_URL",
            "LLM_API_KEY",
            "SENTRY_ENDPOINT",
            "AI",
            "",
        ] {
            assert!(!is_nobodys_address(name), "{name}");
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
    fn every_word_for_a_provider_with_every_word_for_a_key_is_a_key_of_its() {
        for provider in KNOWN {
            for word in words_of(provider) {
                for end in KEY_WORDS {
                    for name in [
                        format!("{word}_{end}"),
                        format!("{word}_{end}2"),
                        format!("{word}_API_{end}"),
                        format!("{word}_API_{end}_PROD"),
                        format!("{word}_STAGING_{end}_3"),
                        format!("{word}_{end}_FILE"),
                        format!("{word}-{end}").to_ascii_lowercase(),
                    ] {
                        let of = key_like_variable(&name).map(|it| it.name);
                        assert_eq!(of, Some(provider.name), "{name}");
                    }
                }
                let amount = format!("{word}_MAX_TOKENS");
                assert!(key_like_variable(&amount).is_none(), "{amount}");
            }
            for key in provider.variables.iter().chain(provider.further_variables).chain(provider.run.keys) {
                assert!(key_like_variable(key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn every_word_for_a_provider_with_every_last_word_for_a_key_is_a_key_of_its() {
        for provider in KNOWN {
            for word in words_of(provider) {
                for end in LAST_KEY_WORDS {
                    for name in [
                        format!("{word}_{end}"),
                        format!("{word}_{end}_2"),
                        format!("{word}_{end}2"),
                        format!("{word}_API_{end}"),
                        format!("{word}.{end}").to_ascii_lowercase(),
                    ] {
                        let of = key_like_variable(&name).map(|it| it.name);
                        assert_eq!(of, Some(provider.name), "{name}");
                    }
                    let setting = format!("{word}_{end}_TIMEOUT");
                    assert!(key_like_variable(&setting).is_none(), "{setting}");
                }
            }
        }
        for name in
            ["LLM_API_KEY", "AI_API_KEY", "GENAI_API_KEY", "LLM_KEY", "MODEL_API_KEY", "SONAR_API_KEY"]
        {
            assert!(is_nobodys_key(name) || key_like_variable(name).is_some(), "{name}");
        }
        for name in [
            "AZURE_CLIENT_SECRET",
            "API_KEY",
            "SONAR_TOKEN",
            "NGROK_AUTHTOKEN",
            "GITHUB_PAT",
            "DB_PASSWORD",
            "AI_MODEL",
        ] {
            assert!(!is_nobodys_key(name) && key_like_variable(name).is_none(), "{name}");
        }
    }

    #[test]
    fn names_of_keys_that_were_seen_are_known_and_those_of_settings_are_not() {
        for (name, provider) in [
            ("CO_KEY", "cohere"),
            ("COHERE_API_KEY_PROD", "cohere"),
            ("TOGETHER_TOKEN", "together"),
            ("DEEPSEEK_TOKEN", "deepseek"),
            ("GROQ_TOKEN", "groq"),
            ("AZURE_OPENAI_KEY", "openai"),
            ("AZURE_OPENAI_API_KEY", "openai"),
            ("MY_APP_OPENAI_API_KEY", "openai"),
            ("OPENAI_APIKEY", "openai"),
            ("OPENAIKEY", "openai"),
            ("OPENAI_API_KEY2", "openai"),
            ("OpenAiApiKey", "openai"),
            ("OPENAI_API_TOKENS", "openai"),
            ("X_AI_API_KEY", "grok"),
            ("XAI_KEY", "grok"),
            ("GROK_API_KEY", "grok"),
            ("CODESTRAL_API_KEY", "mistral"),
            ("PPLX_TOKEN", "perplexity"),
            ("OPENAI_API_KEY_FILE", "openai"),
            ("VITE_OPENAI_TOKEN", "openai"),
            ("OPENAI_AUTHORIZATION", "openai"),
            ("CLAUDE_AUTH", "anthropic"),
            ("OR_KEY", "openrouter"),
            ("TOGETHERCOMPUTER_API_KEY", "together"),
            ("GROQCLOUD_API_KEY", "groq"),
            ("PALM_API_KEY", "gemini"),
            ("VERTEX_API_KEY", "gemini"),
            ("CHATGPT_API_KEY", "openai"),
            ("GPT_API_KEY", "openai"),
            ("AzureOpenAI__Key", "openai"),
        ] {
            assert_eq!(key_like_variable(name).map(|it| it.name), Some(provider), "{name}");
        }
        for name in [
            "OPENAI_MAX_TOKENS",
            "OPENAI_TOKEN_LIMIT",
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
            "OPENAI_WEBHOOK_SECRET",
            "OPENAI_PROMPT_CACHE_KEY",
            "GOOGLE_MAPS_API_KEY",
            "GITHUB_TOKEN",
            "STRIPE_SECRET_KEY",
            "BIG_CO_API_KEY",
            "KEYBOARD",
            "SECRET_OPENAI",
            "OPENAI_MODEL",
            "COKEY",
            "",
            "_",
        ] {
            assert!(key_like_variable(name).is_none(), "{name}");
        }
    }

    #[test]
    fn no_beginning_is_of_two_providers() {
        let all = || KNOWN.iter().flat_map(|it| it.address_beginnings.iter().map(|begin| (it.name, *begin)));
        for (name, beginning) in all() {
            assert!(all().all(|(other, it)| it != beginning || other == name), "{beginning}");
        }
    }
}
