//! `strongroom credential destroy`

use clap::Args;

use super::details;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential destroy`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DestroyOptions {
    /// Its name or id
    name: String,

    /// The number of the version (see `credential versions`)
    #[arg(long, value_name = "VERSION")]
    version: i64,

    /// Only when it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: DestroyOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.confirm(&format!(
        "Erase the key of version {} of credential \"{}\"? It cannot be brought back",
        options.version, credential.name
    ))?;
    let changed = session.client.destroy_version(credential.id, options.version, options.if_match).await?;
    session.output.data(&changed, details)?;
    session.output.note(&format!("the key of version {} is erased", options.version));
    let versions = session.client.list_versions(credential.id).await?;
    let same = versions.iter().find(|it| it.number == options.version).map(|it| it.same_key_in.as_slice());
    session.output.note(&match same {
        Some(same @ [_, ..]) => {
            format!(
                "the key itself is to stay at the provider: {} the same one",
                super::versions::holders(same)
            )
        }
        _ => "the key itself still works at the provider: revoke it there".to_owned(),
    });
    Ok(Exit::Ok)
}
