//! Keys within base64, and in hexadecimal digits: the values of Kubernetes' Secrets, `Authorization: Basic`, files that hold other files.

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

/// Lines that are read as one: of a file within base64 the beginning.
const MAX_LINES: usize = 256;

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
    /// Bytes of the base64 with what breaks it into lines, and without its padding.
    pub length: usize,
}

/// Every key within base64, also base64 of base64, and in hexadecimal digits, in their order. Base64 that is broken into lines (RFC 2045, section 6.8) is read as one.
#[must_use]
pub fn find_encoded(text: &[u8]) -> Vec<EncodedHit> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = run_at(text, at);
        if length >= MIN_RUN_BYTES {
            let lines = lines_at(text, at, length);
            let before = found.len();
            for (start, length) in &lines {
                look(text, *start, *length, &text[*start..start + length], &mut found);
            }
            if let [_, .., (last, rest)] = *lines
                && found.len() == before
            {
                let joined: Zeroizing<Vec<u8>> = Zeroizing::new(
                    lines.iter().flat_map(|(at, length)| &text[*at..at + length]).copied().collect(),
                );
                look(text, at, last + rest - at, &joined, &mut found);
            }
            let (last, rest) = lines.last().copied().unwrap_or((at, length));
            at = last + rest + 1;
        } else {
            at += length + 1;
        }
    }
    found
}

/// Bytes of base64 that stand here.
fn run_at(text: &[u8], at: usize) -> usize {
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(*byte);
    text[at..].iter().take_while(belongs).count()
}

/// The runs of base64 that is broken into lines, which are of whole groups but for the last: where each begins, and its bytes.
fn lines_at(text: &[u8], at: usize, length: usize) -> Vec<(usize, usize)> {
    let mut lines = vec![(at, length)];
    let mut end = at + length;
    let mut is_whole = length.is_multiple_of(4);
    while is_whole && lines.len() < MAX_LINES {
        let rest = &text[end..];
        let Some(broken) = [&b"\r\n"[..], b"\n"].into_iter().find(|it| rest.starts_with(it)) else { break };
        let start = end + broken.len();
        let start = start + text[start..].iter().take_while(|byte| b" \t".contains(*byte)).count();
        let more = run_at(text, start);
        // A name before a value is none of its lines.
        let is_line = text.get(start + more).is_none_or(|byte| b"=\r\n\"' ".contains(byte));
        if more == 0 || !is_line {
            break;
        }
        lines.push((start, more));
        end = start + more;
        is_whole = more == length;
    }
    lines
}

/// Times that codings within each other are taken off.
const MAX_CODINGS: usize = 3;

/// Looks into what stands at `at` and takes `length` bytes of the text, of which `run` is base64 alone.
fn look(text: &[u8], at: usize, length: usize, run: &[u8], found: &mut Vec<EncodedHit>) {
    // Behind its name: that says whose a key without a mark is.
    let before = &text[at.saturating_sub(MAX_NAME_BYTES)..at];
    let name = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut layer = Zeroizing::new(run.to_vec());
    for _ in 0..MAX_CODINGS {
        let Some(decoded) = decoded(&layer) else { return };
        let joined = Zeroizing::new([name, &decoded[..]].concat());
        let inside = find(&joined).into_iter().filter(|hit| hit.at >= name.len());
        let before = found.len();
        found.extend(inside.map(|hit| EncodedHit {
            kind: hit.kind,
            key: Secret::from(hit.text),
            at,
            length,
        }));
        // What is of base64 alone, but for its lines, is looked into again.
        let is_break = |byte: &u8| b"\r\n=".contains(byte);
        let is_coded =
            decoded.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte) || is_break(byte));
        if found.len() > before || !is_coded {
            return;
        }
        layer = Zeroizing::new(decoded.iter().filter(|byte| !is_break(byte)).copied().collect());
    }
}

/// What a run of base64, or of hexadecimal digits, stands for.
fn decoded(run: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if run.len().is_multiple_of(2) && run.iter().all(u8::is_ascii_hexdigit) {
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        return run.as_chunks::<2>().0.iter().map(byte).collect::<Option<Vec<u8>>>().map(Zeroizing::new);
    }
    // One character alone is no byte.
    let whole = if run.len() % 4 == 1 { run.len() - 1 } else { run.len() };
    LENIENT.decode(&run[..whole]).ok().map(Zeroizing::new)
}
