//! Pages of a list: how long they may be, and where the next one is (RFC 8288).

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use strongroom_model::Problem;
use strongroom_model::page::MAX_LIMIT;

/// Checks the length that a caller asks for.
///
/// # Errors
/// [`Problem`] on the field `limit`.
pub fn check_limit(limit: i64) -> Result<i64, Problem> {
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid("limit", format!("limit must be 1 to {MAX_LIMIT}")))
}

/// Names the next page, which is the same query from another cursor on.
pub fn link_next(response: &mut Response, path: &str, next: &impl Serialize) {
    let query = serde_urlencoded::to_string(next).unwrap_or_default();
    if let Ok(link) = HeaderValue::from_str(&format!("<{path}?{query}>; rel=\"next\"")) {
        response.headers_mut().insert(header::LINK, link);
    }
}
