//! The HTTP API, one endpoint per file.

pub mod access;
mod ai;
mod alert;
mod audit;
mod backup;
mod credential;
mod docs_page;
mod key;
mod leak;
mod limit;
mod me;
mod route;
mod secret;
mod session;
mod status;
mod token;
mod usage;
mod user;
mod version;

use axum::http::{Method, StatusCode};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::figure;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{RefOr, Responses, Schema};
use utoipa::{IntoResponses, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::http::problem::Failure;
use crate::state::AppState;
use access::route::Access;

/// The description of the API, before the routes are added.
#[derive(OpenApi)]
#[openapi(
    components(schemas(ProblemBody)),
    info(
        title = "strongroom",
        description = "Keeps a team's AI API keys sealed in a database, lets programs use them without seeing them, \
                       and counts and limits exactly what each one spends.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "credentials", description = "Managing credentials"),
        (name = "secrets", description = "Reading keys; every read counts one use"),
        (name = "tokens", description = "Managing tokens"),
        (name = "sessions", description = "Signing in to the dashboard"),
        (name = "users", description = "Managing users"),
        (name = "ai", description = "Asking models"),
        (name = "limits", description = "Limits on credentials, tokens and users"),
        (name = "routes", description = "Routing of models' names"),
        (name = "usage", description = "Usage and its costs"),
        (name = "me", description = "The caller, of whatever role"),
        (name = "alerts", description = "Alerts, and whom they are told"),
        (name = "audit", description = "The audit trail"),
        (name = "backup", description = "Backups"),
        (name = "leaks", description = "Leaked keys"),
        (name = "keys", description = "Encryption keys"),
        (name = "status", description = "The server itself")
    )
)]
struct Description;

/// Every route with its description.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(description())
        .merge(credential::routes())
        .merge(version::routes())
        .merge(secret::routes())
        .merge(token::routes())
        .merge(session::routes())
        .merge(user::routes())
        .merge(ai::routes())
        .merge(limit::routes())
        .merge(route::routes())
        .merge(usage::routes())
        .merge(me::routes())
        .merge(alert::routes())
        .merge(audit::routes())
        .merge(backup::routes())
        .merge(leak::routes())
        .merge(key::routes())
        .merge(status::routes())
}

fn description() -> utoipa::openapi::OpenApi {
    let mut description = Description::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A strongroom token (`sr_…`), or a JWT under `JWT_SECRET`"))
        .build();
    description
        .components
        .get_or_insert_default()
        .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    description
}

/// The OpenAPI 3.1 description of every route.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = routes().into_openapi();
    describe_figures(&mut api);
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            if access::route::find(&method, path).is_none_or(|route| route.access != Access::Public) {
                operation.security = Some(vec![SecurityRequirement::new("bearer", [""; 0])]);
                operation.responses.responses.extend(Failure::responses());
            }
            describe_statuses(&mut operation.responses);
        }
    }
    api
}

/// Schemas whose fields are figures, which are defined in one place.
const WITH_FIGURES: [&str; 7] =
    ["Usage", "UsageRow", "UsageLatency", "UsageForecast", "LimitHistory", "LimitSample", "LimitRefusals"];

fn describe_figures(api: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &mut api.components else { return };
    for (name, schema) in &mut components.schemas {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        if !WITH_FIGURES.contains(&name.as_str()) {
            continue;
        }
        for (field, property) in &mut object.properties {
            let (Some(figure), RefOr::T(Schema::Object(property))) = (figure::of_field(field), property)
            else {
                continue;
            };
            let of_field = property.description.take().unwrap_or_default();
            property.description =
                Some(format!("{of_field} {}: {}", figure.title, figure.words).trim().to_owned());
        }
    }
}

/// OpenAPI 3.1 requires a description of each response; where none is written the status says it.
fn describe_statuses(responses: &mut Responses) {
    for (status, response) in &mut responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let reason =
                status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
            response.description = reason.unwrap_or("Answer").to_owned();
        }
    }
}

/// The same as JSON.
#[must_use]
pub fn openapi_json() -> String {
    openapi().to_pretty_json().unwrap_or_default()
}
