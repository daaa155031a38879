//! Keys without a mark of their own, found behind a name that says whose key follows.

use strongroom_model::provider::UNMARKED_KEYS;

use super::{Hit, is_varied, is_word};

/// Bytes before a key in which its name is looked for: a name, signs and quotes.
const MAX_NAME_BYTES: usize = 64;

/// The key that begins here, when what stands before it on its line names its provider.
pub(super) fn hit<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let rest = &text[at..];
    let length = rest.iter().take(longest() + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    *steps += length;
    if !UNMARKED_KEYS.iter().any(|key| key.length == length)
        || rest.get(length).is_some_and(|byte| is_word(*byte) || *byte == b'-')
    {
        return None;
    }
    let before = &text[at.saturating_sub(MAX_NAME_BYTES)..at];
    *steps += before.len();
    let name = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    let has = |word: &str| name.windows(word.len()).any(|window| window == word.as_bytes());
    let is_assigned = name.iter().any(|byte| b"=:,(".contains(byte)) || has("%3d") || has("bearer");
    let body = &rest[..length];
    let found = UNMARKED_KEYS.iter().find(|it| {
        it.length == length && has(it.word) && (!it.is_hex || body.iter().all(u8::is_ascii_hexdigit))
    })?;
    let is_key = is_assigned
        && (has("key") || has("token") || has("secret") || has("bearer"))
        && body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_alphabetic)
        && is_varied(body);
    let text = std::str::from_utf8(body).ok()?;
    is_key.then_some(Hit { kind: found.kind, text, at, is_shared: false })
}

fn longest() -> usize {
    UNMARKED_KEYS.iter().map(|key| key.length).max().unwrap_or(0)
}
