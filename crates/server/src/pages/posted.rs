//! A form that was sent: its fields, and the proof that it was meant.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::BoxFuture;
use strongroom::sign_in::Sending;
use strongroom_dashboard::form::{ONCE_FIELD, PROOF_FIELD, TOKEN_FIELD, is_secret};
use strongroom_model::{Actor, Problem, ProblemKind, Secret};

use super::proof;
use super::site::SaysWhence;
use super::visit::Visit;
use crate::http::problem::{Answer, Failure};
use crate::state::AppState;

/// The longest that a form may be, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// Since so many milliseconds somebody has proven who they are, at the most, to be shown a key without another proof.
const FRESH_MS: i64 = 10 * 60_000;

/// The fields of a form. It has no `Debug`: secrets are among them.
#[derive(Clone)]
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

    /// A form with these fields.
    #[cfg(test)]
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The text of a field; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
    }

    /// The same of a secret.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty()).map(Secret::from)
    }

    /// Everything that may be shown to its sender again. What is secret stays by name, to be typed again.
    pub(super) fn to_resend(&self) -> Vec<(String, String)> {
        let fields = self.0.iter().filter(|(name, _)| name != TOKEN_FIELD && name != PROOF_FIELD);
        let shown = |(name, value): &(String, String)| {
            (name.clone(), if is_secret(name) { String::new() } else { value.clone() })
        };
        fields.map(shown).collect()
    }
}

/// The form of a request, for whoever answers when it comes to nothing.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<Mutex<Option<Form>>>);

impl Sent {
    pub(super) fn keep(&self, form: &Form) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(form.clone());
    }

    /// The form, when one was read.
    pub(super) fn take(&self) -> Option<Form> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        let sent = request.extensions().get::<Sent>().cloned().unwrap_or_default();
        let is_ours = request.extensions().get() == Some(&SaysWhence(true));
        let form = Form::read(request, state).await?;
        let is_of_session = state.room.sign_ins().is_form_of(&visit.cookie, form.text(TOKEN_FIELD));
        // What may come from elsewhere is offered to nobody: one click would make it theirs.
        if is_ours || is_of_session {
            sent.keep(&form);
        }
        if !is_of_session {
            let message = "this form was made for another session, or by another page, so nothing was done; look at it, and send it again if it is yours";
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
        if self.visit.site.is_shared { self.prove(state).await } else { Ok(self.visit.actor()) }
    }

    /// The same, where somebody is to have shown within ten minutes who they are.
    ///
    /// # Errors
    /// As [`Self::proven`].
    pub(super) async fn proven_freshly(&self, state: &AppState) -> Result<Actor, Problem> {
        if needs_fresh_proof(&self.visit, state).await? {
            self.prove(state).await
        } else {
            Ok(self.visit.actor())
        }
    }

    async fn prove(&self, state: &AppState) -> Result<Actor, Problem> {
        let actor = self.visit.actor();
        let message = "this takes your token, or a fresh code from `strongroom open --print`, in its form";
        let shown = self.form.secret(PROOF_FIELD).ok_or_else(|| Problem::denied(message))?;
        let proven = proof::check(state, shown).await.map_err(|problem| match problem.kind {
            ProblemKind::Unavailable => problem,
            _ => Problem::denied(
                "the token or code in the form is worth nothing; a code works once, and for a minute",
            ),
        })?;
        if proven.label() != actor.label() {
            return Err(Problem::denied("the token or code in the form is not of the one who is signed in"));
        }
        Ok(actor)
    }

    /// Does the work of a form and leads to where it says. A form that is sent twice does it once: the second is led to where the
    /// first was.
    ///
    /// # Errors
    /// [`Problem`] of the work; of kind `Conflict` while the first sending is at it.
    pub(super) async fn once(
        &self,
        state: &AppState,
        actor: &Actor,
        work: BoxFuture<'_, Result<String, Problem>>,
    ) -> Answer<Response> {
        let to = match self.begin(state, actor).await? {
            Some(to) => to,
            None => {
                let done = work.await;
                self.finish(state, actor, done.as_deref().ok()).await;
                done?
            }
        };
        Ok(Redirect::to(&to).into_response())
    }

    /// Where the first sending of this form led to; `None` when this is the first.
    pub(super) async fn begin(&self, state: &AppState, actor: &Actor) -> Result<Option<String>, Problem> {
        let once = self.form.text(ONCE_FIELD);
        if once.is_empty() {
            return Ok(None);
        }
        match state.room.sign_ins().begin_form(actor, once).await? {
            Sending::First => Ok(None),
            Sending::Again(to) => Ok(Some(to)),
            Sending::TooEarly => Err(Problem::conflict(
                "this form was sent twice, and the first is still being carried out; look at the page that it leads to",
            )),
        }
    }

    /// Remembers where it led to. What was done is done, so a failure of this is only told to the log.
    pub(super) async fn finish(&self, state: &AppState, actor: &Actor, led_to: Option<&str>) {
        let once = self.form.text(ONCE_FIELD);
        if once.is_empty() {
            return;
        }
        if let Err(problem) = state.room.sign_ins().finish_form(actor, once, led_to).await {
            tracing::warn!(code = problem.kind.code(), "failed to remember that a form was sent");
        }
    }
}

/// Tells whether somebody has to prove again who they are before a key is shown.
///
/// # Errors
/// [`Problem`].
pub(super) async fn needs_fresh_proof(visit: &Visit, state: &AppState) -> Result<bool, Problem> {
    if visit.site.is_shared {
        return Ok(true);
    }
    let now = state.room.now().await?;
    Ok(visit.signed_in.session.made_at.0 + FRESH_MS <= now.0)
}
