//! A form that was sent: its fields, and the proof that it was meant.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use strongroom_dashboard::form::{PROOF_FIELD, TOKEN_FIELD};
use strongroom_model::{Actor, Problem, Secret};

use super::proof;
use super::visit::Visit;
use crate::http::problem::Failure;
use crate::state::AppState;

/// The longest that a form may be, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// The fields of a form. It has no `Debug`: secrets are among them.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Problem`] when it is no form of ours.
    pub(super) async fn read(request: Request, state: &AppState) -> Result<Self, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let essence = kind.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::invalid(
                "Content-Type",
                "this takes a form of the dashboard and nothing else",
            ));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.ok().filter(|body| body.len() <= MAX_FORM);
        let body =
            body.ok_or_else(|| Problem::invalid("body", "the form is too large, or did not arrive whole"))?;
        let fields = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&body);
        let fields = fields.map_err(|_| Problem::invalid("body", "the form cannot be read"))?;
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::invalid("body", "a field of the form holds NUL"));
        }
        Ok(Self(fields))
    }

    /// The text of a field; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
    }

    /// The same of a secret.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty()).map(Secret::from)
    }
}

/// A change that somebody has sent from a page of their own session.
pub(super) struct Posted {
    /// Who.
    pub(super) visit: Visit,
    /// The fields of the form.
    pub(super) form: Form,
}

impl FromRequest<AppState> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Failure> {
        let visit = request.extensions().get::<Visit>().cloned();
        let visit = visit.ok_or_else(|| Problem::internal("the guard of the pages set no visit"))?;
        let form = Form::read(request, state).await?;
        if !state.room.sign_ins().is_form_of(&visit.cookie, form.text(TOKEN_FIELD)) {
            let message = "this form was made for another session, or by another page; go back, load the page again, and repeat it";
            return Err(Problem::denied(message).into());
        }
        Ok(Self { visit, form })
    }
}

impl Posted {
    /// Returns the actor of the change, once it is proven where others may have the session's cookie.
    ///
    /// # Errors
    /// [`Problem`] when a proof is needed, and missing, spent, or somebody else's.
    pub(super) async fn proven(&self, state: &AppState) -> Result<Actor, Problem> {
        let actor = self.visit.actor();
        if !self.visit.site.is_shared {
            return Ok(actor);
        }
        let message = "at this address a change takes your token, or a fresh code from `strongroom open --print`, in its form";
        let shown = self.form.secret(PROOF_FIELD).ok_or_else(|| Problem::denied(message))?;
        let proven = proof::check(state, shown).await.map_err(|_| {
            Problem::denied(
                "the token or code in the form is worth nothing; a code works once, and for a minute",
            )
        })?;
        if proven.label() != actor.label() {
            return Err(Problem::denied("the token or code in the form is not of the one who is signed in"));
        }
        Ok(actor)
    }
}
