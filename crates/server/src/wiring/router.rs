//! The router: every handler of the API behind access control.

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::{self, access};
use crate::pages;
use crate::state::AppState;

/// The longest ordinary body, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The whole API.
pub(super) fn router(state: AppState) -> Router {
    let (router, _) = api::routes().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(state.clone(), access::guard))
        .merge(pages::router(state.clone()))
        .fallback(access::nowhere)
        .method_not_allowed_fallback(access::wrong_method)
        .layer(CatchPanicLayer::custom(access::after_panic))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}
