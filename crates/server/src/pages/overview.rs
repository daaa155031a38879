//! `GET /dashboard`

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom::alert::{IncidentFilter, Standing};
use strongroom::usage::hours::{HourDim, HourSums, HoursQuery, MonthForecast};
use strongroom::usage::{Dim, Grain, Order, SeriesQuestion, SumsFilter, UsageService};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert_list::ON_OVERVIEW;
use strongroom_dashboard::page::overview::{MAX_CREDENTIALS, Overview};
use strongroom_dashboard::range::Slots;
use strongroom_model::audit::Filter;
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Millis, Problem};
use tokio::sync::Mutex;

use super::range::{self, RangeQuery};
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Entries of the trail that are shown.
const ENTRIES: i64 = 6;
/// Sums of very many hours are made once in so long, in milliseconds.
const LATELY_MS: i64 = 15_000;

/// Sums of the hours of all usage, as of a while ago: they are the same for whoever sees the page.
#[derive(Debug, Default)]
pub(super) struct Lately(Mutex<Option<Arc<Sums>>>);

#[derive(Debug)]
struct Sums {
    made: Millis,
    forecast: MonthForecast,
    /// The last 24 hours, by provider.
    last_day: Vec<HourSums>,
}

impl Lately {
    async fn sums(&self, usage: &UsageService, now: Millis) -> Result<Arc<Sums>, Problem> {
        let mut known = self.0.lock().await;
        // A clock that was set back makes them old, too.
        if let Some(sums) = known.as_ref().filter(|sums| (0..LATELY_MS).contains(&(now.0 - sums.made.0))) {
            return Ok(Arc::clone(sums));
        }
        let (from, to) = last_day(now);
        let by_provider = HoursQuery {
            by: HourDim::Provider,
            split: None,
            provider: None,
            model: None,
            source: None,
            from,
            to,
        };
        let mut last_day = usage.hours(&by_provider).await?;
        last_day.sort_by_key(|sums| std::cmp::Reverse(sums.figures.client_requests));
        let sums = Arc::new(Sums { made: now, forecast: usage.forecast().await?, last_day });
        *known = Some(Arc::clone(&sums));
        Ok(sums)
    }
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Extension(lately): Extension<Arc<Lately>>,
    QueryOf(query): QueryOf<RangeQuery>,
) -> Answer<Response> {
    let viewer = visit.viewer();
    if Place::first_of(viewer.role) != Place::Overview {
        return Ok(Redirect::to(Place::first_of(viewer.role).path()).into_response());
    }
    let now = state.room.now().await?;
    let (month, before) = range::this_month_and_before(now);
    let (range, slots, problem) = query.slots(now);
    let usage = state.room.usage(visit.actor());
    let credentials = state.room.credentials(visit.actor());
    let credentials = credentials.list(&CredentialFilter::default(), 0, MAX_CREDENTIALS).await?;
    let has_more_credentials = credentials.next.is_some();
    let known = state.room.known_health().await?;
    let with_cooldown = |one: strongroom::Credential| {
        let cooldown = known.of(&one);
        (one, cooldown)
    };
    let credentials: Vec<_> = credentials.items.into_iter().map(with_cooldown).collect();
    let by = |by, Slots { from, to, grain }| SeriesQuestion {
        by,
        filter: SumsFilter::default(),
        from,
        to,
        order: Order::Cost,
        grain,
        with_latency: false,
    };
    // Of very many the ranking of a job is taken, which is some minutes old.
    let by_credential = if has_more_credentials {
        usage.top_credentials((slots.from, slots.to), slots.grain).await?
    } else {
        usage.series(&by(Dim::Credential, slots)).await?
    };
    let lately = lately.sums(&usage, now).await?;
    let alerts = state.room.alerts(visit.actor());
    let firing = IncidentFilter { standing: Some(Standing::Firing), ..IncidentFilter::default() };
    let page = Overview {
        viewer: &viewer,
        now,
        by_provider: &usage.series(&by(Dim::Provider, slots)).await?,
        by_credential: &by_credential,
        range: &range,
        slots,
        problem: problem.as_ref().map(|problem| problem.message.as_str()),
        last_day: &lately.last_day,
        forecast: &lately.forecast,
        this_month: &usage.total(month.from, month.to).await?,
        month_before: &usage.total(before.from, before.to).await?,
        credentials: &credentials,
        has_more_credentials,
        limits: &state.room.limits(visit.actor()).fullest().await?,
        firing: &alerts.list(&firing, ON_OVERVIEW).await?,
        alerts: &alerts.count().await?,
        changes: &state.room.audit().list(&Filter::default(), true, None, ENTRIES).await?.items,
    };
    Ok(Html(page.render()).into_response())
}

/// The last 24 hours.
fn last_day(now: Millis) -> (Millis, Millis) {
    let to = now.0 - now.0.rem_euclid(Grain::Hour.ms()) + Grain::Hour.ms();
    (Millis(to - Grain::Day.ms()), Millis(to))
}
