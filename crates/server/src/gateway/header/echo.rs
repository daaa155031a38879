//! A provider that repeats the key that it was called with does not hand it to the program.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use memchr::memmem;
use strongroom_model::Secret;

/// Stands in the place of the key.
const MASK: &[u8] = b"****";
/// A key that is shorter than this is no secret, and would be found in words that are none.
const MIN_KEY_BYTES: usize = 8;
/// A shorter beginning of a key, at the end of a text that was cut, tells nothing.
const MIN_BEGINNING_BYTES: usize = 4;

/// A text as one of its readers sees it, and where each byte of that begins in the text itself.
struct View<'t> {
    seen: Cow<'t, [u8]>,
    /// Empty when it is the text itself.
    begins: Vec<usize>,
    /// Where what is seen ends in the text: an escape that was cut is behind it.
    end: usize,
}

impl<'t> View<'t> {
    fn plain(text: &'t [u8]) -> Self {
        Self { seen: Cow::Borrowed(text), begins: Vec::new(), end: text.len() }
    }

    /// Reads escapes: `unit` takes one byte, or one escape, off the beginning of the rest, and says how long it was; `None`
    /// for an escape that is not whole.
    fn read(text: &'t [u8], unit: impl Fn(&[u8]) -> Option<(Option<u8>, usize)>) -> Self {
        let (mut seen, mut begins, mut at) = (Vec::with_capacity(text.len()), Vec::new(), 0);
        while let Some((byte, length)) = text.get(at..).filter(|rest| !rest.is_empty()).and_then(&unit) {
            if let Some(byte) = byte {
                seen.push(byte);
                begins.push(at);
            }
            at += length;
        }
        Self { seen: Cow::Owned(seen), begins, end: at }
    }

    /// As a reader of JSON sees it (RFC 8259, section 7).
    fn json(text: &'t [u8]) -> Self {
        Self::read(text, |rest| match rest {
            [b'\\', b'u', digits @ ..] => {
                let digits = std::str::from_utf8(digits.get(..4)?).ok();
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                // No key has anything but ASCII in it.
                Some((code.and_then(|code| u8::try_from(code).ok()).or(Some(0)), 6))
            }
            [b'\\', byte, ..] => Some((Some(*byte), 2)),
            [b'\\'] => None,
            [byte, ..] => Some((Some(*byte), 1)),
            [] => None,
        })
    }

    /// As a reader of a URL sees it (RFC 3986, section 2.1).
    fn percent(text: &'t [u8]) -> Self {
        Self::read(text, |rest| match rest {
            [b'%', digits @ ..] => {
                let digits = std::str::from_utf8(digits.get(..2)?).ok();
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                Some(byte.map_or((Some(b'%'), 1), |byte| (Some(byte), 3)))
            }
            [byte, ..] => Some((Some(*byte), 1)),
            [] => None,
        })
    }

    /// As a reader of UTF-16 or UTF-32 sees its ASCII.
    fn wide(text: &'t [u8]) -> Self {
        Self::read(text, |rest| rest.first().map(|byte| (Some(*byte).filter(|byte| *byte != 0), 1)))
    }

    /// A place in the text itself.
    fn begin(&self, place: usize) -> usize {
        match place {
            place if place >= self.seen.len() => self.end,
            place if self.begins.is_empty() => place,
            place => self.begins[place],
        }
    }

    /// Adds the places in the text where one of these forms stands, and where the text ends within one.
    fn find(&self, forms: &[Vec<u8>], is_cut: bool, found: &mut Vec<Range<usize>>) {
        for form in forms {
            let mut from = 0;
            while let Some(at) = memmem::find(&self.seen[from..], form) {
                let (start, end) = (from + at, from + at + form.len());
                found.push(self.begin(start)..self.begin(end));
                from = end;
            }
            let longest = form.len().min(self.seen.len());
            let ends_within = |length: &usize| self.seen.ends_with(&form[..*length]);
            if is_cut && let Some(length) = (MIN_BEGINNING_BYTES..=longest).rev().find(ends_within) {
                found.push(self.begin(self.seen.len() - length)..usize::MAX);
            }
        }
    }
}

/// A key as it may stand in a text: by itself, in hexadecimal digits, and in base64 with whatever before and behind it.
fn forms(key: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![key.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for before in 0..3 {
        let bytes = [&vec![0; before], key].concat();
        // Characters that hold bits of its neighbours are not the key's alone.
        let (first, whole) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            let own = text.as_bytes()[first..whole].to_vec();
            if !forms.contains(&own) {
                forms.push(own);
            }
        }
    }
    forms
}

/// A text without the key, in whichever form and escapes it stands there; `None` when it does not. `is_cut` says that the text
/// goes on, so that a beginning of the key at its end counts too.
fn without(text: &[u8], key: &[u8], is_cut: bool) -> Option<Vec<u8>> {
    let forms = forms(key);
    let mut found = Vec::new();
    View::plain(text).find(&forms, is_cut, &mut found);
    for (mark, view) in [(b'\\', View::json as fn(_) -> _), (b'%', View::percent), (0, View::wide)] {
        if text.contains(&mark) {
            view(text).find(&forms, is_cut, &mut found);
        }
    }
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|range| range.start);
    let (mut kept, mut at) = (Vec::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= at {
            kept.extend_from_slice(&text[at..range.start.min(text.len())]);
            kept.extend_from_slice(MASK);
        }
        at = at.max(range.end.min(text.len()));
    }
    kept.extend_from_slice(&text[at..]);
    Some(kept)
}

