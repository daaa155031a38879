//! Forms of keys: those of providers whose keys have a form of their own, and the tokens of strongroom.
//!
//! Mistral, Cohere and, before 2025, Together give out keys without a mark; those are found only behind a name that
//! says whose key follows.

mod unmarked;

use std::borrow::Cow;

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

/// Bytes that may follow the beginning of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Letters and digits.
    Plain,
    /// Letters, digits, `-` and `_`.
    Dashed,
    /// As [`Body::Dashed`], with a long run of letters and digits, which hyphenated words do not have.
    DashedRun,
}

/// How a key begins, and how long it is with its beginning.
struct Shape {
    prefix: &'static str,
    kind: &'static str,
    least: usize,
    most: usize,
    body: Body,
}

const fn shape(prefix: &'static str, kind: &'static str, least: usize, most: usize, body: Body) -> Shape {
    Shape { prefix, kind, least, most, body }
}

/// The most telling beginnings first. Sources: the providers' own references, the examples in their consoles, and the
/// lengths and alphabets that gitleaks and trufflehog look for.
const SHAPES: [Shape; 20] = [
    shape("sk-ant-", "anthropic", 40, 256, Body::Dashed),
    shape("sk-or-v1-", "openrouter", 40, 256, Body::Dashed),
    shape("sk-or-", "openrouter", 40, 256, Body::DashedRun),
    shape("sk-proj-", "openai", 40, 256, Body::Dashed),
    shape("sk-svcacct-", "openai", 40, 256, Body::Dashed),
    shape("sk-service-", "openai", 40, 256, Body::Dashed),
    shape("sk-admin-", "openai", 40, 256, Body::Dashed),
    // OpenAI's older keys, of which some have the name of a service account within, and DeepSeek's.
    shape("sk-", "openai", 35, 256, Body::DashedRun),
    shape("AIza", "gemini", 39, 39, Body::Dashed),
    shape("AQ.", "gemini", 38, 128, Body::Dashed),
    shape("gsk_", "groq", 40, 128, Body::Plain),
    shape("xai-", "grok", 40, 128, Body::Dashed),
    shape("pplx-", "perplexity", 40, 128, Body::Plain),
    shape("tgp_v1_", "together", 40, 128, Body::Dashed),
    shape("hf_", "huggingface", 37, 64, Body::Plain),
    shape("api_org_", "huggingface", 42, 64, Body::Plain),
    shape("r8_", "replicate", 40, 40, Body::Dashed),
    shape("nvapi-", "nvidia", 64, 128, Body::Dashed),
    shape("csk-", "cerebras", 40, 128, Body::Plain),
    // Its checksum says the rest.
    shape("sr_", "strongroom", 65, 65, Body::Dashed),
];

/// The longest key of all.
const MAX_KEY_BYTES: usize = 256;

/// Letters and digits in a row that tell a key with dashes from hyphenated words.
const MIN_RUN_BYTES: usize = 20;

/// The mark that stands in the middle of OpenAI's keys: `OpenAI` in base64.
const OPENAI_MARK: &[u8] = b"T3BlbkFJ";

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Every key in a text, in their order. A key stands alone: no letter, digit or `_` is beside it, except as the end of
/// an escape such as `\n` or `%3D`.
#[must_use]
pub fn find(text: &[u8]) -> Vec<Hit<'_>> {
    find_counting(text, &mut 0)
}

/// As [`find`]; adds the bytes that were looked at to `steps`.
fn find_counting<'t>(text: &'t [u8], steps: &mut usize) -> Vec<Hit<'t>> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < text.len() {
        *steps += 1;
        let is_start = at == 0 || !is_word(text[at - 1]) || follows_escape(&text[..at]);
        match is_start.then(|| hit(text, at, steps)).flatten() {
            Some(hit) => {
                at += hit.text.len();
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
}

/// Whose key a whole text is, by its form.
#[must_use]
pub fn kind_of(text: &str) -> Option<&'static str> {
    find(text.as_bytes()).first().filter(|hit| hit.text.len() == text.len()).map(|hit| hit.kind)
}

