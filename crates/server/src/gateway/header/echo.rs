//! A provider that repeats the key that it was called with does not hand it to the program.

mod parts;

use std::cell::{LazyCell, OnceCell};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;
use strongroom_connectors::escaped_text::{Lines, View};
use strongroom_model::Secret;

use self::parts::{Parts, Pieces, may_have_part};
use super::passed;
use crate::gateway::body::Coding;

/// Stands in the place of the key.
const MASK: &[u8] = b"****";
/// A key that is shorter than this is no secret, and would be found in words that are none.
const MIN_KEY_BYTES: usize = 8;
/// Times that escapes are taken off: JSON in JSON in JSON, a URL within a URL.
const MAX_LAYERS: usize = 5;
/// Times that an error is unpacked which is still packed when its coding is off.
const MAX_PACKINGS: usize = 3;
/// Bytes of what is packed that are looked at.
const MAX_UNPACKED_BYTES: usize = 1024 * 1024;

/// A key as it may stand in a text: by itself, in hexadecimal digits, and in base64 with whatever before and behind it.
fn forms(key: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![key.to_vec(), hex_of(key).into_bytes()];
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

/// Adds the places where the key stands in hexadecimal digits of either case, with whatever signs between them.
fn find_hex(view: &View<'_>, key: &[u8], found: &mut Vec<Range<usize>>) {
    let hex = hex_of(key);
    let first = hex[..2].to_uppercase();
    if [&hex[..2], first.as_str()].iter().any(|pair| memmem::find(&view.seen, pair.as_bytes()).is_some()) {
        view.hex_digits().find(&[hex.into_bytes()], false, found);
    }
}

fn hex_of(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Times that codings in base64 are looked into, one within the other.
const MAX_CODINGS: usize = 4;

/// A key, and what is looked for of it; made when it is first needed.
struct Sought<'k> {
    key: &'k [u8],
    forms: OnceCell<Vec<Vec<u8>>>,
    parts: OnceCell<Parts>,
}

impl<'k> Sought<'k> {
    fn new(key: &'k [u8]) -> Self {
        Self { key, forms: OnceCell::new(), parts: OnceCell::new() }
    }

    fn forms(&self) -> &[Vec<u8>] {
        self.forms.get_or_init(|| forms(self.key))
    }

    /// A text without the key, in whichever form and escapes it stands there, and without parts of it; `None` when it does not. `is_cut`
    /// says that the text goes on, so that a beginning of the key at its end counts too.
    fn without(&self, text: &[u8], is_cut: bool) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        self.places(text, is_cut, MAX_CODINGS, &mut found);
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|range| range.start);
        let (mut kept, mut at, mut begun) = (Vec::with_capacity(text.len()), 0, false);
        for range in found {
            // What overlaps is one.
            if range.start >= at && (range.start > at || !begun) {
                kept.extend_from_slice(&text[at..range.start.min(text.len())]);
                kept.extend_from_slice(MASK);
                begun = true;
            }
            at = at.max(range.end.min(text.len()));
        }
        kept.extend_from_slice(&text[at..]);
        Some(kept)
    }

    /// Adds the places in a text.
    fn places(&self, text: &[u8], is_cut: bool, codings: usize, found: &mut Vec<Range<usize>>) {
        let look = |view: &View<'_>, is_cut: bool, found: &mut Vec<Range<usize>>| {
            view.find(self.forms(), is_cut, found);
            find_hex(view, self.key, found);
            let parts = self.parts.get_or_init(|| Parts::of(self.key, &self.forms()[1..]));
            parts.find(&view.seen, &mut |range| found.push(view.range(range)));
        };
        let plain = View::plain(text);
        look(&plain, is_cut, found);
        for (mark, view) in [(b'\\', View::json as fn(_) -> _), (b'%', View::percent)] {
            if memchr::memchr(mark, text).is_some() {
                view(text).find(self.forms(), is_cut, found);
            }
        }
        if codings > 0 {
            self.look_into_codings(&plain, codings, found);
        }
        // What is escaped twice, or in several ways at once, and what has signs within that nobody sees.
        let mut layer: View<'_> = plain;
        for _ in 0..MAX_LAYERS {
            let Some(next) = layer.without_escapes(Lines::Joined) else { break };
            layer = next;
            look(&layer, is_cut, found);
            if codings > 0 {
                self.look_into_codings(&layer, codings, found);
            }
        }
    }

    /// Adds the runs of base64 that hold the key.
    fn look_into_codings(&self, view: &View<'_>, codings: usize, found: &mut Vec<Range<usize>>) {
        parts::decoded(&view.seen, &mut |run, decoded| {
            let mut within = Vec::new();
            self.places(decoded, false, codings - 1, &mut within);
            if !within.is_empty() {
                found.push(view.range(run));
            }
        });
    }
}

