//! The ways in which a program may write a secret without meaning to, for any stretch of its bytes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How a secret was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Plain,
    /// With its letters turned into capitals or small letters.
    CaseFolded,
    /// Last character first.
    Reversed,
    /// RFC 4648 §4 or §5 (safe in URLs), at any of the three alignments.
    Base64,
    /// Two digits per byte, small or capital.
    Hexadecimal,
    /// `%` and two digits, for reserved characters only or for all of them (RFC 3986 §2.1).
    PercentEncoded,
    /// Inside a JSON string (RFC 8259 §7), with `\u` for some characters or for all.
    JsonEscaped,
    /// A list of decimal numbers, as a byte buffer prints itself.
    ByteList,
    /// Two bytes per character, low byte first.
    Utf16,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain text",
            Self::CaseFolded => "text with folded case",
            Self::Reversed => "reversed text",
            Self::Base64 => "base64",
            Self::Hexadecimal => "hexadecimal digits",
            Self::PercentEncoded => "percent-encoded text",
            Self::JsonEscaped => "JSON-escaped text",
            Self::ByteList => "a list of byte values",
            Self::Utf16 => "UTF-16",
        })
    }
}

/// Every pattern that shows `window`, whatever stands before and after it, plainest first.
pub(super) fn forms(window: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let mut forms = vec![
        (Form::Plain, window.to_vec()),
        (Form::CaseFolded, window.to_ascii_lowercase()),
        (Form::CaseFolded, window.to_ascii_uppercase()),
        (Form::Reversed, window.iter().rev().copied().collect()),
        (Form::Hexadecimal, each(window, |byte| format!("{byte:02x}"))),
        (Form::Hexadecimal, each(window, |byte| format!("{byte:02X}"))),
        (Form::PercentEncoded, each_reserved(window, |byte| format!("%{byte:02X}"))),
        (Form::PercentEncoded, each_reserved(window, |byte| format!("%{byte:02x}"))),
        (Form::PercentEncoded, each(window, |byte| format!("%{byte:02X}"))),
        (Form::PercentEncoded, each(window, |byte| format!("%{byte:02x}"))),
        (Form::JsonEscaped, json(window, "/")),
        (Form::JsonEscaped, json(window, "\\/")),
        (Form::JsonEscaped, each(window, |byte| format!("\\u00{byte:02x}"))),
        (Form::JsonEscaped, each(window, |byte| format!("\\u00{byte:02X}"))),
        (Form::ByteList, list(window, ",")),
        (Form::ByteList, list(window, ", ")),
        (Form::Utf16, window.iter().flat_map(|byte| [*byte, 0]).collect()),
    ];
    for before in 0..3 {
        forms.push((Form::Base64, base64_middle(&STANDARD_NO_PAD, window, before)));
        forms.push((Form::Base64, base64_middle(&URL_SAFE_NO_PAD, window, before)));
    }
    forms
}

fn each(window: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    window.iter().map(|byte| write(*byte)).collect::<String>().into_bytes()
}

fn each_reserved(window: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    each(window, |byte| if unreserved(byte) { char::from(byte).to_string() } else { write(byte) })
}

fn json(window: &[u8], slash: &str) -> Vec<u8> {
    window
        .iter()
        .flat_map(|byte| match byte {
            b'"' => b"\\\"".to_vec(),
            b'\\' => b"\\\\".to_vec(),
            b'\n' => b"\\n".to_vec(),
            b'\r' => b"\\r".to_vec(),
            b'\t' => b"\\t".to_vec(),
            b'/' => slash.as_bytes().to_vec(),
            control if control.is_ascii_control() => format!("\\u{control:04x}").into_bytes(),
            other => vec![*other],
        })
        .collect()
}

fn list(window: &[u8], separator: &str) -> Vec<u8> {
    window.iter().map(u8::to_string).collect::<Vec<String>>().join(separator).into_bytes()
}

/// The base64 digits that `window` alone decides when `before` bytes of its group of three stand before it: a digit
/// holds six bits, so the first and last ones may depend on the neighbours.
fn base64_middle(alphabet: &impl Engine, window: &[u8], before: usize) -> Vec<u8> {
    let padded = [vec![0; before], window.to_vec()].concat();
    let first = (before * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    alphabet.encode(&padded).into_bytes()[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;
    use crate::planted_secret::{PlantedSecret, Scanner};

    /// All special characters of the encodings, so that each one really changes the text.
    const RANDOM: &str = r#"aB3"dE/6\gH+9?kL~m"N_o&P"#;

    /// The forms found in `text`, and the longest run.
    fn found(text: impl AsRef<[u8]>) -> (Vec<Form>, usize) {
        let scanner = Scanner::new([&PlantedSecret::existing("secret", "", RANDOM)]);
        let findings = scanner.scan("sink", text.as_ref());
        let mut forms: Vec<Form> = findings.iter().map(|finding| finding.form).collect();
        forms.dedup();
        (forms, findings.iter().map(|finding| finding.run).max().unwrap_or(0))
    }

    #[test]
    fn base64_is_found_at_every_alignment_in_both_alphabets() {
        for before in ["", "x", "xy", "xyz", "{\"key\":\""] {
            for after in ["", "1", "12"] {
                let text = format!("{before}{RANDOM}{after}");
                assert_eq!(found(STANDARD.encode(&text)), (vec![Form::Base64], RANDOM.len()), "{text}");
                assert_eq!(found(URL_SAFE.encode(&text)), (vec![Form::Base64], RANDOM.len()), "{text}");
            }
        }
    }

    #[test]
    fn a_partial_secret_is_found_in_base64() {
        assert_eq!(found(STANDARD.encode(&RANDOM[5..17])), (vec![Form::Base64], 12));
        assert_eq!(found(STANDARD.encode(&RANDOM[5..15])), (vec![], 0));
    }

    #[test]
    fn every_other_form_is_found_whole() {
        let bytes = RANDOM.as_bytes();
        let hex =
            |separator: &str| bytes.iter().map(|byte| format!("{separator}{byte:02x}")).collect::<String>();
        let json = serde_json::to_string(RANDOM).expect("JSON");
        let reversed: String = RANDOM.chars().rev().collect();
        let utf16: Vec<u8> = RANDOM.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (text, form) in [
            (RANDOM.into(), Form::Plain),
            (RANDOM.to_uppercase().into(), Form::CaseFolded),
            (RANDOM.to_lowercase().into(), Form::CaseFolded),
            (reversed.into_bytes(), Form::Reversed),
            (hex("").into_bytes(), Form::Hexadecimal),
            (hex("").to_uppercase().into(), Form::Hexadecimal),
            (hex("%").into_bytes(), Form::PercentEncoded),
            (b"aB3%22dE%2F6%5CgH%2B9%3FkL~m%22N_o%26P".to_vec(), Form::PercentEncoded),
            (json.clone().into_bytes(), Form::JsonEscaped),
            (json.replace('/', "\\/").into_bytes(), Form::JsonEscaped),
            (hex("\\u00").into_bytes(), Form::JsonEscaped),
            (format!("{bytes:?}").into_bytes(), Form::ByteList),
            (serde_json::to_vec(bytes).expect("JSON"), Form::ByteList),
            (utf16, Form::Utf16),
        ] {
            let (forms, run) = found(&text);
            assert!(forms.contains(&form), "{form} in {}: {forms:?}", String::from_utf8_lossy(&text));
            assert_eq!(run, RANDOM.len(), "{form}");
        }
    }
}
