//! `GET /dashboard/credentials`, and the page of each.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom::credential::Comparison;
use strongroom::health::{Cooldown, KnownHealth};
use strongroom::usage::{Dim, Grain, Order, SeriesQuestion, SeriesReport, of_credential};
use strongroom_dashboard::page::credential::{CredentialPage, Inside, Tab, UsageTab};
use strongroom_dashboard::page::credential_list::{Asked, CredentialList, ROWS, STATES};
use strongroom_dashboard::range::Slots;
use strongroom_model::audit::Filter;
use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::limit::LimitScope;
use strongroom_model::{CredentialId, Millis, Problem, Provider};

use super::range::{self, RangeQuery};
use super::visit::{QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Entries of the trail that are shown.
const ENTRIES: i64 = 20;
/// Days of changes of health that are shown.
const HEALTH_DAYS: i64 = 90;
/// Days over which versions are compared.
const VERSION_DAYS: i64 = 30;
/// Credentials that are looked at for a state that the database does not know.
const MAX_LOOKED_AT: i64 = 2000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    q: String,
    provider: String,
    state: String,
    cursor: i64,
    done: String,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    let asked = Asked {
        q: query.q.trim().to_owned(),
        provider: query.provider.trim().to_owned(),
        state: query.state,
    };
    let now = state.room.now().await?;
    let viewer = visit.viewer();
    // What nobody can be asked for is said on the page itself, with what was typed still there.
    let (found, problem) = match filter(&asked) {
        Ok(filter) => {
            let known = state.room.known_health().await?;
            let wanted = (asked.state.as_str(), &known);
            (matching(&state, &visit, &filter, wanted, query.cursor.max(0), now).await?, None)
        }
        Err(problem) => ((Vec::new(), None), Some(problem.message)),
    };
    let (credentials, next) = found;
    let page = CredentialList {
        viewer: &viewer,
        now,
        asked: &asked,
        problem: problem.as_deref(),
        credentials: &credentials,
        next,
        is_first: query.cursor <= 0,
        done: (query.done == "deleted").then_some(
            "Deleted. Until its recovery time is over, `strongroom credential undelete` brings it back.",
        ),
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

/// Those in a state, and from where on to look for more. The database knows some states; for others it is asked for the next ones
/// until a page is full, or enough were looked at.
async fn matching(
    state: &AppState,
    visit: &Visit,
    filter: &CredentialFilter,
    (wanted, known): (&str, &KnownHealth),
    mut after: i64,
    now: Millis,
) -> Result<(Vec<(Credential, Option<Cooldown>)>, Option<i64>), Problem> {
    let service = state.room.credentials(visit.actor());
    let (mut all, mut looked_at) = (Vec::new(), 0);
    loop {
        let found = service.list(filter, after, ROWS).await?;
        looked_at += ROWS;
        for one in found.items {
            let cooldown = known.of(&one);
            if is_in(wanted, &one, cooldown.as_ref(), now) {
                all.push((one, cooldown));
            }
        }
        match found.next {
            None => return Ok((all, None)),
            Some(next) if looked_at >= MAX_LOOKED_AT || all.len() as i64 >= ROWS => {
                return Ok((all, Some(next)));
            }
            Some(next) => after = next,
        }
    }
}

fn is_in(wanted: &str, one: &Credential, cooldown: Option<&Cooldown>, now: Millis) -> bool {
    let month_ago = now.plus_seconds(-30 * 86_400);
    let soon = now.plus_seconds(14 * 86_400);
    match wanted {
        "frozen" => one.frozen_at.is_some(),
        "expired" => one.is_expired(now),
        "refused" => cooldown.is_some(),
        "due" => {
            one.rotation_due().is_some_and(|at| at <= soon) || one.expires_at.is_some_and(|at| at <= soon)
        }
        "unused" => one.created_at < month_ago && one.last_used.is_none_or(|at| at < month_ago),
        _ => true,
    }
}

fn filter(asked: &Asked) -> Result<CredentialFilter, Problem> {
    if asked.q.contains('\0') {
        return Err(Problem::invalid("q", "no name holds NUL"));
    }
    let is_active = match asked.state.as_str() {
        "active" => Some(true),
        "inactive" => Some(false),
        known if STATES.iter().any(|(name, _)| *name == known) => None,
        _ => return Err(Problem::invalid("state", "there is no such state; choose one of the list")),
    };
    Ok(CredentialFilter {
        provider: Some(&asked.provider)
            .filter(|it| !it.is_empty())
            .map(|it| Provider::parse(it))
            .transpose()?,
        is_active,
        name_prefix: Some(asked.q.clone()).filter(|q| !q.is_empty()),
        name: None,
    })
}

/// The number in a path; what is none is the number of nothing.
pub(super) fn id(text: &str) -> CredentialId {
    CredentialId(text.parse().unwrap_or(0))
}

/// The query of a credential's page. `compare` may be there twice.
fn pairs(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Answer<Response> {
    let query = pairs(&query.unwrap_or_default());
    let value = |name: &str| query.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value.as_str());
    let viewer = visit.viewer();
    let now = state.room.now().await?;
    let service = state.room.credentials(visit.actor());
    let credential = service.require(id(&text)).await?;
    let cooldown = state.room.known_health().await?.of(&credential);
    let once = fresh_once();
    let render = |inside: Inside<'_>| {
        let page = CredentialPage {
            viewer: &viewer,
            now,
            cooldown,
            credential: &credential,
            inside,
            done: said(value("done")),
            once: &once,
            open: value("open"),
        };
        Html(page.render()).into_response()
    };
    Ok(match Tab::from_name(value("tab")) {
        Tab::Usage => {
            let query = RangeQuery::of(value("range"), value("from"), value("to"));
            let (range, slots, problem) = query.slots(now);
            let problem = problem.map(|problem| problem.message);
            // The hours of a credential are kept in one.
            let is_split = slots.grain != Grain::Hour;
            let by = if is_split { Dim::Model } else { Dim::Nothing };
            let by_model = series(&state, &visit, &credential, by, slots).await?;
            let by_actor = match is_split {
                true => Some(series(&state, &visit, &credential, Dim::Actor, slots).await?),
                false => None,
            };
            render(Inside::Usage(&UsageTab { by_model, by_actor, range, slots, problem }))
        }
        Tab::Versions => {
            let (_, mut versions) = service.versions(credential.id).await?;
            versions.sort_by_key(|version| -version.number);
            let range::Days { from, to } = range::last(VERSION_DAYS, now);
            let days = Slots { from, to, grain: Grain::Day };
            let used = series(&state, &visit, &credential, Dim::Version, days).await?;
            let asked =
                query.iter().filter(|(name, _)| name == "compare").filter_map(|(_, it)| it.parse().ok());
            let compared = compared(&state, &visit, credential.id, &asked.collect::<Vec<i64>>()).await?;
            render(Inside::Versions(&versions, &used, compared.as_ref()))
        }
        Tab::Limits => {
            let scope = LimitScope::Credential(credential.uid);
            let limits = state.room.limits(visit.actor()).list_of(&scope).await?;
            render(Inside::Limits(&limits.iter().collect::<Vec<_>>()))
        }
        Tab::Access => render(Inside::Access(&state.room.leaks(visit.actor()).access_of(&credential).await?)),
        Tab::Health => {
            let from = Millis(now.0 - HEALTH_DAYS * Grain::Day.ms());
            let changes = service.health_changes(credential.uid, from).await?;
            let (_, versions) = service.versions(credential.id).await?;
            render(Inside::Health(&changes, &versions))
        }
        Tab::Audit => {
            let of_it = Filter { target: Some(credential.name.clone()), ..Filter::default() };
            render(Inside::Audit(&state.room.audit().search(&of_it, None, ENTRIES).await?.page.items))
        }
    })
}

async fn series(
    state: &AppState,
    visit: &Visit,
    credential: &Credential,
    by: Dim,
    Slots { from, to, grain }: Slots,
) -> Result<SeriesReport, Problem> {
    let filter = of_credential(credential.uid);
    let order = Order::Calls;
    let question = SeriesQuestion { by, filter, from, to, order, grain, with_latency: false };
    state.room.usage(visit.actor()).series(&question).await
}

/// Two versions beside each other, the older one first; numbers of none are as if they were not there.
async fn compared(
    state: &AppState,
    visit: &Visit,
    id: CredentialId,
    asked: &[i64],
) -> Result<Option<Comparison>, Problem> {
    let [one, other, ..] = asked else { return Ok(None) };
    let service = state.room.credentials(visit.actor());
    match service.compare_versions(id, *one.min(other), *one.max(other)).await {
        Ok(compared) => Ok(Some(compared)),
        Err(problem) if problem.kind == strongroom_model::ProblemKind::NotFound => Ok(None),
        Err(other) => Err(other),
    }
}

/// What was done, in words; an address that says anything else says nothing.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "created" => "Stored. Test it, and let programs use it through the gateway.",
        "frozen" => "Frozen. Every call with its key is refused until you unfreeze it.",
        "unfrozen" => "Unfrozen. Its key is used again.",
        "staged" => "Staged. Nobody is served from the new key until you send calls to it or promote it.",
        "canary" => "So many calls go to the staged key from now on.",
        "promoted" => "Promoted. The new key is in use; calls under way end with the old one.",
        "aborted" => "Taken back. The key in use stays in use.",
        "rotated" => "Rotated. The provider made a new key, and it is in use.",
        "rolled-back" => "Rolled back. The older values are in use, as a new version.",
        "destroyed" => "Destroyed. The values of that version are gone.",
        "dated" => "Its dates are changed.",
        "tagged" => "Its tags are changed. Uses from now on are booked to them.",
        "changed" => "Changed.",
        "undeleted" => "Brought back. It serves again as before.",
        "activated" => "Activated. It is used from the next call on.",
        "deactivated" => "Deactivated. It is not used until you activate it again.",
        "tested-ok" => "Its provider accepts the key.",
        "tested-rate_limited" => "Its provider knows the key, and is limiting its rate just now.",
        tested if tested.starts_with("tested-") => {
            "Its provider does not say well of the key; the tab Versions tells what it said."
        }
        _ => return None,
    })
}