/// Takes the key out of a provider's headers.
pub(in crate::gateway) fn mask_headers(headers: &mut HeaderMap, key: &Secret) {
    let key = key.expose().as_bytes();
    if key.len() < MIN_KEY_BYTES {
        return;
    }
    let sought = Sought::new(key);
    let pieces = LazyCell::new(|| Pieces::of(key));
    // In no form is it shorter, and most headers are; a part of it is seen at once.
    let may_hold =
        |value: &[u8]| value.len() >= key.len() || (may_have_part(value) && pieces.may_be_in(value));
    for value in headers.values_mut().filter(|value| may_hold(value.as_bytes())) {
        if let Some(masked) = sought.without(value.as_bytes(), false) {
            *value = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static("****"));
        }
    }
    // A name cannot be masked; in one all letters are small ones. Those that are listed are nobody's invention.
    if headers.keys().all(|name| passed::is_named_from_provider(name.as_str())) {
        return;
    }
    let lower = key.to_ascii_lowercase();
    let pieces = Pieces::of(&lower);
    let may_hold = |name: &&HeaderName| {
        let name = name.as_str().as_bytes();
        name.len() >= key.len() || pieces.may_be_in(name)
    };
    let forms: Vec<_> = sought.forms().iter().map(|form| form.to_ascii_lowercase()).collect();
    let holds = |name: &&HeaderName| {
        let name = name.as_str().as_bytes();
        forms.iter().any(|form| memmem::find(name, form).is_some()) || sought.without(name, false).is_some()
    };
    let named: Vec<_> = headers.keys().filter(may_hold).filter(holds).cloned().collect();
    for name in named {
        headers.remove(name);
    }
}

/// Tells whether what an answer says of itself, such as the name of its model, holds the key or a part of it.
pub(in crate::gateway) fn holds_key(text: &str, key: &Secret) -> bool {
    let key = key.expose().as_bytes();
    let text = text.as_bytes();
    // Written in another way it is longer, and of one word.
    let may_hold = key.len() >= MIN_KEY_BYTES
        && (may_have_part(text) || text.len() >= key.len())
        && (has_word(text, key.len()) || Pieces::of(key).may_be_in(text));
    may_hold && Sought::new(key).without(text, false).is_some()
}

/// Bytes that a word is made of.
const OF_WORD: [bool; 256] = {
    let (mut of_word, mut byte) = ([false; 256], 0_u8);
    loop {
        of_word[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'\\' | b'%' | b'&' | b'#' | b';');
        if byte == u8::MAX {
            break of_word;
        }
        byte += 1;
    }
};

/// Tells whether a text has a word of so many bytes. What is between the ends of a window is read only if it may be one.
fn has_word(text: &[u8], length: usize) -> bool {
    let mut start = 0;
    while let Some(window) = text.get(start..start + length) {
        match window.iter().rposition(|byte| !OF_WORD[usize::from(*byte)]) {
            Some(at) => start += at + 1,
            None => return true,
        }
    }
    false
}

