//! `GET /dashboard/settings`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use strongroom::usage::Dim;
use strongroom_dashboard::page::settings::{SettingRow, SettingsPage};

use super::range;
use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;
/// Models without a price that are named.
const MAX_UNPRICED: usize = 20;

pub(super) async fn show(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let days = range::last(DAYS, state.room.now().await?);
    let models = state.room.usage(visit.actor()).sums(Dim::Model, days.from, days.to).await?;
    let unpriced = models.into_iter().filter(|sums| sums.figures.unpriced > 0 && !sums.group_key.is_empty());
    let mut unpriced: Vec<_> = unpriced.map(|sums| (sums.group_key, sums.figures.unpriced)).collect();
    unpriced.sort_by_key(|(_, uses)| -uses);
    unpriced.truncate(MAX_UNPRICED);
    let settings =
        state.settings.iter().map(|it| SettingRow { name: &it.name, value: &it.value, source: &it.source });
    let page = SettingsPage {
        viewer: &visit.viewer(),
        version: env!("CARGO_PKG_VERSION"),
        database: state.room.database(),
        settings: &settings.collect::<Vec<_>>(),
        unpriced: &unpriced,
    };
    Ok(Html(page.render()).into_response())
}
