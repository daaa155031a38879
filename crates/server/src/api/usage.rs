//! `/api/admin/usage`

mod csv;
pub(super) mod question;
mod rebuild;
mod record;
pub(super) mod records;
mod reprice;
mod show;
mod top;
mod verify;

use strongroom_model::limit::Window;
use strongroom_model::{Millis, Problem, month};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

const DAY_MS: i64 = 86_400_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show::show))
        .routes(routes!(records::records))
        .routes(routes!(record::record))
        .routes(routes!(verify::verify))
        .routes(routes!(reprice::reprice))
        .routes(routes!(rebuild::rebuild))
        .routes(routes!(top::top))
}

/// The first instant of a day that somebody names; of this month when nobody does.
fn from(day: Option<&str>, now: Millis) -> Result<Millis, Problem> {
    day.map_or(Ok(month::start(now)), |day| parse("from", day))
}

/// The first instant after the last day; after today when nobody names one.
fn until(day: Option<&str>, now: Millis) -> Result<Millis, Problem> {
    let last = day.map_or(Ok(Window::Day.start(now)), |day| parse("to", day))?;
    Ok(Millis(last.0 + DAY_MS))
}

fn parse(field: &'static str, day: &str) -> Result<Millis, Problem> {
    let wrong = || Problem::invalid(field, format!("{field} must be a day, such as 2026-01-31"));
    if day.len() != 10 {
        return Err(wrong());
    }
    Millis::parse(&format!("{day}T00:00:00Z")).map_err(|_| wrong())
}

/// The day of an instant.
fn day(at: Millis) -> String {
    at.to_string().chars().take(10).collect()
}
