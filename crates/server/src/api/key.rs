//! Encryption keys: `/api/admin/encryption-keys`, and a fresh master key.

mod generate;
mod list;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(generate::generate)).routes(routes!(list::list))
}
