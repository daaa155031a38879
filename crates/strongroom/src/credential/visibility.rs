//! Visibility: the credentials that an actor reaches and sees, and why one serves nobody.

use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::{Actor, Millis, Problem, ProblemKind, Provider, Role, UserId};
use strongroom_store::credential;

use crate::custody::Custody;

/// Credentials that are looked at for why none serves.
const MAX_LOOKED_AT: i64 = 100;

/// A credential whose time is over.
pub(super) fn expired(credential: &Credential, at: Millis) -> Problem {
    Problem::new(
        ProblemKind::Unprocessable,
        format!(
            "credential {:?} has expired at {at}: give it a new key and another date with `strongroom credential update`",
            credential.name
        ),
    )
}

/// Why a credential serves nobody, frozen before inactive; `None` when it serves.
pub(super) fn unserved(credential: &Credential) -> Option<Problem> {
    let name = &credential.name;
    if let Some(at) = credential.frozen_at {
        return Some(Problem::not_found(format!(
            "credential {name:?} is frozen since {at} and serves nobody; `strongroom credential unfreeze` takes that back"
        )));
    }
    (!credential.is_active).then(|| {
        Problem::not_found(format!(
            "credential {name:?} is inactive and serves nobody; `strongroom credential update --activate` takes that back"
        ))
    })
}

pub(super) fn no_key(credential: &Credential) -> Problem {
    Problem::new(
        ProblemKind::Unprocessable,
        format!(
            "Cannot decrypt empty text: credential {:?} has no API key stored; update it with one",
            credential.name
        ),
    )
}

/// Refusal of a credential outside the scope. Its name is not repeated: it may be a secret in the wrong place.
pub(super) fn out_of_reach(kind: &str) -> Problem {
    Problem::denied(format!("this token does not reach that {kind}"))
}

/// Denies what a narrow token does not reach, in the same words whether it exists or not.
pub(super) fn within_reach<'a>(
    actor: &Actor,
    found: Option<&'a Credential>,
) -> Result<Option<&'a Credential>, Problem> {
    match found {
        Some(found) if actor.scope.permits(found.uid, &found.provider) => {
            let own = actor.user.is_some() && found.user == actor.user;
            let sees_all = matches!(actor.role, Role::Admin | Role::Auditor);
            Ok(Some(found).filter(|found| found.is_global || own || sees_all))
        }
        None if actor.scope.is_everything() => Ok(None),
        _ => Err(out_of_reach("credential")),
    }
}

/// Tells whether one of these views shows a credential: `None` the global ones, a user its own.
pub(super) fn is_seen(found: &Credential, views: &[Option<UserId>]) -> bool {
    views.iter().any(|view| match view {
        None => found.is_global,
        Some(user) => !found.is_global && found.user == Some(*user),
    })
}

/// Why a provider's credentials in these views serve nobody: the first that is frozen, else inactive, of those that the
/// actor reaches; `None` when there is none of them.
pub(crate) async fn unserved_of(
    custody: &Custody,
    actor: &Actor,
    provider: &Provider,
    views: &[Option<UserId>],
) -> Result<Option<Problem>, Problem> {
    let filter = CredentialFilter { provider: Some(provider.clone()), ..CredentialFilter::default() };
    let mut session = custody.store.read().await?;
    let now = session.now().await?;
    let mut found = credential::list(&mut session, &filter, 0, MAX_LOOKED_AT, now).await?;
    found.retain(|it| actor.scope.permits(it.uid, provider) && is_seen(it, views));
    let frozen = found.iter().find(|it| it.frozen_at.is_some());
    Ok(frozen.or_else(|| found.iter().find(|it| !it.is_active)).and_then(unserved))
}
