//! Somebody who is signed in and may see the page: what the guard found out, handed to the page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use strongroom::sign_in::SignedIn;
use strongroom_dashboard::Viewer;
use strongroom_model::{Actor, Problem, Secret};

use super::site::Site;
use crate::http::problem::Failure;

/// The identity of a request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// The viewer of a page, from a session.
pub(super) fn viewer_of(signed_in: &SignedIn) -> Viewer {
    Viewer::new(&signed_in.actor, signed_in.form_token.clone(), signed_in.session.is_shared)
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
}

impl Visit {
    pub(super) fn actor(&self) -> Actor {
        self.signed_in.actor.clone()
    }

    pub(super) fn viewer(&self) -> Viewer {
        viewer_of(&self.signed_in)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Problem::internal("the guard of the pages set no visit").into())
    }
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
