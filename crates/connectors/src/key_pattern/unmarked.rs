//! Keys without a mark of their own, found behind a name that says whose key follows.

use super::{Hit, is_varied, is_word};

/// A word in the name before the key, and the one length that the key has.
struct Unmarked {
    word: &'static str,
    kind: &'static str,
    length: usize,
    is_hex: bool,
}

/// Lengths and alphabets: the providers' consoles, and what gitleaks and trufflehog look for.
const UNMARKED: [Unmarked; 4] = [
    Unmarked { word: "mistral", kind: "mistral", length: 32, is_hex: false },
    Unmarked { word: "cohere", kind: "cohere", length: 40, is_hex: false },
    Unmarked { word: "co_api_key", kind: "cohere", length: 40, is_hex: false },
    Unmarked { word: "together", kind: "together", length: 64, is_hex: true },
];

/// Lengths that any of them has.
const LENGTHS: [usize; 3] = [32, 40, 64];

/// Bytes before a key in which its name is looked for: a name, signs and quotes.
const MAX_NAME_BYTES: usize = 64;

/// The key that begins here, when what stands before it on its line names its provider.
pub(super) fn hit<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let rest = &text[at..];
    let length = rest.iter().take(LENGTHS[2] + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    *steps += length;
    if !LENGTHS.contains(&length) || rest.get(length).is_some_and(|byte| is_word(*byte) || *byte == b'-') {
        return None;
    }
    let before = &text[at.saturating_sub(MAX_NAME_BYTES)..at];
    *steps += before.len();
    let name = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    let has = |word: &str| name.windows(word.len()).any(|window| window == word.as_bytes());
    let is_assigned = name.iter().any(|byte| b"=:,(".contains(byte)) || has("%3d") || has("bearer");
    let body = &rest[..length];
    let found = UNMARKED.iter().find(|it| {
        it.length == length && has(it.word) && (!it.is_hex || body.iter().all(u8::is_ascii_hexdigit))
    })?;
    let is_key = is_assigned
        && (has("key") || has("token") || has("secret") || has("bearer"))
        && body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_alphabetic)
        && is_varied(body);
    let text = std::str::from_utf8(body).ok()?;
    is_key.then_some(Hit { kind: found.kind, text, at })
}
