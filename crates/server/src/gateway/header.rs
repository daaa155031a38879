//! Headers on their way through: whose token, what goes on to the provider, and what comes back.

mod echo;
mod passed;

use std::borrow::Cow;

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::response;
use hyper::ext::ReasonPhrase;
use memchr::memmem;
use strongroom_model::Secret;

use crate::http::authentication::bearer;

pub(super) use echo::{holds_key, masked};

/// Headers that clients put their token in.
const TOKEN: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];
/// Headers by which a caller names an account, a project or whose quota is used.
const ACCOUNT: [&str; 3] = ["openai-organization", "openai-project", "x-goog-user-project"];

/// Tells whether a caller has named an account, which need not be the key's.
pub(super) fn names_an_account(headers: &HeaderMap) -> bool {
    ACCOUNT.iter().any(|name| headers.contains_key(*name))
}

/// Query parameters that are not passed on: those that carry credentials, and those of Google's that would change which figures
/// an answer tells, or what is called, or in whose name (<https://cloud.google.com/apis/docs/system-parameters>).
const KEPT_BACK: [&str; 9] = [
    "key",
    "access_token",
    "oauth_token",
    "fields",
    "callback",
    "quotauser",
    "userip",
    "uploadtype",
    "upload_protocol",
];
/// Google's form of an answer, and the forms that are read here.
const FORM: [&str; 2] = ["alt", "$alt"];
const FORMS: [&str; 3] = ["json", "sse", "json;enum-encoding=int"];

/// Returns the token that a request shows, in whichever place: ours before another's.
pub(super) fn token(headers: &HeaderMap, query: Option<&str>) -> Option<Secret> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(bearer);
    let named = TOKEN.iter().filter_map(|name| headers.get(*name)?.to_str().ok()).map(str::trim);
    let mut first = None;
    for shown in bearer.into_iter().chain(named) {
        if shown.starts_with("sr_") {
            return Some(Secret::from(shown));
        }
        if first.is_none() && !shown.is_empty() {
            first = Some(Secret::from(shown));
        }
    }
    let in_query = || {
        let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
        pairs.find(|(name, _)| name == "key").map(|(_, value)| Secret::new(value.into_owned()))
    };
    first.or_else(in_query)
}

/// Characters behind `sr_` that make a token of what could be a word: it has 62.
const MIN_TOKEN_BYTES: usize = 20;
/// Times that percent signs are taken off a text: once too often does no harm.
const MAX_ENCODINGS: usize = 3;

/// Tells whether a token of ours stands in a text, wherever that is and however often it is percent-encoded.
fn holds_token(text: &[u8]) -> bool {
    let has_token = |text: &[u8]| {
        memmem::find_iter(text, b"sr_").any(|at| {
            let of_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_".contains(*byte);
            text[at + 3..].iter().take_while(of_token).count() >= MIN_TOKEN_BYTES
        })
    };
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_ENCODINGS {
        if has_token(&text) {
            return true;
        }
        if memchr::memchr(b'%', &text).is_none() {
            return false;
        }
        text = Cow::Owned(percent_encoding::percent_decode(&text).collect());
    }
    has_token(&text)
}

/// The query without what carries a credential or changes what an answer tells; `None` when nothing is left.
pub(super) fn query(query: Option<&str>) -> Option<String> {
    let is_kept = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        let (name, value) = (decoded(name).to_ascii_lowercase(), decoded(value));
        let passes = match name.as_str() {
            name if FORM.contains(&name) => FORMS.contains(&&*value),
            name => !name.starts_with('$') && !KEPT_BACK.contains(&name),
        };
        // A token of ours is worth something here, whatever somebody calls it.
        !pair.is_empty() && passes && !value.trim().starts_with("sr_") && !holds_token(pair.as_bytes())
    };
    let kept: Vec<_> = query?.split('&').filter(is_kept).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// The names in `Connection`, which are for one hop as well.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    // Most say only whether the connection stays open.
    let names = values.flat_map(|text| text.split(',')).map(str::trim);
    names
        .filter(|name| !matches!(*name, "keep-alive" | "close"))
        .filter_map(|name| name.parse().ok())
        .collect()
}

/// Takes out of a client's headers what providers do not document: the token, where the call comes from, what would lead it
/// elsewhere, and what is for one hop. The body's own headers are made for each attempt.
pub(super) fn to_provider(headers: &mut HeaderMap) {
    keep(headers, passed::to_provider);
    // Somebody has put it where it does not belong.
    let holds =
        |(name, value): (&HeaderName, &HeaderValue)| holds_token(value.as_bytes()).then(|| name.clone());
    let with_token: Vec<_> = headers.iter().filter_map(holds).collect();
    for name in with_token {
        headers.remove(name);
    }
}

/// Takes out of the head of a provider's answer what is for its own clients, and the key where it is repeated. The reason
/// phrase, which no client needs (RFC 9112, section 4), is the usual one of its status.
pub(super) fn from_provider(head: &mut response::Parts, key: &Secret) {
    head.extensions.remove::<ReasonPhrase>();
    keep(&mut head.headers, passed::from_provider);
    echo::mask_headers(&mut head.headers, key);
}

/// Keeps the headers whose names are listed, less those that `Connection` says are for one hop (RFC 9110, section 7.6.1).
fn keep(headers: &mut HeaderMap, is_listed: impl Fn(&str) -> bool) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    let kept_back: Vec<_> = headers.keys().filter(|name| !is_listed(name.as_str())).cloned().collect();
    for name in kept_back {
        headers.remove(name);
    }
}

