//! The router: every handler behind the door.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

use super::{AppState, door};

/// What an ordinary body may weigh.
const BODY: usize = 1024 * 1024;
/// The longest that a request may take to the head of its answer: a live test may wait 30 seconds for a provider.
const PATIENCE: Duration = Duration::from_secs(60);

/// The whole API.
pub fn router(state: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(state.clone(), door::guard))
        .fallback(door::nowhere)
        .method_not_allowed_fallback(door::wrong_method)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .layer(CatchPanicLayer::custom(door::after_panic))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(state)
}

/// The handlers and their description.
pub fn routes() -> OpenApiRouter<AppState> {
    crate::api::routes()
}