/// Takes the key out of a provider's headers.
pub(in crate::gateway) fn mask_headers(headers: &mut HeaderMap, key: &Secret) {
    let key = key.expose().as_bytes();
    if key.len() < MIN_KEY_BYTES {
        return;
    }
    // In no form is it shorter; most headers are.
    for value in headers.values_mut().filter(|value| value.len() >= key.len()) {
        if let Some(masked) = without(value.as_bytes(), key, false) {
            *value = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static("****"));
        }
    }
}

/// An error's body without the key. `is_cut` says that there was more of it.
pub(in crate::gateway) fn masked(body: Bytes, key: &Secret, is_cut: bool) -> Bytes {
    let key = key.expose().as_bytes();
    if key.len() < MIN_KEY_BYTES {
        return body;
    }
    without(&body, key, is_cut).map_or(body, Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_holds_the_key_loses_it() {
        let key = Secret::from("sk-proj-0123456789");
        let mut headers = HeaderMap::new();
        headers.append("x-request-id", HeaderValue::from_static("for sk-proj-0123456789!"));
        headers.append("x-request-id", HeaderValue::from_static("req_1"));
        let coded = format!("Basic {}", STANDARD_NO_PAD.encode("user:sk-proj-0123456789"));
        headers.append("x-request-id", coded.parse().unwrap());
        mask_headers(&mut headers, &key);
        let left: Vec<_> = headers.get_all("x-request-id").iter().collect();
        assert_eq!(left[..2], ["for ****!", "req_1"]);
        assert!(left[2].to_str().unwrap().contains("****"), "{left:?}");
    }

    #[test]
    fn what_holds_no_key_is_not_copied() {
        let body = Bytes::from_static(br#"{"error":{"message":"no such model\n100%\u00e4"}}"#);
        for is_cut in [false, true] {
            let same = masked(body.clone(), &Secret::from("sk-proj-0123456789"), is_cut);
            assert_eq!(same.as_ptr(), body.as_ptr());
        }
        assert_eq!(masked(Bytes::from_static(b"a word"), &Secret::from("word"), false), "a word");
        // Whole, an end that looks like a beginning of the key is a word of the provider's.
        let whole = Bytes::from_static(b"not of the form sk-proj");
        assert_eq!(masked(whole.clone(), &Secret::from("sk-proj-0123456789"), false), whole);
        assert_eq!(masked(whole, &Secret::from("sk-proj-0123456789"), true), "not of the form ****");
    }

    /// Every way in which a text may hold a key.
    fn written(key: &str) -> Vec<Vec<u8>> {
        let json = serde_json::Value::from(key).to_string();
        let escapes =
            |escape: &dyn Fn(u8) -> String| key.bytes().map(escape).collect::<String>().into_bytes();
        let utf16 = |order: fn(u16) -> [u8; 2]| key.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        vec![
            key.as_bytes().to_vec(),
            json.as_bytes()[1..json.len() - 1].to_vec(),
            json.as_bytes()[1..json.len() - 1]
                .to_vec()
                .iter()
                .flat_map(|byte| match byte {
                    b'/' => b"\\/".to_vec(),
                    byte => vec![*byte],
                })
                .collect(),
            escapes(&|byte| format!("\\u{byte:04x}")),
            escapes(&|byte| {
                if byte == b'-' {
                    "\\u002D".to_owned()
                } else {
                    serde_json::Value::from(char::from(byte).to_string())
                        .to_string()
                        .trim_matches('"')
                        .to_owned()
                }
            }),
            escapes(&|byte| format!("%{byte:02X}")),
            escapes(&|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02x}")
                }
            }),
            escapes(&|byte| format!("{byte:02x}")),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            STANDARD_NO_PAD.encode(key).into_bytes(),
            STANDARD_NO_PAD.encode(format!("Bearer {key}")).into_bytes(),
            URL_SAFE_NO_PAD.encode(format!("ab:{key}:cd")).into_bytes(),
        ]
    }

    proptest::proptest! {
        #[test]
        fn no_text_holds_the_key_in_any_usual_form(
            key in "[!#-$&-\\[\\]-~]{16,60}", before in "[a-z {}:]{0,40}", after in "[a-z {}:]{0,40}", times in 1..4_usize,
        ) {
            for form in written(&key) {
                let body = [before.as_bytes(), &form, after.as_bytes()].concat().repeat(times);
                let left = masked(Bytes::from(body), &Secret::from(key.as_str()), false);
                // Of base64 and a doubled escape, characters at the ends are shared with what stands beside it.
                let inner = &form[4..form.len() - 4];
                proptest::prop_assert!(memmem::find(&left, inner).is_none(), "{form:?}: {left:?}");
            }
        }

        #[test]
        fn wherever_a_text_is_cut_no_beginning_of_the_key_is_left(
            key in "sk-[a-zA-Z0-9-]{16,60}", before in "[{}:]{0,40}", at in 0..1000_usize,
        ) {
            for form in written(&key) {
                let mut body = [before.as_bytes(), &form].concat();
                let kept = before.len() + at % form.len();
                body.truncate(kept);
                let left = masked(Bytes::from(body), &Secret::from(key.as_str()), true);
                let begun = form[..kept - before.len()].to_vec();
                let told = left.strip_prefix(before.as_bytes()).unwrap_or(&left);
                // Of an escape, six bytes are one; of base64 the first characters are not the key's alone.
                proptest::prop_assert!(told.len() <= 24 || told.len() < begun.len() / 2, "{begun:?}: {left:?}");
            }
        }
    }
}
