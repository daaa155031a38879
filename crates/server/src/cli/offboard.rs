//! `strongroom offboard`: whether keys that stood elsewhere are still used, and which can be revoked.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use strongroom_client::wire::offboard::{OffboardReport, OffboardRequest, OffboardedKey};
use strongroom_model::provider::{self, Teller};

use super::completion::names;
use super::duration::parse_seconds;
use super::exit::{CliResult, Exit};
use super::output::{Table, or_dash};
use super::session::Session;

/// Options of `offboard`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without names, all keys are reported that were replaced, and all that `strongroom import
env` has imported. OpenRouter tells the last use of a key to its owner, OpenAI to the
credential that makes keys for this one (`strongroom credential update NAME --rotate-with
...`). Other providers tell nothing: of their keys only uses through strongroom are known,
and the report says so. Keys are sent to their own providers only, and each request is
recorded in the audit trail.

The exit code is 0 when every key is idle or gone, and 1 while one is in use, serves here,
or could not be checked.")]
pub(super) struct OffboardOptions {
    /// Names of credentials, whose old and present keys are asked about
    #[arg(value_name = "NAME", add = names::credentials())]
    names: Vec<String>,

    /// A key is idle when nobody has used it for this long, such as 24h or 7d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = hours)]
    idle: i64,

    /// Continue until every key is idle or gone, and report changes
    #[arg(long)]
    watch: bool,

    /// The time between two questions
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_seconds, requires = "watch")]
    every: i64,
}

fn hours(text: &str) -> Result<i64, String> {
    let seconds = parse_seconds(text)?;
    if seconds % 3600 != 0 || seconds > 8784 * 3600 {
        return Err("must be whole hours or days, at most 366 days".to_owned());
    }
    Ok(seconds / 3600)
}

/// Runs the command.
///
/// # Errors
/// When the server does not answer, or a named credential does not exist.
pub(super) async fn run(options: OffboardOptions, session: &Session) -> CliResult {
    let body = OffboardRequest { credentials: options.names, idle_hours: options.idle };
    let mut said = BTreeMap::new();
    loop {
        let report = session.client.offboard_keys(&body).await?;
        let is_over = report.keys.iter().all(is_over);
        for key in &report.keys {
            let sentence = sentence(key);
            let place = (key.credential_id, key.version);
            if said.get(&place) != Some(&sentence) {
                session.output.note(&sentence);
                said.insert(place, sentence);
            }
        }
        if is_over || !options.watch {
            session.output.data(&report, table)?;
            if report.keys.is_empty() {
                session.output.note("no key was replaced yet, and none came out of a .env file");
            }
            return Ok(if is_over { Exit::Ok } else { Exit::Failure });
        }
        tokio::time::sleep(Duration::from_secs(options.every.unsigned_abs())).await;
    }
}

fn is_over(key: &OffboardedKey) -> bool {
    ["idle", "gone"].contains(&key.state.as_str())
}

fn table(report: &OffboardReport) -> Table {
    let mut table =
        Table::new(["credential", "version", "provider", "state", "idle since", "told by", "used elsewhere"]);
    for key in &report.keys {
        table.row([
            key.credential.clone(),
            key.version.to_string(),
            key.provider.clone(),
            key.state.clone(),
            or_dash(key.idle_since),
            key.told_by.clone(),
            or_dash(key.used_elsewhere.map(|used| if used { "yes" } else { "no" })),
        ]);
    }
    table
}

/// Describes what is known of a key and what to do.
fn sentence(key: &OffboardedKey) -> String {
    let OffboardedKey { credential, version, provider, .. } = key;
    let which = format!("{credential}, version {version}:");
    let is_told = key.told_by == "provider";
    let untold = match provider::find(provider).filter(|known| known.api.last_use == Teller::Minter) {
        Some(known) => format!(
            "{} was not asked about other uses: `strongroom credential update` with --rotate-with names a credential that \
             may ask",
            known.title
        ),
        None => format!("{provider} does not tell of other uses"),
    };
    match (key.state.as_str(), key.idle_since) {
        ("gone", _) => format!("{which} {provider} does not accept it any more; nothing is left to do"),
        ("serving", _) if key.used_elsewhere == Some(true) => format!(
            "{which} serves here and is used elsewhere too; make a new key at {provider} and store it with `strongroom \
             credential update {credential} --api-key-stdin`"
        ),
        ("serving", _) => format!(
            "{which} serves here; once a new key is stored with `strongroom credential update {credential} \
             --api-key-stdin`, this one can go"
        ),
        ("idle", Some(since)) if key.is_revoked_here => {
            format!("{which} idle since {since}; strongroom revokes it by itself")
        }
        ("idle", Some(since)) if is_told => {
            format!("{which} idle since {since}, revoke it now at {provider}")
        }
        ("idle", Some(since)) => format!(
            "{which} idle here since {since}, and {untold}; see that nothing has the old file any more, and revoke it now \
             at {provider}"
        ),
        ("unknown", _) => {
            format!(
                "{which} cannot be told: {}",
                key.problem.as_deref().unwrap_or("the provider was not asked")
            )
        }
        (_, Some(since)) if is_told => {
            format!("{which} last used at {since} or before; not idle for long enough")
        }
        (_, Some(since)) => format!("{which} last used here at {since}; not idle for long enough; {untold}"),
        _ => format!("{which} in use today; look for what still has the old key"),
    }
}
