//! The doors of the dashboard: pages for people in a browser, who show a cookie and never a token.
//!
//! They stand beside the HTTP API and share nothing with its door: a cookie opens no route of the API, and a token in a header
//! opens no page. What a page shows comes from the services, what it looks like from the crate `dashboard`.

mod alert;
mod alert_channel;
mod alert_rule;
mod alert_silence;
mod asset;
mod audit;
mod bulk;
mod cookie;
mod credential;
mod credential_change;
mod csv;
mod events;
mod find;
mod guard;
mod key;
mod limit;
mod mine;
mod overview;
mod posted;
mod proof;
mod range;
mod record;
mod reveal;
pub mod route;
mod session;
mod settings;
mod sign_in;
mod site;
mod stale;
mod start;
mod token;
mod typed;
mod usage;
mod user;
mod visit;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};

use strongroom_model::Problem;

use crate::http::problem::Failure;
use crate::state::AppState;

/// The address at which people open the dashboard; `None` when the server does not listen, or its name is not known.
pub(crate) fn address(public_url: Option<&str>, listening: Option<&str>) -> Option<String> {
    if let Some(url) = public_url {
        return Some(url.to_owned());
    }
    let (scheme, at) = listening?.split_once("://")?;
    let at: SocketAddr = at.parse().ok()?;
    let ip = at.ip().to_canonical();
    // A name that browsers resolve by themselves, and whose cookies they show to no other server of the machine.
    (ip.is_loopback() || ip.is_unspecified()).then(|| format!("{scheme}://{}:{}", site::OWN_NAME, at.port()))
}

