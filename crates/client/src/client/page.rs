//! Pages of a list: reading one, and where the next starts.

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use serde::de::DeserializeOwned;
use url::Url;

use super::ClientError;
use super::request::decode;

/// Items that one request fetches when a whole list is wanted.
pub(super) const PAGE_SIZE: i64 = 1000;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The start of the next page: the `cursor` to ask with. `None` at the end.
    pub next: Option<i64>,
}

impl<T: DeserializeOwned> Page<T> {
    pub(super) fn read(answer: &Response<Bytes>) -> Result<Self, ClientError> {
        Ok(Self { items: decode(answer)?, next: next_cursor(answer.headers()) })
    }
}

/// The cursor in `Link: <…?cursor=N>; rel="next"` (RFC 8288). Only the number is taken, never the address: a
/// token goes where its owner sends it, not where an answer points.
fn next_cursor(headers: &HeaderMap) -> Option<i64> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let next = values.flat_map(|value| value.split(',')).find(|link| {
        let parameters = link.split(';').skip(1);
        parameters
            .map(|text| text.trim().to_ascii_lowercase())
            .any(|text| text == "rel=\"next\"" || text == "rel=next")
    })?;
    let target = next.split(';').next()?.trim().strip_prefix('<')?.strip_suffix('>')?;
    let url = Url::parse("http://localhost").ok()?.join(target).ok()?;
    url.query_pairs().find(|(key, _)| key == "cursor").and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_taken_from_the_link_that_says_next() {
        let cases = [
            (r#"</api/x?limit=2&cursor=42>; rel="next""#, Some(42)),
            (r#"<https://vault.example/api/x?cursor=7>; rel=next"#, Some(7)),
            (r#"</api/x?cursor=1>; rel="prev", </api/x?cursor=3>; rel="next""#, Some(3)),
            (r#"</api/x?cursor=1>; rel="prev""#, None),
            (r#"</api/x?cursor=abc>; rel="next""#, None),
            ("nonsense", None),
        ];
        for (link, expected) in cases {
            let headers = HeaderMap::from_iter([(header::LINK, link.parse().unwrap())]);
            assert_eq!(next_cursor(&headers), expected, "{link}");
        }
    }
}
