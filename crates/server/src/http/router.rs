//! The router: every handler behind the door.

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use super::{AppState, door};

/// What an ordinary body may weigh.
const BODY: usize = 1024 * 1024;

/// The whole API.
pub fn router(state: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route_layer(middleware::from_fn_with_state(state.clone(), door::guard))
        .fallback(door::nowhere)
        .method_not_allowed_fallback(door::wrong_method)
        .layer(CatchPanicLayer::custom(door::after_panic))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(state)
}

/// The handlers and their description.
pub fn routes() -> OpenApiRouter<AppState> {
    crate::api::routes()
}