/// The provider whose form a key has, when its keys are never those of `provider`.
#[must_use]
pub fn other_provider(key: &str, provider: &str) -> Option<&'static str> {
    const WITH_FORM: [&str; 8] =
        ["anthropic", "openrouter", "gemini", "groq", "grok", "perplexity", "huggingface", "replicate"];
    let kind = kind_of(key)?;
    // Many a server gives out keys that begin with `sk-` and nothing more.
    let is_plain = matches!(kind, "openai" | "deepseek") && !key.starts_with("sk-proj-");
    let is_ours = kind == provider || (is_plain && !WITH_FORM.contains(&provider));
    let is_known = strongroom_model::provider::KNOWN.iter().any(|known| known.name == provider);
    (!is_ours && is_known).then_some(kind)
}

/// Whether these bytes end in an escape, of which the last letter is no part of what follows: `\n`, `\u003d`, `\x3d`
/// (JSON, RFC 8259, 7), `%3D` (RFC 3986, 2.1), `=3D` (RFC 2045, 6.7).
fn follows_escape(before: &[u8]) -> bool {
    let is_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., b'=', b'3', b'D' | b'A']
        | [.., b'=', b'2', b'2' | b'7' | b'0']
        | [.., b'=', b'0', b'A' | b'D'] => true,
        [.., b'%', one, two] | [.., b'\\', b'x', one, two] => is_hex(&[*one, *two]),
        [.., b'\\', b'u', one, two, three, four] => is_hex(&[*one, *two, *three, *four]),
        _ => false,
    }
}

fn hit<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let rest = &text[at..];
    let marked = SHAPES.iter().find(|shape| rest.starts_with(shape.prefix.as_bytes()));
    let Some(shape) = marked else { return unmarked::hit(text, at, steps) };
    let belongs =
        |byte: &u8| byte.is_ascii_alphanumeric() || (shape.body != Body::Plain && b"-_".contains(byte));
    // Bounded, so that a text of nothing but beginnings takes no longer than another one.
    let body = rest[shape.prefix.len()..].iter().take(MAX_KEY_BYTES).take_while(|byte| belongs(byte)).count();
    *steps += body;
    let length = shape.prefix.len() + body;
    if !(shape.least..=shape.most).contains(&length) || rest.get(length).copied().is_some_and(is_word) {
        return None;
    }
    let inside = &rest[shape.prefix.len()..length];
    if shape.body == Body::DashedRun && !has_run(inside) {
        return None;
    }
    let found = std::str::from_utf8(&rest[..length]).ok()?;
    if shape.kind == "strongroom" && token::id_of(found).is_none() {
        return None;
    }
    let is_deepseek = shape.prefix == "sk-"
        && inside.len() == 32
        && inside.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let kind = if is_deepseek { "deepseek" } else { shape.kind };
    is_varied(inside).then_some(Hit { kind, text: found, at })
}

/// Whether a key with dashes has the mark of OpenAI or a long run within, and both letters and digits.
fn has_run(body: &[u8]) -> bool {
    let is_run = |run: &[u8]| run.len() >= MIN_RUN_BYTES;
    body.windows(OPENAI_MARK.len()).any(|window| window == OPENAI_MARK)
        || body.split(|byte| b"-_".contains(byte)).any(is_run)
}

/// Whether there are more than four different bytes: what repeats one or two stands for a key in an example.
fn is_varied(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    body.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count() > 4
}

/// The text as UTF-8 when it is in UTF-16: with a byte order mark, or told by the zeros of its first thousand bytes.
#[must_use]
pub fn in_eight_bits(bytes: &[u8]) -> Cow<'_, [u8]> {
    let start = &bytes[..bytes.len().min(1024)];
    let zeros = |offset: usize| {
        let of_offset = start.iter().skip(offset).step_by(2);
        (of_offset.clone().filter(|byte| **byte == 0).count(), of_offset.count())
    };
    let most = |(zeros, all): (usize, usize)| all >= 8 && zeros * 10 >= all * 8;
    let (unit, skipped): (fn([u8; 2]) -> u16, usize) = match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Cow::Borrowed(bytes),
        [0xff, 0xfe, ..] => (u16::from_le_bytes, 2),
        [0xfe, 0xff, ..] => (u16::from_be_bytes, 2),
        _ if most(zeros(1)) && !most(zeros(0)) => (u16::from_le_bytes, 0),
        _ if most(zeros(0)) && !most(zeros(1)) => (u16::from_be_bytes, 0),
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[skipped..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String =
        char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

#[cfg(test)]
mod tests;
