//! What keys look like: those of providers whose keys have a shape of their own, and the tokens of strongroom.
//!
//! Mistral, Cohere and Together give out keys without a mark; those cannot be told from other text.

use strongroom_crypto::token;

/// A key in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'t> {
    /// Whose key it is: a provider's name, or `strongroom`.
    pub kind: &'static str,
    /// The key.
    pub text: &'t str,
    /// Where it begins, in bytes.
    pub at: usize,
}

/// How a key begins, and how long it is with its beginning.
struct Shape {
    prefix: &'static str,
    kind: &'static str,
    least: usize,
    most: usize,
    /// Whether `-` and `_` may follow the beginning.
    has_dashes: bool,
}

/// The most telling beginnings first. Sources: the providers' own references, and the examples in their consoles.
const SHAPES: [Shape; 11] = [
    Shape { prefix: "sk-ant-", kind: "anthropic", least: 40, most: 256, has_dashes: true },
    Shape { prefix: "sk-or-v1-", kind: "openrouter", least: 40, most: 256, has_dashes: true },
    Shape { prefix: "sk-proj-", kind: "openai", least: 40, most: 256, has_dashes: true },
    Shape { prefix: "sk-svcacct-", kind: "openai", least: 40, most: 256, has_dashes: true },
    Shape { prefix: "sk-admin-", kind: "openai", least: 40, most: 256, has_dashes: true },
    // OpenAI's older keys, and DeepSeek's.
    Shape { prefix: "sk-", kind: "openai", least: 35, most: 128, has_dashes: false },
    Shape { prefix: "AIza", kind: "gemini", least: 39, most: 39, has_dashes: true },
    Shape { prefix: "gsk_", kind: "groq", least: 40, most: 128, has_dashes: false },
    Shape { prefix: "xai-", kind: "grok", least: 40, most: 128, has_dashes: false },
    Shape { prefix: "pplx-", kind: "perplexity", least: 40, most: 128, has_dashes: false },
    // Its checksum says the rest.
    Shape { prefix: "sr_", kind: "strongroom", least: 65, most: 65, has_dashes: true },
];

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Every key in a text, in their order. A key stands alone: no letter, digit or `_` is beside it.
#[must_use]
pub fn find(text: &[u8]) -> Vec<Hit<'_>> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let is_start = at == 0 || !is_word(text[at - 1]);
        match is_start.then(|| hit(text, at)).flatten() {
            Some(hit) => {
                at += hit.text.len();
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
}

fn hit(text: &[u8], at: usize) -> Option<Hit<'_>> {
    let rest = &text[at..];
    let shape = SHAPES.iter().find(|shape| rest.starts_with(shape.prefix.as_bytes()))?;
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || (shape.has_dashes && b"-_".contains(byte));
    let body = rest[shape.prefix.len()..].iter().take_while(|byte| belongs(byte)).count();
    let length = shape.prefix.len() + body;
    if !(shape.least..=shape.most).contains(&length) || rest.get(length).copied().is_some_and(is_word) {
        return None;
    }
    let found = std::str::from_utf8(&rest[..length]).ok()?;
    if shape.kind == "strongroom" && token::id_of(found).is_none() {
        return None;
    }
    // What repeats one or two characters stands for a key in an example.
    let mut distinct = rest[shape.prefix.len()..length].to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() > 4).then_some(Hit { kind: shape.kind, text: found, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text.as_bytes()).iter().map(|hit| hit.kind).collect()
    }

    #[test]
    fn keys_are_told_apart_by_how_they_begin() {
        for (key, kind) in [
            (format!("sk-ant-api03-{BODY}-x_y"), "anthropic"),
            (format!("sk-or-v1-{BODY}"), "openrouter"),
            (format!("sk-proj-{BODY}_-x"), "openai"),
            (format!("sk-{BODY}"), "openai"),
            (format!("AIza{}", &BODY[..35]), "gemini"),
            (format!("gsk_{BODY}"), "groq"),
            (format!("xai-{BODY}"), "grok"),
            (format!("pplx-{BODY}"), "perplexity"),
            (token::generate().text.expose().to_owned(), "strongroom"),
        ] {
            for around in [("", ""), ("KEY=", "\n"), ("\"", "\","), ("Bearer ", " "), ("é", "é")] {
                let text = format!("{}{key}{}", around.0, around.1);
                let found = find(text.as_bytes());
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!((found[0].kind, found[0].text, found[0].at), (kind, key.as_str(), around.0.len()));
            }
        }
    }

    #[test]
    fn what_only_begins_like_a_key_is_none() {
        let token = token::generate().text;
        let (body, last) = token.expose().split_at(64);
        let other = if last == "a" { "b" } else { "a" };
        for text in [
            "sk-".to_owned(),
            "sk-short".to_owned(),
            format!("task-{BODY}"),
            format!("AIza{BODY}"),
            format!("sk-{}", "x".repeat(48)),
            format!("xsk-{BODY}"),
            format!("{body}{other}"),
        ] {
            assert_eq!(kinds(&text), [""; 0], "{text}");
        }
    }

    #[test]
    fn several_keys_in_bytes_that_are_no_text_are_all_found() {
        let mut bytes = vec![0xff, 0x00];
        bytes.extend_from_slice(format!("sk-{BODY}").as_bytes());
        bytes.extend_from_slice(&[0xff, b' ']);
        bytes.extend_from_slice(format!("gsk_{BODY}").as_bytes());
        assert_eq!(find(&bytes).iter().map(|hit| hit.kind).collect::<Vec<_>>(), ["openai", "groq"]);
    }
}
