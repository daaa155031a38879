//! `strongroom credential`: the keys themselves, one command per file.

mod abort;
mod add;
mod canary;
mod destroy;
mod diff;
mod due;
mod freeze;
mod get;
mod health;
mod list;
mod promote;
mod purge;
mod remove;
mod roll_back;
mod rotate;
mod show;
mod stage;
mod test;
mod undelete;
mod unused;
mod update;
mod versions;

use clap::Subcommand;
use strongroom_client::wire::credential::Credential;

use super::exit::CliResult;
use super::output::{Format, Table, or_dash, properties, yes_no};
use super::session::Session;

/// `strongroom credential …`
#[derive(Debug, Subcommand)]
pub(super) enum CredentialCommand {
    /// Store a provider's key
    Add(Box<add::AddOptions>),
    /// List credentials, without their keys
    #[command(visible_alias = "ls")]
    List(list::ListOptions),
    /// Show a credential, without its key
    Show(show::ShowOptions),
    /// Read a key; this counts one use
    Get(get::GetOptions),
    /// Change a credential, or store a new key for it
    Update(Box<update::UpdateOptions>),
    /// Delete a credential; for a while it can be restored
    #[command(visible_alias = "rm")]
    Remove(remove::RemoveOptions),
    /// Check whether a credential can be used; this counts no use
    Test(test::TestOptions),
    /// List what became of a credential's health: what its provider said of its key, and when
    Health(health::HealthOptions),
    /// List the versions of a credential, without their keys
    Versions(versions::VersionsOptions),
    /// Compare two versions, without showing their keys
    Diff(diff::DiffOptions),
    /// Use the key of an older version again
    Rollback(roll_back::RollBackOptions),
    /// Erase the key of a version that is not in use, for good
    Destroy(destroy::DestroyOptions),
    /// Store a new key that is not used until it is promoted
    Stage(stage::StageOptions),
    /// Send a share of the gateway's calls to the staged key
    Canary(canary::CanaryOptions),
    /// Use the staged key from now on
    Promote(promote::PromoteOptions),
    /// Discard the staged key
    Abort(abort::AbortOptions),
    /// Replace the key: automatically where the provider makes keys, else step by step
    Rotate(Box<rotate::RotateOptions>),
    /// Restore a deleted credential
    Undelete(undelete::UndeleteOptions),
    /// Erase the keys of a deleted credential, for good
    Purge(purge::PurgeOptions),
    /// List credentials that nobody has used for a while
    Unused(unused::UnusedOptions),
    /// Stop its use on every server at once, when its key has leaked or may have
    Freeze(freeze::FreezeOptions),
    /// Allow the use of a frozen credential again
    Unfreeze(freeze::FreezeOptions),
}

pub(super) use due::notices;

/// Runs the command.
pub(super) async fn run(command: CredentialCommand, session: &Session) -> CliResult {
    match command {
        CredentialCommand::Add(options) => add::run(*options, session).await,
        CredentialCommand::List(options) => list::run(options, session).await,
        CredentialCommand::Show(options) => show::run(options, session).await,
        CredentialCommand::Get(options) => get::run(options, session).await,
        CredentialCommand::Update(options) => update::run(*options, session).await,
        CredentialCommand::Remove(options) => remove::run(options, session).await,
        CredentialCommand::Test(options) => test::run(options, session).await,
        CredentialCommand::Health(options) => health::run(options, session).await,
        CredentialCommand::Versions(options) => versions::run(options, session).await,
        CredentialCommand::Diff(options) => diff::run(options, session).await,
        CredentialCommand::Rollback(options) => roll_back::run(options, session).await,
        CredentialCommand::Destroy(options) => destroy::run(options, session).await,
        CredentialCommand::Stage(options) => stage::run(options, session).await,
        CredentialCommand::Canary(options) => canary::run(options, session).await,
        CredentialCommand::Promote(options) => promote::run(options, session).await,
        CredentialCommand::Abort(options) => abort::run(options, session).await,
        CredentialCommand::Rotate(options) => rotate::run(*options, session).await,
        CredentialCommand::Undelete(options) => undelete::run(options, session).await,
        CredentialCommand::Purge(options) => purge::run(options, session).await,
        CredentialCommand::Unused(options) => unused::run(options, session).await,
        CredentialCommand::Freeze(options) => freeze::freeze(options, session).await,
        CredentialCommand::Unfreeze(options) => freeze::unfreeze(options, session).await,
    }
}

/// Shows everything about one credential.
async fn show_details(credential: &Credential, session: &Session) -> CliResult<()> {
    let minter = match &credential.rotate_with {
        Some(with) if session.output.format() == Format::Table => {
            // Without its name it is still known by its number.
            let minter = session.client.get_credential(with.credential_id).await.ok();
            minter.map(|minter| minter.name)
        }
        _ => None,
    };
    session.output.data(credential, |credential| details(credential, minter.as_deref()))
}

fn details(credential: &Credential, minter: Option<&str>) -> Table {
    let mut table = properties([
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
    ]);
    if let Some(staged) = &credential.staged {
        let share = format!("version {}, {}% of the gateway's calls", staged.version, staged.percent);
        table.row(["staged".to_owned(), share]);
    }
    if let Some(at) = credential.expires_at {
        table.row(["expires".to_owned(), at.to_string()]);
    }
    if let Some(days) = credential.rotate_after_days {
        let due = or_dash(credential.rotation_due);
        table.row(["new key due".to_owned(), format!("{due} (after {days} days)")]);
    }
    if let Some(with) = &credential.rotate_with {
        let project = with.project.as_ref().map(|it| format!(", project {it}")).unwrap_or_default();
        let minter = match minter {
            Some(name) => format!("{name} (id {})", with.credential_id),
            None => format!("credential {}", with.credential_id),
        };
        table.row(["rotated with".to_owned(), format!("{minter}{project}")]);
    }
    if !credential.tags.is_empty() {
        let tags: Vec<_> = credential.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        table.row(["booked to".to_owned(), tags.join(", ")]);
    }
    table
}

/// Owner of a credential.
fn owner(credential: &Credential) -> String {
    match (credential.is_global, credential.user_id) {
        (true, _) => "everybody".to_owned(),
        (false, Some(user)) => format!("user {user}"),
        (false, None) => "nobody".to_owned(),
    }
}
