//! `/api/admin/credentials`

mod create;
mod delete;
mod deleted;
mod freeze;
mod health;
mod health_changes;
mod import;
mod list;
mod offboard;
mod purge;
mod reset;
mod show;
mod test;
mod undelete;
mod unused;
mod update;

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use strongroom_client::wire;
use strongroom_client::wire::version::StagedVersion;
use strongroom_model::credential::Credential;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{self, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) use test::live;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(reset::reset_monthly_usage))
        .routes(routes!(import::import))
        .routes(routes!(offboard::offboard))
        .routes(routes!(health::health))
        .routes(routes!(health_changes::health_changes))
        .routes(routes!(deleted::deleted))
        .routes(routes!(unused::unused))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(test::test))
        .routes(routes!(undelete::undelete))
        .routes(routes!(purge::purge))
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
        staged: credential
            .staged
            .map(|staged| StagedVersion { version: staged.number, percent: staged.percent }),
        expires_at: credential.expires_at,
        rotate_after_days: credential.rotate_after_days,
        rotation_due: credential.rotation_due(),
        rotate_with: credential.minter.as_ref().map(|minter| wire::credential::RotateWith {
            credential_id: minter.id.0,
            project: minter.project.clone(),
        }),
        tags: credential.tags.pairs().clone(),
    }
}

/// A credential after a change, with its new revision as `ETag`.
pub(super) struct Changed(pub(super) Credential);

impl IntoResponse for Changed {
    fn into_response(self) -> Response {
        with_etag(Json(wire(&self.0)).into_response(), self.0.revision)
    }
}

impl IntoResponses for Changed {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let schema = Ref::from_schema_name(wire::credential::Credential::name());
        let etag = HeaderBuilder::new().schema(Some(String::schema())).description(Some("The new revision"));
        let response = ResponseBuilder::new()
            .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
            .header("ETag", etag.build());
        BTreeMap::from([("200".to_owned(), response.into())])
    }
}

fn with_etag(mut response: Response, revision: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
