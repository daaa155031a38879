//! `/api/me`: everybody about themselves, and about nobody else.

mod limits;
mod record;
mod records;
mod show;
mod usage;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show::show))
        .routes(routes!(usage::usage))
        .routes(routes!(records::records))
        .routes(routes!(record::record))
        .routes(routes!(limits::limits))
}
