//! The server itself: health, metrics, description, and who the caller is.

mod docs;
mod health;
mod metrics;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(show::show))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::docs))
}
