//! `GET /dashboard/start`: first steps.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use strongroom::usage::Dim;
use strongroom_dashboard::page::start::Start;
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Millis, Role};

use super::range;
use super::visit::{Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;

pub(super) async fn show(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let now = state.room.now().await?;
    let service = state.room.credentials(visit.actor());
    let first = service.list(&CredentialFilter::default(), 0, 1).await?.items.pop();
    let first = match first {
        None => None,
        Some(one) => {
            let (_, versions) = service.versions(one.id).await?;
            let current = versions.iter().find(|version| version.uid == one.version);
            let said =
                current.and_then(|version| version.probed.as_ref()).map(|(outcome, _)| outcome.as_str());
            Some((one.id, one.name, matches!(said, Some("ok" | "rate_limited"))))
        }
    };
    let tokens = state.room.tokens(visit.actor()).list().await?;
    let tokens = tokens.iter().filter(|it| it.token.is_alive(now) && it.token.role == Role::Gateway).count();
    let days = range::last(DAYS, now);
    let used = state.room.usage(visit.actor()).sums(Dim::Day, days.from, days.to).await?;
    let called = used
        .iter()
        .filter(|day| day.figures.requests > 0)
        .filter_map(|day| day.group_key.parse().ok().map(Millis))
        .min();
    let page = Start {
        viewer: &visit.viewer(),
        variables: &state.provider_variables,
        first,
        tokens,
        called,
        base_url: &visit.site.origin,
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}
