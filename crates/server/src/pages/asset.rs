//! `GET /dashboard/assets/{file}`

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use strongroom_dashboard::asset;
use strongroom_model::Problem;

use crate::http::problem::Answer;

pub(super) async fn serve(Path(file): Path<String>) -> Answer<Response> {
    let asset =
        asset::find(&file).ok_or_else(|| Problem::not_found("there is no such file; load the page again"))?;
    // Its name is that of its content, so that it never becomes old.
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}
