//! What a name or number on the command line stands for.

use strongroom_client::Client;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::user::User;
use strongroom_client::wire::version::DeletedCredential;

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
    Err(CliError::not_found(format!("there is no credential \"{name_or_id}\""))
        .hint("`strongroom credential list` shows those there are"))
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