/// Every page.
pub fn router(state: AppState) -> Router<AppState> {
    let guarded = guard::Guarded { state, stale: Arc::default() };
    Router::new()
        .route("/", get(|| async { Redirect::to("/dashboard") }))
        .route("/login", get(sign_in::show).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/dashboard", get(overview::show))
        .merge(credentials())
        .merge(subjects())
        .merge(alerts())
        .route("/dashboard/usage", get(usage::show))
        .route("/dashboard/usage.csv", get(usage::file))
        .route("/dashboard/usage/records", get(record::list))
        .route("/dashboard/usage/records.csv", get(record::file))
        .route("/dashboard/usage/records/{id}", get(record::show))
        .route("/dashboard/audit", get(audit::list))
        .route("/dashboard/audit/verify", get(audit::verify))
        .route("/dashboard/keys", get(key::list))
        .route("/dashboard/keys/rotate", post(key::rotate))
        .route("/dashboard/keys/rotate-master", post(key::rotate_master))
        .route("/dashboard/keys/retire-master", post(key::retire_master))
        .route("/dashboard/settings", get(settings::show))
        .route("/dashboard/start", get(start::show))
        .route("/dashboard/start/environment", post(start::take))
        .route("/dashboard/find", get(find::show))
        .route("/dashboard/events", get(events::stream))
        .route("/dashboard/display", post(session::display))
        .route("/dashboard/mine", get(mine::show))
        .route("/dashboard/sessions", get(session::list))
        .route("/dashboard/sessions/{id}/end", post(session::end))
        .route("/dashboard/assets/{file}", get(asset::serve))
        .route("/dashboard/{*rest}", get(nowhere))
        .layer(Extension(Arc::new(events::Streams::default())))
        .layer(Extension(Arc::new(overview::Lately::default())))
        .route_layer(middleware::from_fn_with_state(guarded, guard::guard))
}

fn credentials() -> Router<AppState> {
    Router::new()
        .route("/dashboard/credentials", get(credential::list).post(credential_change::create))
        .route("/dashboard/credentials/bulk", get(bulk::ask).post(bulk::change))
        .route("/dashboard/credentials/deleted", get(credential_change::deleted))
        .route("/dashboard/credentials/{id}", get(credential::show))
        .route("/dashboard/credentials/{id}/facts", post(credential_change::facts))
        .route("/dashboard/credentials/{id}/tags", post(credential_change::tags))
        .route("/dashboard/credentials/{id}/minter", post(credential_change::minter))
        .route("/dashboard/credentials/{id}/undelete", post(credential_change::undelete))
        .route("/dashboard/credentials/{id}/purge", post(credential_change::purge))
        .route("/dashboard/credentials/{id}/reveal", get(reveal::ask).post(reveal::show))
        .route("/dashboard/credentials/{id}/test", post(credential_change::test))
        .route("/dashboard/credentials/{id}/freeze", post(credential_change::freeze))
        .route("/dashboard/credentials/{id}/unfreeze", post(credential_change::unfreeze))
        .route("/dashboard/credentials/{id}/stage", post(credential_change::stage))
        .route("/dashboard/credentials/{id}/canary", post(credential_change::canary))
        .route("/dashboard/credentials/{id}/promote", post(credential_change::promote))
        .route("/dashboard/credentials/{id}/abort", post(credential_change::abort))
        .route("/dashboard/credentials/{id}/rotate", post(credential_change::rotate))
        .route("/dashboard/credentials/{id}/dates", post(credential_change::dates))
        .route("/dashboard/credentials/{id}/activity", post(credential_change::activity))
        .route("/dashboard/credentials/{id}/delete", post(credential_change::delete))
        .route("/dashboard/credentials/{id}/versions/{number}", get(credential_change::version))
        .route("/dashboard/credentials/{id}/versions/{number}/roll-back", post(credential_change::roll_back))
        .route("/dashboard/credentials/{id}/versions/{number}/destroy", post(credential_change::destroy))
}

fn subjects() -> Router<AppState> {
    Router::new()
        .route("/dashboard/limits", get(limit::list).post(limit::set))
        .route("/dashboard/limits/test", get(limit::test))
        .route("/dashboard/limits/{id}", get(limit::show))
        .route("/dashboard/limits/{id}/burn-down.csv", get(limit::file))
        .route("/dashboard/limits/{id}/raise", post(limit::raise))
        .route("/dashboard/limits/{id}/lower", post(limit::lower))
        .route("/dashboard/limits/{id}/remove", post(limit::remove))
        .route("/dashboard/tokens", get(token::list).post(token::create))
        .route("/dashboard/tokens/{id}/revoke", post(token::revoke))
        .route("/dashboard/users", get(user::list).post(user::create))
        .route("/dashboard/users/{id}/role", post(user::role))
        .route("/dashboard/users/{id}/activity", post(user::activity))
        .route("/dashboard/users/{id}/sessions/end", post(user::end_sessions))
        .route("/dashboard/users/{id}/delete", post(user::delete))
}

fn alerts() -> Router<AppState> {
    Router::new()
        .route("/dashboard/alerts", get(alert::list))
        .route("/dashboard/alerts/rules", get(alert_rule::list).post(alert_rule::set))
        .route("/dashboard/alerts/rules/test", get(alert_rule::test))
        .route("/dashboard/alerts/rules/settings", post(alert_rule::set_figures))
        .route("/dashboard/alerts/rules/{id}/remove", post(alert_rule::remove))
        .route("/dashboard/alerts/channels", get(alert_channel::list).post(alert_channel::add))
        .route("/dashboard/alerts/channels/{id}/test", post(alert_channel::test))
        .route("/dashboard/alerts/channels/{id}/activity", post(alert_channel::activity))
        .route("/dashboard/alerts/channels/{id}/rotate-secret", post(alert_channel::rotate_secret))
        .route("/dashboard/alerts/channels/{id}/remove", post(alert_channel::remove))
        .route("/dashboard/alerts/routes", post(alert_channel::add_route))
        .route("/dashboard/alerts/routes/remove", post(alert_channel::remove_route))
        .route("/dashboard/alerts/silences", get(alert_silence::list).post(alert_silence::make))
        .route("/dashboard/alerts/silences/{id}/end", post(alert_silence::end))
        .route("/dashboard/alerts/deliveries", get(alert::deliveries))
        .route("/dashboard/alerts/deliveries/{id}/retry", post(alert::retry))
        .route("/dashboard/alerts/{id}", get(alert::show))
        .route("/dashboard/alerts/{id}/acknowledge", post(alert::acknowledge))
        .route("/dashboard/alerts/{id}/resolve", post(alert::resolve))
}

async fn nowhere() -> Failure {
    Problem::not_found("there is no such page; it may have been moved, or the address was cut").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_to_a_name_that_keeps_their_cookies_apart() {
        let own = |port| Some(format!("http://strongroom.localhost:{port}"));
        assert_eq!(address(None, Some("http://127.0.0.1:8420")), own(8420));
        assert_eq!(address(None, Some("http://[::]:80")), own(80));
        assert_eq!(address(None, Some("http://192.168.1.5:8420")), None);
        assert_eq!(address(None, None), None);
        let public = Some("https://keys.example.com");
        assert_eq!(address(public, Some("http://127.0.0.1:8420")).as_deref(), public);
    }
}
