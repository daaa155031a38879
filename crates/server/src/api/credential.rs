//! `/api/admin/credentials`

mod create;
mod delete;
mod freeze;
mod health;
mod import;
mod list;
mod reset;
mod show;
mod test;
mod update;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use strongroom_client::wire;
use strongroom_model::credential::Credential;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(reset::reset_monthly_usage))
        .routes(routes!(import::import))
        .routes(routes!(health::health))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(test::test))
        .routes(routes!(freeze::freeze))
        .routes(routes!(freeze::unfreeze))
}

pub(super) fn wire(credential: &Credential) -> wire::credential::Credential {
    wire::credential::Credential {
        id: credential.id.0,
        uid: credential.uid.to_string(),
        name: credential.name.clone(),
        provider: credential.provider.to_string(),
        endpoint: credential.endpoint.clone(),
        priority: credential.priority,
        is_active: credential.is_active,
        frozen_at: credential.frozen_at,
        is_global: credential.is_global,
        user_id: credential.user.map(|user| user.0),
        usage_count: credential.usage_count,
        current_month_usage: credential.current_month_usage,
        rate_limit: credential.rate_limit,
        last_used: credential.last_used,
        created_at: credential.created_at,
        updated_at: credential.updated_at,
        revision: credential.revision,
        version: credential.version_number,
    }
}

fn with_etag(mut response: Response, revision: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
