//! `GET /api/admin/credentials`

use async_stream::try_stream;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use strongroom::CredentialService;
use strongroom_client::wire::credential::{Credential, ListCredentials};
use strongroom_model::credential::CredentialFilter;
use strongroom_model::page::Page;
use strongroom_model::{Problem, Provider};

use crate::http::extract::{Caller, Query};
use crate::http::paging::{check_limit, link_next};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Credentials read at a time while the whole list is streamed.
const CREDENTIALS_PER_READ: i64 = 500;

/// List credentials
///
/// Without `limit` the whole list; with it a page, and the next one in the header `Link`.
#[utoipa::path(
    get,
    path = "/api/admin/credentials",
    tag = "credentials",
    operation_id = "list_credentials",
    params(ListCredentials),
    responses(
        (status = 200, body = Vec<Credential>, headers(("Link" = String, description = "The next page, when there is one")))
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListCredentials>,
) -> Answer<Response> {
    let filter = CredentialFilter {
        provider: query.provider.as_deref().map(Provider::parse).transpose()?,
        is_active: query.is_active,
        name_prefix: text("q", query.q.clone())?,
        name: text("name", query.name.clone())?,
    };
    let service = state.room.credentials(actor);
    let Some(limit) = query.limit else {
        let first = service.list(&filter, query.cursor.unwrap_or(0), CREDENTIALS_PER_READ).await?;
        return Ok(stream(service, filter, first));
    };
    let limit = check_limit(limit)?;
    let page = service.list(&filter, query.cursor.unwrap_or(0), limit).await?;
    let body: Vec<_> = page.items.iter().map(super::wire).collect();
    let mut response = Json(body).into_response();
    if let Some(next) = page.next {
        let next = ListCredentials { cursor: Some(next), ..query };
        link_next(&mut response, "/api/admin/credentials", &next);
    }
    Ok(response)
}

/// No database text holds a NUL, so nothing can match one.
fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.contains('\0') => {
            Err(Problem::invalid(field, format!("{field} must not hold NUL")))
        }
        other => Ok(other),
    }
}

/// The whole list as it is read: memory does not grow with it.
fn stream(
    service: CredentialService,
    filter: CredentialFilter,
    first: Page<strongroom::Credential>,
) -> Response {
    let pieces = try_stream! {
        let mut page = first;
        let mut is_first = true;
        yield Bytes::from_static(b"[");
        loop {
            let mut piece = Vec::new();
            for credential in &page.items {
                if !is_first {
                    piece.push(b',');
                }
                is_first = false;
                serde_json::to_writer(&mut piece, &super::wire(credential)).map_err(std::io::Error::other)?;
            }
            yield Bytes::from(piece);
            let Some(next) = page.next else { break };
            page = service.list(&filter, next, CREDENTIALS_PER_READ).await.map_err(std::io::Error::other)?;
        }
        yield Bytes::from_static(b"]");
    };
    let pieces: std::pin::Pin<Box<dyn futures::Stream<Item = std::io::Result<Bytes>> + Send>> =
        Box::pin(pieces);
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
}
