//! `GET /openapi.json` and `GET /docs`

use std::sync::LazyLock;

use axum::Json;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use crate::api::docs_page;

/// Show the OpenAPI description
#[utoipa::path(get, path = "/openapi.json", tag = "status", operation_id = "show_openapi", responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::api::openapi())
}

/// Show the API reference
#[utoipa::path(get, path = "/docs", tag = "status", operation_id = "show_docs", responses((status = 200, body = String, content_type = "text/html")))]
pub(super) async fn docs() -> Response {
    // The same for everybody, so it is made once.
    static PAGE: LazyLock<String> = LazyLock::new(|| docs_page::render(&crate::api::openapi()));
    let headers = [
        (header::CONTENT_SECURITY_POLICY, docs_page::CONTENT_SECURITY_POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(PAGE.as_str())).into_response()
}
