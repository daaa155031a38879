//! `strongroom credential diff`

use clap::Args;
use strongroom_client::wire::version::{CompareVersions, Version, VersionComparison};

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::Table;
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential diff`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// The number of the first version. Default: the one before the second
    #[arg(long, value_name = "VERSION")]
    from: Option<i64>,

    /// The number of the second version. Default: the one in use
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
}

pub(super) async fn run(options: DiffOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let to = options.to.unwrap_or(credential.version);
    let query = CompareVersions { from: options.from.unwrap_or(to - 1), to };
    let found = session.client.compare_versions(credential.id, &query).await?;
    session.output.data(&found, table)?;
    Ok(Exit::Ok)
}

fn table(found: &VersionComparison) -> Table {
    let heads = [&found.from, &found.to].map(|version| format!("version {}", version.number));
    let mut table = Table::new(["", &heads[0], &heads[1]]);
    let mut row = |name: &str, of: fn(&Version) -> String| {
        table.row([name.to_owned(), of(&found.from), of(&found.to)]);
    };
    row("state", |version| version.state.clone());
    row("origin", |version| version.origin.clone());
    row("made", |version| version.created_at.to_string());
    row("by", |version| version.created_by.clone());
    for field in &found.fields {
        let (from, to) = match field.difference.as_str() {
            "added" => ("-", "has one"),
            "removed" => ("has one", "-"),
            "same" => ("has one", "the same"),
            "changed" => ("has one", "another one"),
            _ => ("has one", "cannot be told"),
        };
        let name = if field.field == "apiKey" { "key" } else { "second secret" };
        table.row([name.to_owned(), from.to_owned(), to.to_owned()]);
    }
    table
}
