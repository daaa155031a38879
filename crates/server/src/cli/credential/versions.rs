//! `strongroom credential versions`

use clap::Args;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::version::{SameKey, Version};

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential versions`.
#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,
}

pub(super) async fn run(options: VersionsOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let versions = session.client.list_versions(credential.id).await?;
    session.output.list(versions.as_slice(), table)?;
    Ok(Exit::Ok)
}

fn table(versions: &[Version]) -> Table {
    let mut table =
        Table::new(["version", "state", "made", "by", "in use from", "until", "provider says", "note"]);
    for version in versions {
        table.row([
            version.number.to_string(),
            version.state.clone(),
            version.created_at.to_string(),
            version.created_by.clone(),
            or_dash(version.activated_at),
            or_dash(version.activated_at.and(version.replaced_at)),
            or_dash(version.probe_outcome.as_ref()),
            note(version),
        ]);
    }
    table
}

fn note(version: &Version) -> String {
    let percent = version.percent.map(|percent| format!("{percent}% of the gateway's calls"));
    let copied = version.copied_from.map(|from| format!("the key of version {from}"));
    let reason = version.reason.clone();
    let same = (!version.same_key_in.is_empty())
        .then(|| format!("do not revoke: {} the same key", holders(&version.same_key_in)));
    percent.into_iter().chain(copied).chain(reason).chain(same).collect::<Vec<_>>().join("; ")
}

/// The other versions that have the key of this one.
pub(super) async fn same_keys(
    session: &Session,
    credential: &Credential,
    number: i64,
) -> CliResult<Vec<SameKey>> {
    let versions = session.client.list_versions(credential.id).await?;
    Ok(versions.into_iter().find(|it| it.number == number).map_or_else(Vec::new, |it| it.same_key_in))
}

/// Warns of other versions with the key that has just been stored as this one. Where the list cannot be had nothing is said: the
/// key is stored all the same.
pub(super) async fn warn_of_same_key(session: &Session, credential: &Credential, number: i64) {
    let same = same_keys(session, credential, number).await.unwrap_or_default();
    if !same.is_empty() {
        session.output.warn(&format!(
            "this key is stored more than once: {} the same one; their limits count apart, and revoking it ends them all",
            holders(&same)
        ));
    }
}

/// Tells what to do at the provider about a key that is gone here, while these have the same one.
pub(super) fn at_the_provider(same: &[SameKey]) -> String {
    if same.is_empty() {
        "the key itself still works at the provider: revoke it there".to_owned()
    } else {
        format!("the key itself is to stay at the provider: {} the same one", holders(same))
    }
}

/// Names of the versions with the same key, as the beginning of a sentence.
fn holders(same: &[SameKey]) -> String {
    let name = |same: &SameKey| {
        let deleted = if same.is_deleted { " (deleted)" } else { "" };
        format!("{}{deleted} version {}", same.name, same.version)
    };
    let verb = if same.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", same.iter().map(name).collect::<Vec<_>>().join(", "))
}
