//! A provider that repeats the key that it was called with does not hand it to the program.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use strongroom_model::Secret;

/// Stands in the place of the key.
const MASK: &[u8] = b"****";
/// A key that is shorter than this is no secret, and would be found in words that are none.
const MIN_KEY_BYTES: usize = 8;

/// The place where `what` begins in a text.
fn place(text: &[u8], what: &[u8]) -> Option<usize> {
    // Most headers are shorter than a key.
    if text.len() < what.len() {
        return None;
    }
    text.windows(what.len()).position(|window| window == what)
}

fn replaced(text: &[u8], what: &[u8]) -> Option<Vec<u8>> {
    let mut rest = text;
    let mut at = place(rest, what)?;
    let mut kept = Vec::with_capacity(text.len());
    loop {
        kept.extend_from_slice(&rest[..at]);
        kept.extend_from_slice(MASK);
        rest = &rest[at + what.len()..];
        match place(rest, what) {
            Some(next) => at = next,
            None => break,
        }
    }
    kept.extend_from_slice(rest);
    Some(kept)
}

/// Takes the key out of a provider's headers.
pub(in crate::gateway) fn mask_headers(headers: &mut HeaderMap, key: &Secret) {
    let key = key.expose().as_bytes();
    if key.len() < MIN_KEY_BYTES {
        return;
    }
    for value in headers.values_mut() {
        if let Some(masked) = replaced(value.as_bytes(), key) {
            *value = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static("****"));
        }
    }
}

/// An error's body without the key: as it is, in JSON's and a URL's escapes, and in base64.
pub(in crate::gateway) fn masked(body: Bytes, key: &Secret) -> Bytes {
    let key = key.expose();
    if key.len() < MIN_KEY_BYTES {
        return body;
    }
    let mut forms = vec![key.as_bytes().to_vec()];
    let mut add = |form: Vec<u8>| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    let quoted = serde_json::Value::from(key).to_string();
    add(quoted[1..quoted.len() - 1].replace('/', "\\/").into_bytes());
    add(quoted.as_bytes()[1..quoted.len() - 1].to_vec());
    add(percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .into_bytes());
    for text in [key.to_owned(), format!("Bearer {key}")] {
        add(STANDARD_NO_PAD.encode(&text).into_bytes());
        add(URL_SAFE_NO_PAD.encode(&text).into_bytes());
    }
    let mut masked = None;
    for form in forms {
        masked = replaced(masked.as_deref().unwrap_or(&body), &form).or(masked);
    }
    masked.map_or(body, Bytes::from)
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
        mask_headers(&mut headers, &key);
        let left: Vec<_> = headers.get_all("x-request-id").iter().collect();
        assert_eq!(left, ["for ****!", "req_1"]);
    }

    #[test]
    fn what_holds_no_key_is_not_copied() {
        let body = Bytes::from_static(br#"{"error":{"message":"no such model"}}"#);
        let same = masked(body.clone(), &Secret::from("sk-proj-0123456789"));
        assert_eq!(same.as_ptr(), body.as_ptr());
        assert_eq!(masked(Bytes::from_static(b"a word"), &Secret::from("word")), "a word");
    }

    proptest::proptest! {
        #[test]
        fn no_error_body_holds_the_key_in_any_usual_form(
            key in "[ -~]{8,60}", before in "[a-z \"{}:]{0,40}", after in "[a-z \"{}:]{0,40}", times in 1..4_usize,
        ) {
            let text = serde_json::Value::from(key.as_str()).to_string();
            let percent = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).to_string();
            for form in [key.clone(), text[1..text.len() - 1].to_owned(), percent, STANDARD_NO_PAD.encode(&key)] {
                let body = format!("{before}{form}{after}").repeat(times);
                let left = masked(Bytes::from(body), &Secret::from(key.as_str()));
                assert!(place(&left, form.as_bytes()).is_none(), "{form}: {left:?}");
            }
        }
    }
}
