//! Names and numbers on the command line, and the things they stand for.

use strongroom_client::wire::credential::{Credential, RevealedCredential};
use strongroom_client::wire::token::TokenScope;
use strongroom_client::wire::user::User;
use strongroom_client::wire::version::DeletedCredential;
use strongroom_client::{Client, ClientError};

use super::exit::{CliError, CliResult};

/// The credential of this name; failing that, the one with this id. Names come first: rows that were moved in may have
/// a number for a name.
pub(super) async fn credential(client: &Client, name_or_id: &str) -> CliResult<Credential> {
    if let Some(found) = client.find_credential(name_or_id).await? {
        return Ok(found);
    }
    if let Ok(id) = name_or_id.parse() {
        match client.get_credential(id).await {
            Err(error) if error.is_not_found() => {}
            found => return Ok(found?),
        }
    }
    Err(unknown_credential(name_or_id))
}

/// The error of a token that was refused, with the names of its scope that no credential has: the server repeats none, as
/// it may be a secret in the wrong place.
pub(super) async fn of_scope(scope: Option<&TokenScope>, error: ClientError, client: &Client) -> CliError {
    let at_fault = error.problem.as_ref().and_then(|problem| problem.field.as_deref());
    if at_fault == Some("scope.credentials") {
        for name in scope.into_iter().flat_map(|scope| &scope.credentials) {
            if is_unknown(name, client).await {
                return unknown_credential(name);
            }
        }
    }
    error.into()
}

/// The secrets of the credential of this name; of a number that is no name, those of the credential with this id.
pub(super) async fn revealed(
    client: &Client,
    name: &str,
    user_id: Option<i64>,
) -> CliResult<RevealedCredential> {
    match client.reveal_credential(name, user_id).await {
        Err(error) if error.is_not_found() && name.parse::<i64>().is_ok() => {
            let found = credential(client, name).await?;
            Ok(client.reveal_credential(&found.name, user_id).await?)
        }
        Err(error) if error.is_not_found() && is_unknown(name, client).await => Err(unknown_credential(name)),
        read => Ok(read?),
    }
}

/// Tells that no credential has this name. Who may not list them, or reaches no server, cannot tell.
pub(super) async fn is_unknown(name: &str, client: &Client) -> bool {
    matches!(client.find_credential(name).await, Ok(None))
}

/// The error that no credential has this name.
pub(super) fn unknown_credential(name: &str) -> CliError {
    CliError::not_found(format!("there is no credential \"{name}\""))
        .hint("`strongroom credential list` shows those there are")
}

/// The deleted credential of this name; failing that, the one with this id. Of several with one name the id has to tell.
pub(super) async fn deleted_credential(client: &Client, name_or_id: &str) -> CliResult<DeletedCredential> {
    let deleted = client.list_deleted_credentials().await?;
    let mut named = deleted.iter().filter(|one| one.name == name_or_id);
    let found = match (named.next(), named.next()) {
        (Some(one), None) => Some(one),
        (Some(_), Some(_)) => {
            return Err(CliError::usage(format!(
                "several deleted credentials had the name \"{name_or_id}\""
            ))
            .hint("give the id of one of them: `strongroom credential list --deleted` shows them"));
        }
        (None, _) => {
            let id = name_or_id.parse::<i64>().ok();
            deleted.iter().find(|one| Some(one.id) == id)
        }
    };
    found.cloned().ok_or_else(|| {
        CliError::not_found(format!("there is no deleted credential \"{name_or_id}\""))
            .hint("`strongroom credential list --deleted` shows those there are")
    })
}

/// The user of this name; failing that, the one with this id.
pub(super) async fn user(client: &Client, name_or_id: &str) -> CliResult<User> {
    let users = client.list_users().await?;
    let by_id = name_or_id.parse::<i64>().ok();
    let named = users.iter().find(|user| user.name == name_or_id);
    let found = named.or_else(|| users.iter().find(|user| Some(user.id) == by_id));
    found.cloned().ok_or_else(|| {
        CliError::not_found(format!("there is no user \"{name_or_id}\""))
            .hint("`strongroom user list` shows those there are")
    })
}
