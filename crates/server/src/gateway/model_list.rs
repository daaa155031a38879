//! The list of models of `/v1`: names that this caller may ask for.

use std::sync::Arc;

use axum::Json;
use axum::response::IntoResponse;
use http::Response;
use serde_json::{Value, json};
use strongroom_model::model_route::ModelAt;
use strongroom_model::provider::KNOWN;
use strongroom_model::{Actor, Problem, Provider};

use super::Gateway;
use super::body_out::BodyOut;
use super::target::resolve;

/// Aliases, and the models with a known price of every provider that this caller is served by, in the shape of
/// <https://platform.openai.com/docs/api-reference/models/list>; each with where it goes and why, and the routes.
pub(super) async fn list(gateway: &Gateway, actor: &Arc<Actor>) -> Result<Response<BodyOut>, Problem> {
    let (calls, names) = (gateway.room.calls(Arc::clone(actor)), &gateway.options.names);
    let mut data = Vec::new();
    for name in names.aliases.names() {
        let mut found = resolve(name, names, &calls).await?;
        let is_there = !found.is_empty();
        found.retain(|at| actor.scope.permits_model(&at.provider, Some(&at.model)));
        if is_there && found.is_empty() {
            continue;
        }
        data.push(model(name, "strongroom", found.iter().map(goes_to).collect()));
    }
    for known in KNOWN {
        let provider = Provider::of_known(known.name);
        if calls.serves(&provider).await? {
            for name in gateway.room.prices().models_of(&provider) {
                if !actor.scope.permits_model(&provider, Some(name)) {
                    continue;
                }
                let goes = json!({ "provider": provider.as_str(), "model": name, "because": "known" });
                data.push(model(&format!("{provider}/{name}"), provider.as_str(), vec![goes]));
            }
        }
    }
    let routes: Vec<_> = names
        .routes
        .patterns()
        .map(|(pattern, provider)| json!({ "pattern": pattern, "provider": provider.as_str() }))
        .collect();
    let list = json!({ "object": "list", "data": data, "strongroom": { "routes": routes } });
    Ok(Json(list).into_response().map(BodyOut::Plain))
}

fn goes_to(at: &ModelAt) -> Value {
    json!({ "provider": at.provider.as_str(), "model": at.model, "because": at.because.word() })
}

fn model(id: &str, owner: &str, goes_to: Vec<Value>) -> Value {
    let more = json!({ "goesTo": goes_to });
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner, "strongroom": more })
}
