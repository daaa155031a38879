//! Routes, in the order in which they are asked.

use strongroom_model::Provider;
use strongroom_model::alert::{Level, QuietHours, Route, Rule};

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

#[derive(Debug, sqlx::FromRow)]
struct Row {
    position: i64,
    rule: Option<String>,
    from_level: Option<String>,
    provider: Option<String>,
    channels: String,
    quiet: Option<String>,
    goes_on: i64,
}

impl TryFrom<Row> for Route {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column| StoreError::Corrupt { table: "alert_routes", column, row: row.position.to_string() };
        let rule = row.rule.as_deref().map(|name| Rule::from_name(name).ok_or_else(|| corrupt("rule")));
        let level = row.from_level.as_deref();
        let level = level.map(|name| Level::from_name(name).ok_or_else(|| corrupt("from_level")));
        let quiet = row.quiet.as_deref().map(|text| QuietHours::parse(text).map_err(|_| corrupt("quiet")));
        Ok(Self {
            rule: rule.transpose()?,
            from_level: level.transpose()?,
            quiet: quiet.transpose()?,
            provider: row.provider.map(Provider::stored),
            channels: row.channels.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            goes_on: row.goes_on != 0,
        })
    }
}

/// All routes, in their order.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<Route>, StoreError> {
    const SQL: &str = "SELECT position, rule, from_level, provider, channels, quiet, goes_on FROM alert_routes ORDER BY position";
    fetch_all!(session, Row, SQL)?.into_iter().map(Route::try_from).collect()
}

/// Puts these in the place of all routes.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, routes: &[Route]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO alert_routes (position, rule, from_level, provider, channels, quiet, goes_on) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    execute!(tx, "DELETE FROM alert_routes")?;
    for (position, route) in (1_i64..).zip(routes) {
        execute!(
            tx,
            SQL,
            position,
            route.rule.map(Rule::as_str),
            route.from_level.map(Level::as_str),
            route.provider.as_ref().map(Provider::as_str),
            route.channels.join(","),
            route.quiet.map(QuietHours::stored),
            i64::from(route.goes_on)
        )?;
    }
    Ok(())
}
