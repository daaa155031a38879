//! `GET /dashboard/find`: credentials, tokens and users by name, as far as whoever asks may see them.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::credential;
use strongroom_dashboard::page::find::{FindPage, Found};
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Actor, Problem, Role};

use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Verbs that are typed before the name of a credential, and what follows its path: a page that offers it, and does nothing yet.
const VERBS: [(&str, &str); 9] = [
    ("freeze", "?open=freeze"),
    ("unfreeze", "?open=freeze"),
    ("test", "?open=test"),
    ("stage", "?open=stage"),
    ("rotate", "?open=rotate"),
    ("tag", "?open=tags"),
    ("limit", "?tab=limits"),
    ("show", "/reveal"),
    ("health", "?tab=health"),
];
/// Of each kind at the most.
const MAX_FOUND: usize = 8;
/// Credentials that a reader's are looked for among.
const MAX_READABLE: usize = 1000;
/// The longest text that is looked for.
const MAX_TEXT: usize = 128;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FindQuery {
    q: String,
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(FindQuery { q }): QueryOf<FindQuery>,
) -> Answer<Response> {
    let text: String = q.trim().chars().filter(|it| *it != '\0').take(MAX_TEXT).collect();
    let found = if text.is_empty() { Vec::new() } else { find(&state, visit.actor(), &text).await? };
    let page = FindPage { viewer: &visit.viewer(), asked: &text, found: &found };
    Ok(Html(page.render()).into_response())
}

async fn find(state: &AppState, actor: Actor, text: &str) -> Result<Vec<Found>, Problem> {
    let folded = text.to_lowercase();
    let is_it = |name: &str| name.to_lowercase().contains(&folded);
    if !Place::Credentials.is_for(actor.role) {
        let readable = state.room.credentials(actor).list_readable(MAX_READABLE).await?;
        let readable = readable.into_iter().filter(|one| is_it(&one.name)).take(MAX_FOUND);
        let found = |one: strongroom::Credential| Found {
            kind: "key",
            path: format!("{}/reveal", credential::path(one.id)),
            name: one.name,
        };
        return Ok(readable.map(found).collect());
    }
    let mut found = Vec::new();
    if let Some((verb, behind, name)) = verb(&folded, text, actor.role) {
        found.extend(credentials(state, &actor, name).await?.into_iter().map(|one| Found {
            kind: "action",
            path: format!("{}{behind}", credential::path(one.id)),
            name: format!("{verb} {}", one.name),
        }));
    }
    found.extend(credentials(state, &actor, text).await?.into_iter().map(|one| Found {
        kind: "credential",
        path: credential::path(one.id),
        name: one.name,
    }));
    let tokens = state.room.tokens(actor.clone()).list().await?;
    found.extend(
        tokens.into_iter().filter(|it| is_it(&it.token.name) || it.token.id == text).take(MAX_FOUND).map(
            |it| Found {
                kind: "token",
                path: format!("{}?measure=spend&by=model&actor=token%3A{}", Place::Usage.path(), it.token.id),
                name: it.token.name,
            },
        ),
    );
    let users = state.room.users(actor).list().await?;
    found.extend(users.into_iter().filter(|it| is_it(&it.name)).take(MAX_FOUND).map(|it| Found {
        kind: "user",
        path: format!("{}?measure=spend&by=model&user={}", Place::Usage.path(), it.id),
        name: it.name,
    }));
    Ok(found)
}

/// The verb that a text begins with, what it leads to, and the beginning of the name behind it. Only admins are offered changes.
fn verb<'a>(folded: &str, text: &'a str, role: Role) -> Option<(&'static str, &'static str, &'a str)> {
    let (first, _) = folded.split_once(' ')?;
    let (_, name) = text.split_once(' ')?;
    let (verb, behind) = VERBS.into_iter().find(|(verb, _)| *verb == first)?;
    (role == Role::Admin || behind.starts_with("?tab=")).then_some((verb, behind, name.trim_start()))
}

/// The first credentials whose names begin with a text.
async fn credentials(
    state: &AppState,
    actor: &Actor,
    text: &str,
) -> Result<Vec<strongroom::Credential>, Problem> {
    let filter = CredentialFilter { name_prefix: Some(text.to_owned()), ..CredentialFilter::default() };
    let most = i64::try_from(MAX_FOUND).unwrap_or(i64::MAX);
    Ok(state.room.credentials(actor.clone()).list(&filter, 0, most).await?.items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_leads_to_where_it_is_offered_and_only_admins_are_offered_changes() {
        let of = |text: &'static str, role| verb(&text.to_lowercase(), text, role);
        assert_eq!(of("Freeze  openai", Role::Admin), Some(("freeze", "?open=freeze", "openai")));
        assert_eq!(of("freeze openai", Role::Auditor), None);
        assert_eq!(of("limit openai", Role::Auditor), Some(("limit", "?tab=limits", "openai")));
        assert_eq!((of("freeze", Role::Admin), of("thaw openai", Role::Admin)), (None, None));
    }
}
