//! `/api/admin/sessions`

mod offer;
mod offered;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(offer::offer)).routes(routes!(offered::offered))
}
