//! Somebody who is signed in and may see the page: what the guard found out, handed to the page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use strongroom::sign_in::SignedIn;
use strongroom_crypto::random;
use strongroom_dashboard::{Display, Viewer};
use strongroom_model::{Actor, Problem, Secret};

use super::site::Site;
use crate::http::problem::Failure;

/// The identity of a request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// The identity of a form, by which it is known when it is sent twice.
pub(super) fn fresh_once() -> String {
    random::uid().to_string()
}

/// A visit to a page.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// The session and its actor.
    pub(super) signed_in: SignedIn,
    /// The secret of the session.
    pub(super) cookie: Secret,
    /// The address that the browser is at.
    pub(super) site: Site,
    /// How pages look in it.
    pub(super) display: Display,
}

impl Visit {
    pub(super) fn actor(&self) -> Actor {
        self.signed_in.actor.clone()
    }

    pub(super) fn viewer(&self) -> Viewer {
        let SignedIn { actor, form_token, session } = &self.signed_in;
        Viewer { display: self.display, ..Viewer::new(actor, form_token.clone(), session.is_shared) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Problem::internal("the guard of the pages set no visit").into())
    }
}

/// The query of a page that says what was just done on it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DoneQuery {
    pub(super) done: String,
}

/// The query of an address. What cannot be read is as if it was not there: an address may be old, or cut.
#[derive(Debug)]
pub(super) struct QueryOf<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default()))
    }
}
