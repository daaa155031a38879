//! Which variables hold which provider's keys, and which values are no keys at all.

use strongroom_model::Secret;
use strongroom_model::provider::{KNOWN, KnownProvider};

/// What a variable's name says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) provider: &'static KnownProvider,
    /// Which of the provider's variables it is, from 0.
    pub(super) alias: usize,
    /// Its number in the pool: 1 for the plain name, `n` for `…_n`.
    pub(super) number: u32,
}

/// What this variable's name says, when it is one that holds a provider's key.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    KNOWN.iter().find_map(|provider| {
        let mut variables = provider.variables.iter().enumerate();
        variables.find_map(|(alias, variable)| {
            let number = match name.strip_prefix(variable)? {
                "" => 1,
                suffix => pool_number(suffix.strip_prefix('_')?)?,
            };
            Some(Meaning { provider, alias, number })
        })
    })
}

fn pool_number(digits: &str) -> Option<u32> {
    let is_plain =
        !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

/// Words that people write where a key is to go.
const STAND_INS: [&str; 22] = [
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_me",
    "replace-me",
    "placeholder",
    "todo",
    "tbd",
    "fixme",
    "none",
    "null",
    "nil",
    "undefined",
    "empty",
    "secret",
    "dummy",
    "fake",
    "test",
    "testing",
    "key",
    "apikey",
];

/// Why this value is no key; `None` when it may be one. The reason repeats nothing of the value.
pub(super) fn why_no_key(value: &Secret) -> Option<&'static str> {
    let text = value.expose().trim();
    let lower = zeroize::Zeroizing::new(text.to_ascii_lowercase());
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.starts_with("${") || text.starts_with("$(") || is_variable(text) {
        return Some("it refers to another variable, which is not followed");
    }
    if text.contains("://") {
        return Some("it is a reference or an address, not a key");
    }
    let tail = [
        "sk-proj-",
        "sk-ant-api03-",
        "sk-ant-",
        "sk-or-v1-",
        "sk-or-",
        "sk-",
        "gsk_",
        "aiza",
        "xai-",
        "pplx-",
    ]
    .iter()
    .find_map(|prefix| lower.strip_prefix(prefix))
    .unwrap_or(&lower);
    let is_one_character = tail.len() != 1 && tail.chars().all(|character| tail.starts_with(character));
    let is_bracketed = [('<', '>'), ('[', ']'), ('{', '}')]
        .iter()
        .any(|(open, close)| text.starts_with(*open) && text.ends_with(*close));
    let is_told_to = lower.contains("your")
        && ["key", "here", "token", "secret", "api"].iter().any(|it| lower.contains(it));
    let is_stand_in = STAND_INS.contains(&tail)
        || is_one_character
        || is_bracketed
        || is_told_to
        || tail.contains("...")
        || tail.contains('…')
        || lower.contains("key_here")
        || lower.contains("key-here")
        || lower.contains("example");
    is_stand_in.then_some("it is a placeholder")
}

fn is_variable(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
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
    fn placeholders_are_no_keys() {
        let no_keys = [
            "",
            " ",
            "your_key_here",
            "YOUR_OPENAI_API_KEY",
            "sk-your-key",
            "sk-...",
            "sk-proj-...",
            "AIzaSy...",
            "sk-ant-…",
            "changeme",
            "CHANGE_ME",
            "sk-changeme",
            "<your key>",
            "<key>",
            "[key]",
            "xxxx",
            "sk-xxxxxxxxxxxx",
            "sk-",
            "gsk_****",
            "sk-proj-",
            "sk-ant-api03-",
            "sk-00000000",
            "none",
            "null",
            "undefined",
            "placeholder",
            "paste_key_here",
            "sk-example-key",
            "${OPENAI_KEY}",
            "$(pass openai)",
            "$OPENAI_KEY",
            "op://vault/openai/key",
            "https://api.openai.com",
        ];
        for text in no_keys {
            assert!(why_no_key(&Secret::from(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_key_is_taken_for_one() {
        let keys = [
            "sk-proj-abc123",
            "sk-test",
            "AIzaSyTESTKEY",
            "gsk_0123456789",
            "sk-ant-ünïcødé-🔑",
            "$ecret$tuff-1",
            "$a-b",
            "a$b{c}",
            "sk-or-v1-0a1b2c",
            "0123456789abcdef",
            "ke",
            "yourself",
            "key-1",
        ];
        for text in keys {
            // The tail of "sk-test" is one of the words.
            assert_eq!(why_no_key(&Secret::from(text)).is_some(), text == "sk-test", "{text}");
        }
    }
}