/// A credential's name as a header's value: what no header can carry is percent-encoded.
pub(super) fn name_value(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).ok().filter(|_| name.is_ascii()).unwrap_or_else(|| {
        let encoded =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static("-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_is_found_in_all_the_usual_places_and_ours_comes_first() {
        let found = |pairs: &[(&'static str, &str)], query| {
            token(&headers(pairs), query).map(|token| token.expose().to_owned())
        };
        let ours = Some("sr_x".to_owned());
        assert_eq!(found(&[("authorization", "bearer sr_x")], None), ours);
        for name in TOKEN {
            assert_eq!(found(&[(name, "sr_x")], None), ours, "{name}");
        }
        assert_eq!(found(&[("authorization", "Bearer other"), ("x-api-key", "sr_x")], None), ours);
        assert_eq!(found(&[], Some("alt=sse&key=sr_x")), ours);
        assert_eq!(found(&[("authorization", "Bearer a.b.c")], None), Some("a.b.c".to_owned()));
        assert_eq!(found(&[("authorization", "Basic abc")], Some("alt=sse")), None);
    }

    #[test]
    fn the_token_and_what_is_for_one_hop_stay_here() {
        let mut passed = headers(&[
            ("authorization", "Bearer sr_x"),
            ("x-api-key", "sr_x"),
            ("x-goog-api-key", "sr_x"),
            ("connection", "close, x-private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-strongroom-any", "1"),
            ("accept-encoding", "gzip"),
            ("anthropic-beta", "tools-1"),
            ("openai-organization", "org"),
            ("x-goog-user-project", "p"),
            ("content-type", "application/json"),
        ]);
        to_provider(&mut passed);
        let mut names: Vec<_> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["anthropic-beta", "content-type", "openai-organization", "x-goog-user-project"]);
    }

    #[test]
    fn a_header_that_came_several_times_stays_or_passes_as_a_whole() {
        let mut passed = HeaderMap::new();
        for (name, value) in [
            ("x-api-key", "sr_x"),
            ("anthropic-beta", "a"),
            ("x-private", "1"),
            ("x-api-key", "sr_y"),
            ("connection", "x-private"),
            ("anthropic-beta", "b"),
            ("x-private", "2"),
            ("connection", "close"),
        ] {
            passed.append(name, HeaderValue::from_static(value));
        }
        to_provider(&mut passed);
        let left: Vec<_> =
            passed.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("anthropic-beta", "a"), ("anthropic-beta", "b")]);
    }

    #[test]
    fn what_comes_back_is_the_answers_own() {
        let answer = headers(&[
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "a=b"),
            ("x-strongroom-credential", "forged"),
            ("x-ratelimit-remaining", "5"),
            ("anthropic-ratelimit-requests-limit", "5"),
            ("location", "https://elsewhere.invalid"),
            ("access-control-allow-origin", "*"),
            ("server-timing", "a;dur=1"),
            ("request-id", "for sk-of-a-provider"),
        ]);
        let mut response = axum::http::Response::new(());
        *response.headers_mut() = answer;
        response.extensions_mut().insert(ReasonPhrase::from_static(b"sk-of-a-provider"));
        let (mut head, ()) = response.into_parts();
        from_provider(&mut head, &Secret::from("sk-of-a-provider"));
        assert!(head.extensions.get::<ReasonPhrase>().is_none());
        let answer = head.headers;
        let mut names: Vec<_> = answer.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["anthropic-ratelimit-requests-limit", "request-id", "x-ratelimit-remaining"]);
        assert_eq!(answer["request-id"], "for ****");
    }

    #[test]
    fn a_query_loses_what_carries_a_credential() {
        assert_eq!(query(Some("alt=sse&key=sr_x")).as_deref(), Some("alt=sse"));
        assert_eq!(query(Some("k%65y=sr_x&access_token=y&pageSize=5")).as_deref(), Some("pageSize=5"));
        assert_eq!(query(Some("key=sr_x")), None);
        assert_eq!(query(Some("api_key=sr_x&token=%73r_x&limit=%73r_x&after=b")).as_deref(), Some("after=b"));
        let masks = "fields=a&$fields=b&%24fields=c&$httpMethod=PUT&$httpHeaders=x&callback=f&alt=proto&$alt=media&quotaUser=u";
        assert_eq!(query(Some(masks)), None);
        assert_eq!(
            query(Some("alt=sse&fields=a&%24alt=json%3Benum-encoding%3Dint")).as_deref(),
            Some("alt=sse&%24alt=json%3Benum-encoding%3Dint")
        );
        assert_eq!(query(None), None);
    }

    #[test]
    fn our_token_goes_nowhere_whatever_it_is_put_into() {
        let token = strongroom_crypto::token::generate().text;
        let token = token.expose();
        let coded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let twice = coded.replace('%', "%25");
        for name in passed::TO_PROVIDER.iter().copied().chain(["x-stainless-lang"]) {
            for value in [token.to_owned(), format!("x{token}"), format!("a {coded}"), format!("{twice};b")] {
                let mut sent = HeaderMap::new();
                sent.append(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
                to_provider(&mut sent);
                assert!(sent.is_empty(), "{name}: {value}");
                for pair in [format!("token=x{value}"), format!("a=b;token={value}"), value.clone()] {
                    assert_eq!(query(Some(&format!("a=1&{pair}&b=2"))).as_deref(), Some("a=1&b=2"), "{pair}");
                }
            }
        }
        assert_eq!(query(Some("after=usr_abc&id=sr_")).as_deref(), Some("after=usr_abc"));
    }

    #[test]
    fn a_name_becomes_a_headers_value() {
        assert_eq!(name_value("prod-1"), "prod-1");
        assert_eq!(name_value("schlüssel"), "schl%C3%BCssel");
        assert_eq!(name_value("a\nb"), "a%0Ab");
    }
}
