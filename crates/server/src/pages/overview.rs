//! `GET /dashboard`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom::usage::{Conditions, GroupBy, Order, SeriesQuestion, Split};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::overview::{DAYS, MAX_CREDENTIALS, Overview};
use strongroom_model::audit::Filter;
use strongroom_model::credential::CredentialFilter;

use super::range;
use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Entries of the trail that are shown.
const ENTRIES: i64 = 6;

pub(super) async fn show(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let viewer = visit.viewer();
    if Place::first_of(viewer.role) != Place::Overview {
        return Ok(Redirect::to(Place::first_of(viewer.role).path()).into_response());
    }
    let now = state.room.now().await?;
    let (month, before) = range::this_month_and_before(now);
    let days = range::last(DAYS, now);
    let usage = state.room.usage(visit.actor());
    let credentials = state.room.credentials(visit.actor());
    let credentials = credentials.list(&CredentialFilter::default(), 0, MAX_CREDENTIALS).await?;
    let has_more_credentials = credentials.next.is_some();
    let with_cooldown = |one: strongroom::Credential| {
        let cooldown = state.room.cooldown_of(&one);
        (one, cooldown)
    };
    let credentials: Vec<_> = credentials.items.into_iter().map(with_cooldown).collect();
    let by_credential = SeriesQuestion {
        split: Split::Credential,
        conditions: Conditions::default(),
        from: days.from,
        to: days.to,
        order: Order::Cost,
    };
    let page = Overview {
        viewer: &viewer,
        now,
        days: &usage.days_by_provider(days.from, days.to).await?,
        by_credential: &usage.series(&by_credential).await?,
        range: (days.from, days.to),
        this_month: &usage.sums(GroupBy::Provider, month.from, month.to).await?,
        month_before: &usage.sums(GroupBy::Provider, before.from, before.to).await?,
        credentials: &credentials,
        has_more_credentials,
        limits: &state.room.limits(visit.actor()).list().await?,
        changes: &state.room.audit().list(&Filter::default(), true, None, ENTRIES).await?.items,
    };
    Ok(Html(page.render()).into_response())
}
