//! `GET /openapi.json` and `GET /docs`

use axum::Json;
use axum::response::Html;

use crate::docs_page;

/// Describe the API
#[utoipa::path(get, path = "/openapi.json", tag = "status", responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::api::openapi())
}

/// Describe the API for people
#[utoipa::path(get, path = "/docs", tag = "status", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn docs() -> Html<String> {
    Html(docs_page::render(&crate::api::openapi()))
}
