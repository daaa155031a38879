//! The doors of the dashboard: pages for people in a browser, who show a cookie and never a token.
//!
//! They stand beside the HTTP API and share nothing with its door: a cookie opens no route of the API, and a token in a header
//! opens no page. What a page shows comes from the services, what it looks like from the crate `dashboard`.

mod asset;
mod audit;
mod cookie;
mod credential;
mod guard;
mod limit;
mod mine;
mod overview;
mod posted;
mod proof;
mod range;
pub mod route;
mod session;
mod sign_in;
mod site;
mod token;
mod visit;

use std::net::SocketAddr;

use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Router, middleware};

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
    Router::new()
        .route("/", get(|| async { Redirect::to("/dashboard") }))
        .route("/login", get(sign_in::show).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/dashboard", get(overview::show))
        .route("/dashboard/credentials", get(credential::list))
        .route("/dashboard/credentials/{id}", get(credential::show))
        .route("/dashboard/credentials/{id}/freeze", post(credential::freeze))
        .route("/dashboard/credentials/{id}/unfreeze", post(credential::unfreeze))
        .route("/dashboard/limits", get(limit::list))
        .route("/dashboard/tokens", get(token::list))
        .route("/dashboard/tokens/{id}/revoke", post(token::revoke))
        .route("/dashboard/audit", get(audit::list))
        .route("/dashboard/mine", get(mine::show))
        .route("/dashboard/sessions", get(session::list))
        .route("/dashboard/sessions/{id}/end", post(session::end))
        .route("/dashboard/assets/{file}", get(asset::serve))
        .route("/dashboard/{*rest}", get(nowhere))
        .route_layer(middleware::from_fn_with_state(state, guard::guard))
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
