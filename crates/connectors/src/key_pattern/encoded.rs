//! Keys within base64: the values of Kubernetes' Secrets, `Authorization: Basic`, files that hold other files.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use strongroom_model::Secret;
use zeroize::Zeroizing;

use super::find;

/// Base64 that begins anywhere, with whatever stands behind its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The shortest run that can hold a key: they have 32 bytes at the least. Digests in hexadecimal of 20 bytes are shorter.
const MIN_RUN_BYTES: usize = 43;

/// Bytes before a run in which the name of its key is looked for.
const MAX_NAME_BYTES: usize = 64;

/// A key within base64.
#[derive(Debug)]
pub struct EncodedHit {
    /// Whose key it is: a provider's name, or `strongroom`.
    pub kind: &'static str,
    /// The key itself.
    pub key: Secret,
    /// Where the base64 begins, in bytes.
    pub at: usize,
    /// Bytes of the base64, without its padding.
    pub length: usize,
}

/// Every key within base64, in their order.
#[must_use]
pub fn find_encoded(text: &[u8]) -> Vec<EncodedHit> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(*byte);
        let length = text[at..].iter().take_while(belongs).count();
        if length >= MIN_RUN_BYTES {
            look(text, at, length, &mut found);
        }
        at += length + 1;
    }
    found
}

fn look(text: &[u8], at: usize, length: usize, found: &mut Vec<EncodedHit>) {
    // One character alone is no byte.
    let whole = if length % 4 == 1 { length - 1 } else { length };
    let Ok(decoded) = LENIENT.decode(&text[at..at + whole]).map(Zeroizing::new) else { return };
    // Behind its name: that says whose a key without a mark is.
    let before = &text[at.saturating_sub(MAX_NAME_BYTES)..at];
    let name = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let joined = Zeroizing::new([name, &decoded[..]].concat());
    let inside = find(&joined).into_iter().filter(|hit| hit.at >= name.len());
    found.extend(inside.map(|hit| EncodedHit { kind: hit.kind, key: Secret::from(hit.text), at, length }));
}
