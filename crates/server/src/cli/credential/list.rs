//! `strongroom credential list`

use clap::Args;
use strongroom_client::wire::credential::{Credential, ListCredentials};
use strongroom_client::wire::version::DeletedCredential;

use super::{notices, owner};
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash, yes_no};
use crate::cli::session::Session;

/// Options of `credential list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListOptions {
    /// Only of this provider
    #[arg(long, short, add = names::providers())]
    provider: Option<String>,

    /// Only active ones
    #[arg(long, conflicts_with = "inactive")]
    active: bool,

    /// Only inactive ones
    #[arg(long)]
    inactive: bool,

    /// Only names that start with this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,

    /// List deleted ones that can be restored
    #[arg(long, conflicts_with_all = ["provider", "active", "inactive", "prefix"])]
    deleted: bool,
}

pub(super) async fn run(options: ListOptions, session: &Session) -> CliResult {
    if options.deleted {
        let deleted = session.client.list_deleted_credentials().await?;
        session.output.list(deleted.as_slice(), deleted_table)?;
        return Ok(Exit::Ok);
    }
    let query = ListCredentials {
        provider: options.provider,
        is_active: (options.active || options.inactive).then_some(options.active),
        q: options.prefix,
        ..ListCredentials::default()
    };
    let credentials = session.client.all_credentials(query).await?;
    session.output.list(credentials.as_slice(), table)?;
    Ok(Exit::Ok)
}

pub(super) fn table(credentials: &[Credential]) -> Table {
    let mut table = Table::new([
        "id",
        "name",
        "provider",
        "priority",
        "active",
        "owner",
        "this month",
        "limit",
        "last used",
        "notice",
    ]);
    for credential in credentials {
        table.row([
            credential.id.to_string(),
            credential.name.clone(),
            credential.provider.clone(),
            credential.priority.to_string(),
            yes_no(credential.is_active),
            owner(credential),
            credential.current_month_usage.to_string(),
            or_dash(credential.rate_limit),
            or_dash(credential.last_used),
            notices(credential).join(", "),
        ]);
    }
    table
}

fn deleted_table(deleted: &[DeletedCredential]) -> Table {
    let mut table = Table::new(["id", "name", "provider", "used", "deleted", "purged at", "revision"]);
    for one in deleted {
        table.row([
            one.id.to_string(),
            one.name.clone(),
            one.provider.clone(),
            one.usage_count.to_string(),
            one.deleted_at.to_string(),
            one.purge_at.to_string(),
            one.revision.to_string(),
        ]);
    }
    table
}
