//! `GET /dashboard`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom::alert::{IncidentFilter, Standing};
use strongroom::usage::{Dim, Order, SeriesQuestion, SumsFilter};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert_list::ON_OVERVIEW;
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
    let by = |by| SeriesQuestion {
        by,
        filter: SumsFilter::default(),
        from: days.from,
        to: days.to,
        order: Order::Cost,
    };
    // Of very many the ranking of a job is taken, which is some minutes old.
    let by_credential = if has_more_credentials {
        usage.top_credentials(days.from, days.to).await?
    } else {
        usage.series(&by(Dim::Credential)).await?
    };
    let alerts = state.room.alerts(visit.actor());
    let firing = IncidentFilter { standing: Some(Standing::Firing), ..IncidentFilter::default() };
    let page = Overview {
        viewer: &viewer,
        now,
        by_provider: &usage.series(&by(Dim::Provider)).await?,
        by_credential: &by_credential,
        range: (days.from, days.to),
        this_month: &usage.total(month.from, month.to).await?,
        month_before: &usage.total(before.from, before.to).await?,
        credentials: &credentials,
        has_more_credentials,
        limits: &state.room.limits(visit.actor()).list().await?,
        firing: &alerts.list(&firing, ON_OVERVIEW).await?,
        alerts: &alerts.count().await?,
        changes: &state.room.audit().list(&Filter::default(), true, None, ENTRIES).await?.items,
    };
    Ok(Html(page.render()).into_response())
}