/// An error's body without the key. `is_cut` says that there was more of it.
pub(in crate::gateway) fn masked(body: Bytes, key: &Secret, is_cut: bool) -> Bytes {
    let key = key.expose().as_bytes();
    if key.len() < MIN_KEY_BYTES {
        return body;
    }
    let sought = Sought::new(key);
    if let Some(coding) = Coding::of_packed(&body) {
        return unpacked(&body, coding, &sought).unwrap_or(body);
    }
    if let Some(masked) = sought.without(&body, is_cut) {
        return Bytes::from(masked);
    }
    if holds_in_sixteen_bits(&body, &sought) { Bytes::from_static(MASK) } else { body }
}

/// Tells whether a text of sixteen bits (UTF-16, either order) holds the key with signs within that nobody sees, which have as many
/// bits: where it stands is not looked for.
fn holds_in_sixteen_bits(body: &[u8], sought: &Sought<'_>) -> bool {
    if memchr::memchr(0, body).is_none() {
        return false;
    }
    [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes].into_iter().any(|unit| {
        let units: Vec<u16> = body.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
        sought.without(String::from_utf16_lossy(&units).as_bytes(), false).is_some()
    })
}

/// What is packed in an error, without the key; `None` when the key is not in it. One that is packed too often holds whatever.
fn unpacked(body: &[u8], coding: Coding, sought: &Sought<'_>) -> Option<Bytes> {
    let (mut inside, mut is_cut) = coding.decoded_beginning(body, MAX_UNPACKED_BYTES);
    for _ in 1..MAX_PACKINGS {
        let Some(coding) = Coding::of_packed(&inside) else {
            return sought.without(&inside, is_cut).map(Bytes::from);
        };
        (inside, is_cut) = coding.decoded_beginning(&inside, MAX_UNPACKED_BYTES);
    }
    match Coding::of_packed(&inside) {
        Some(_) => Some(Bytes::from_static(MASK)),
        None => sought.without(&inside, is_cut).map(Bytes::from),
    }
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

    /// Escapes of whole texts, which may stand within each other.
    const ESCAPES: [fn(&str) -> String; 9] = [
        |text| {
            let json = serde_json::Value::from(text).to_string();
            json[1..json.len() - 1].to_owned()
        },
        |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        |text| text.bytes().map(|byte| format!("\\x{byte:02X}")).collect(),
        |text| text.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        |text| text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        |text| text.replace('%', "%25").replace('-', "%2D"),
        |text| text.chars().map(|sign| format!("&#{};", u32::from(sign))).collect(),
        |text| text.chars().map(|sign| format!("&#X{:x};", u32::from(sign))).collect(),
        |text| text.replace('&', "&amp;").replace('-', "&hyphen;").replace('_', "&lowbar;"),
    ];

    /// A key in codings that are broken up, or have signs within that nobody sees.
    fn broken(key: &str) -> Vec<String> {
        let lines = |text: &str, length: usize, between: &str| {
            let lines: Vec<_> = text
                .as_bytes()
                .chunks(length)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            lines.join(between)
        };
        let hex = hex_of(key.as_bytes());
        let coded = STANDARD_NO_PAD.encode(key);
        vec![
            lines(&coded, 19, "\n"),
            lines(&coded, 8, "\r\n"),
            lines(&hex, 2, ":"),
            lines(&hex.to_uppercase(), 2, " "),
            lines(&hex, 4, "-"),
            hex.char_indices()
                .map(|(at, it)| if at % 3 == 0 { it.to_ascii_uppercase() } else { it })
                .collect(),
            key.bytes().map(|byte| format!("0x{byte:X}, ")).collect(),
            lines(key, 5, "\u{200b}"),
            lines(key, 1, "\u{ad}"),
            lines(key, 9, "\r\n"),
            key.to_owned(),
        ]
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    proptest::proptest! {
        /// Whatever is escaped, escaped again, broken up and written in sixteen bits, is read by whoever is sent it.
        #[test]
        fn no_layers_of_escapes_hide_the_key(
            key in "sk-[a-zA-Z0-9_-]{20,60}[a-zA-Z0-9]{2}", kind in 0..11_usize, layers in proptest::collection::vec(0..9_usize, 0..3),
            is_wide in proptest::bool::ANY,
        ) {
            let text = layers.iter().fold(broken(&key).swap_remove(kind), |text, layer| ESCAPES[*layer](&text));
            let text = format!("no such key: {text}. Ask for one");
            // What is left of a coding's ends is as long as its escapes make it.
            let grown = layers.iter().fold("=".to_owned(), |text, layer| ESCAPES[*layer](&text)).len();
            let body = if is_wide { utf16(&text) } else { text.into_bytes() };
            let left = masked(Bytes::from(body.clone()), &Secret::from(key.as_str()), false);
            let most = (48 + 4 * grown) * if is_wide { 2 } else { 1 };
            proptest::prop_assert!(left.len() < most, "{:?}: {:?}", body, left);
            proptest::prop_assert!(memmem::find(&left, MASK).is_some());
        }
    }

    #[test]
    fn what_is_packed_in_an_error_is_looked_into() {
        use std::io::Write;

        let key = Secret::from("sk-proj-0123456789");
        let packed = |text: &[u8]| {
            let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packing.write_all(text).unwrap();
            packing.finish().unwrap()
        };
        let mut body = b"for sk-proj-0123456789!".to_vec();
        for times in 1..6 {
            body = packed(&body);
            let left = masked(Bytes::from(body.clone()), &key, false);
            assert_eq!(left, if times < 4 { &b"for ****!"[..] } else { MASK }, "{times}");
        }
        let other = Bytes::from(packed(b"no such model"));
        assert_eq!(masked(other.clone(), &key, false), other);
    }

    #[test]
    fn a_header_that_is_called_like_the_key_is_left_out() {
        let key = Secret::from("sk-proj-AbCdEf0123456789");
        let mut headers = HeaderMap::new();
        for name in [
            "x-ratelimit-sk-proj-abcdef0123456789".to_owned(),
            format!("x-ratelimit-{}", hex_of(key.expose().as_bytes())),
            "x-ratelimit-remaining-requests".to_owned(),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
        }
        mask_headers(&mut headers, &key);
        let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-ratelimit-remaining-requests"]);
    }

    /// Ways in which a text may write a key apart, of which each lets a reader have it.
    fn apart(key: &str) -> Vec<String> {
        use base64::engine::general_purpose::STANDARD;
        let twice = |text: &[u8]| STANDARD.encode(STANDARD.encode(text));
        let joined = |between: &str| key.chars().map(String::from).collect::<Vec<_>>().join(between);
        let codes =
            |between: &str| key.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(between);
        let utf16: Vec<u8> = utf16(key);
        vec![
            twice(key.as_bytes()),
            twice(format!("Bearer {key}").as_bytes()),
            STANDARD.encode(twice(format!("u:{key}").as_bytes())),
            URL_SAFE_NO_PAD.encode(STANDARD_NO_PAD.encode(key)),
            STANDARD.encode(hex_of(key.as_bytes())),
            STANDARD.encode(&utf16),
            STANDARD.encode(key.replace('-', "\\u002d")),
            key.to_uppercase(),
            key.to_lowercase(),
            key.replace('-', "+AC0-").replace('_', "+AF8-"),
            joined(" "),
            joined("\n"),
            joined("."),
            serde_json::json!(key.chars().map(String::from).collect::<Vec<_>>()).to_string(),
            serde_json::json!(key.as_bytes()).to_string(),
            codes(" "),
            codes("\\n"),
            key.replace('-', " "),
            key[..20].to_owned(),
            format!("{}****{}", &key[..16], &key[key.len() - 4..]),
            key[key.len() - 16..].to_owned(),
            format!("{}\",\"f\":\"{}", &key[..key.len() / 2], &key[key.len() / 2..]),
            hex_of(&key.as_bytes()[3..23]),
            STANDARD.encode(&key[..24]),
            format!("\u{1b}[31m{}\u{1b}[0m{}", &key[..9], &key[9..]),
        ]
    }

    /// The most letters and digits of the key in a row that a text shows.
    fn shown(text: &[u8], key: &str) -> usize {
        (1..=key.len())
            .take_while(|length| {
                key.as_bytes().windows(*length).any(|part| memmem::find(text, part).is_some())
            })
            .last()
            .unwrap_or(0)
    }

    proptest::proptest! {
        #[test]
        fn no_key_that_is_written_apart_and_no_long_part_of_one_is_left(
            key in "(sk-|sk-proj-|gsk_|)[a-zA-Z0-9]{12}[-_][a-zA-Z0-9]{18,60}", before in "[a-z {}:]{0,20}", is_json in proptest::bool::ANY,
        ) {
            for written in apart(&key) {
                let text = if is_json {
                    serde_json::json!({ "error": { "message": format!("{before} {written} !") } }).to_string()
                } else {
                    format!("{before} {written} !")
                };
                let left = masked(Bytes::from(text.clone()), &Secret::from(key.as_str()), false);
                proptest::prop_assert!(memmem::find(&left, MASK).is_some(), "{text}: {left:?}");
                proptest::prop_assert!(shown(&left, &key) < 14, "{text}: {left:?}");
                proptest::prop_assert!(left.len() < before.len() + 120, "{text}: {left:?}");
            }
        }

        #[test]
        fn a_part_in_a_header_or_its_name_goes(key in "sk-[a-zA-Z0-9_-]{36,60}", from in 0..40_usize, length in 14..30_usize) {
            let from = from.min(key.len() - length.min(key.len() / 2));
            let part = &key[from..key.len().min(from + length)];
            proptest::prop_assume!(part.bytes().filter(u8::is_ascii_alphanumeric).count() >= 13);
            let mut headers = HeaderMap::new();
            headers.append("x-request-id", part.parse().unwrap());
            headers.append("x-other", "req_0f3ac91be87d24560f3ac91be87d2456".parse().unwrap());
            headers.append(format!("x-ratelimit-{}", part.to_lowercase()).parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
            mask_headers(&mut headers, &Secret::from(key.as_str()));
            proptest::prop_assert!(!headers["x-request-id"].to_str().unwrap().contains(part));
            proptest::prop_assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id", "x-other"]);
            proptest::prop_assert_eq!(&headers["x-other"], "req_0f3ac91be87d24560f3ac91be87d2456");
        }

        #[test]
        fn a_name_that_is_the_key_is_no_name(key in "(sk-|)[a-zA-Z0-9]{12}[-_][a-zA-Z0-9]{18,60}") {
            let secret = Secret::from(key.as_str());
            for written in apart(&key).into_iter().chain([key.clone(), format!("model-{key}")]).filter(|it| !it.contains('\n')) {
                let raw = serde_json::json!({ "prompt_tokens": 10, "note": written }).to_string();
                proptest::prop_assert!(written.len() < key.len() || holds_key(&raw, &secret) || written.contains([' ', ',', '"', '.', '\u{1b}']), "{raw}");
            }
            for name in ["gpt-4o-mini-2024-07-18", "claude-sonnet-4-5-20250929", "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", ""] {
                proptest::prop_assert!(!holds_key(name, &secret));
            }
            let usage = r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"accepted_prediction_tokens":0}}"#;
            proptest::prop_assert!(!holds_key(usage, &secret));
        }
    }

    #[test]
    fn what_providers_say_of_themselves_and_of_a_key_in_short_stays() {
        let key = Secret::from("sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6");
        for text in [
            r#"{"error":{"message":"Incorrect API key provided: sk-proj-********o5P6. You can find your API key at https://platform.openai.com/account/api-keys.","code":"invalid_api_key"}}"#,
            r#"{"error":{"message":"Project `proj_0123456789abcdef` does not have access to model gpt-4o-2024-08-06","request_id":"req_0f3ac91be87d24560f3ac91be87d2456"}}"#,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"1 + 2 = 3 - ok, [1, 2, 45, 115]"},"id":"YWJjZGVmZ2hpamtsbW5vcA=="}"#,
        ] {
            assert_eq!(masked(Bytes::from_static(text.as_bytes()), &key, false), text);
        }
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
