//! `strongroom credential`: the keys themselves, one command per file.

mod add;
mod freeze;
mod get;
mod list;
mod remove;
mod show;
mod test;
mod update;

use clap::Subcommand;
use strongroom_client::wire::credential::Credential;

use super::exit::CliResult;
use super::output::{Table, or_dash, properties, yes_no};
use super::session::Session;

/// `strongroom credential …`
#[derive(Debug, Subcommand)]
pub(super) enum CredentialCommand {
    /// Store a provider's key
    Add(add::AddOptions),
    /// List credentials, without their keys
    #[command(visible_alias = "ls")]
    List(list::ListOptions),
    /// Show a credential, without its key
    Show(show::ShowOptions),
    /// Read a key; this counts one use
    Get(get::GetOptions),
    /// Change a credential, or give it a new key
    Update(update::UpdateOptions),
    /// Delete a credential and its key
    #[command(visible_alias = "rm")]
    Remove(remove::RemoveOptions),
    /// Tell whether a credential can be used; this counts no use
    Test(test::TestOptions),
    /// Serve nobody from it, on no server: its key has leaked or may have
    Freeze(freeze::FreezeOptions),
    /// Serve from a frozen credential again
    Unfreeze(freeze::FreezeOptions),
}

/// Runs the command.
pub(super) async fn run(command: CredentialCommand, session: &Session) -> CliResult {
    match command {
        CredentialCommand::Add(options) => add::run(options, session).await,
        CredentialCommand::List(options) => list::run(options, session).await,
        CredentialCommand::Show(options) => show::run(options, session).await,
        CredentialCommand::Get(options) => get::run(options, session).await,
        CredentialCommand::Update(options) => update::run(options, session).await,
        CredentialCommand::Remove(options) => remove::run(options, session).await,
        CredentialCommand::Test(options) => test::run(options, session).await,
        CredentialCommand::Freeze(options) => freeze::freeze(options, session).await,
        CredentialCommand::Unfreeze(options) => freeze::unfreeze(options, session).await,
    }
}

/// Everything about one credential.
fn details(credential: &Credential) -> Table {
    properties([
        ("id", credential.id.to_string()),
        ("name", credential.name.clone()),
        ("provider", credential.provider.clone()),
        ("endpoint", or_dash(credential.endpoint.as_ref())),
        ("priority", credential.priority.to_string()),
        ("active", yes_no(credential.is_active)),
        ("frozen", credential.frozen_at.map_or_else(|| yes_no(false), |at| format!("since {at}"))),
        ("owner", owner(credential)),
        (
            "rate limit",
            credential.rate_limit.map_or_else(|| "none".to_owned(), |limit| format!("{limit} a month")),
        ),
        ("used this month", credential.current_month_usage.to_string()),
        ("used ever", credential.usage_count.to_string()),
        ("last used", or_dash(credential.last_used)),
        ("created", credential.created_at.to_string()),
        ("updated", credential.updated_at.to_string()),
        ("revision", credential.revision.to_string()),
        ("version", credential.version.to_string()),
    ])
}

/// Whose it is.
fn owner(credential: &Credential) -> String {
    match (credential.is_global, credential.user_id) {
        (true, _) => "everybody".to_owned(),
        (false, Some(user)) => format!("user {user}"),
        (false, None) => "nobody".to_owned(),
    }
}
