//! `strongroom key check`: is this master key the database's, before anything is started with it?

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use strongroom_crypto::{MasterKey, misspelling};
use strongroom_model::Secret;

use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::global::GlobalOptions;
use crate::cli::output::{Output, properties};
use crate::cli::secret_input::{read_secret_file, read_secret_stdin};
use crate::cli::session::Session;
use crate::cli::settings;
use crate::wiring;

/// The long help of `key check`.
pub(super) const ABOUT: &str = "\
Check whether a master key is valid and belongs to the database, without starting anything and without changing a \
byte. The key is the one that a server here would use (ENCRYPTION_KEY, ENCRYPTION_KEY_FILE, or the file in the data \
directory), or the one of --key-file or --key-stdin; it is never an argument. If a single character is wrong, its place \
is shown.

Exit code 0: the key belongs to the database, or there is no database yet. 2: it is not a valid key: missing, too \
short, too long, not hexadecimal, or guessable. 3: it is a key, but not this database's. 8: the database cannot be \
reached";

/// Options of `key check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckOptions {
    /// Check the key in this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Check the key on stdin, or on a terminal from a hidden prompt
    #[arg(long, conflicts_with = "key_file")]
    key_stdin: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    fingerprint: String,
    from: String,
    /// True when it opens the database; absent when there is none yet.
    fits: Option<bool>,
    /// Fingerprints of the keys that do.
    masters: Vec<String>,
}

/// Runs the command: against the server of a URL, else against the configured database itself.
pub(in crate::cli) async fn run(options: CheckOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    if global.url()?.is_some() {
        let session = Session::open(global, output.clone()).await?;
        let done = compare(&options, &session).await;
        let closed = session.close().await;
        return done.and_then(|exit| closed.map(|()| exit));
    }
    let loaded = settings::load(&settings::command_overrides(global), output)?;
    let (text, from) = match given(&options)? {
        Some(given) => given,
        None => match (&loaded.config.encryption.key, &loaded.config.encryption.key_file) {
            (Some(key), Some(file)) => (key.clone(), file.display().to_string()),
            (Some(key), None) => (key.clone(), "ENCRYPTION_KEY".to_owned()),
            (None, _) => {
                let file = settings::master_key_file(&loaded.config);
                (read_secret_file(&file)?, file.display().to_string())
            }
        },
    };
    let masters = wiring::masters(&loaded.config).await;
    judge(&text, from, masters.map_err(CliError::from), output)
}

/// Compares with the keys of a server.
pub(super) async fn compare(options: &CheckOptions, session: &Session) -> CliResult {
    let Some((text, from)) = given(options)? else {
        return Err(CliError::usage("which key is to be compared with the server's?")
            .hint("name it with --key-file FILE or --key-stdin"));
    };
    let status = session.client.key_status().await.map_err(CliError::from);
    let masters = status.map(|status| {
        Some(status.masters.into_iter().map(|master| master.fingerprint).collect::<Vec<String>>())
    });
    judge(&text, from, masters, &session.output)
}

fn given(options: &CheckOptions) -> CliResult<Option<(Secret, String)>> {
    if let Some(file) = &options.key_file {
        return Ok(Some((read_secret_file(file)?, file.display().to_string())));
    }
    if options.key_stdin {
        return Ok(Some((read_secret_stdin("Master key: ")?, "stdin".to_owned())));
    }
    Ok(None)
}

/// Judges the key. A text that is no key is reported even when the database cannot be asked.
fn judge(text: &Secret, from: String, masters: CliResult<Option<Vec<String>>>, output: &Output) -> CliResult {
    let slip = |masters: &[String]| {
        misspelling::find(text.expose(), masters).map(|slip| {
            format!("it is this database's key but for one slip: {slip}; its backup has it right")
        })
    };
    let key = match MasterKey::parse_strong(text.expose()) {
        Ok(key) => key,
        Err(error) => {
            let refused = CliError::usage(format!("{from}: {error}"));
            let known = masters.ok().flatten().unwrap_or_default();
            return Err(slip(&known).into_iter().fold(refused, CliError::hint));
        }
    };
    let masters = masters?;
    let fingerprint = key.fingerprint();
    let fits = masters.as_ref().map(|masters| masters.contains(&fingerprint));
    let known = masters.unwrap_or_default();
    let checked = Checked { fingerprint, from, fits, masters: known };
    output.data(&checked, |checked| {
        let fits = match checked.fits {
            Some(true) => "yes",
            Some(false) => "no",
            None => "there is no database yet",
        };
        properties([
            ("key from", checked.from.clone()),
            ("fingerprint", checked.fingerprint.clone()),
            ("opens the database", fits.to_owned()),
            (
                "the database's",
                if checked.masters.is_empty() { "-".into() } else { checked.masters.join(", ") },
            ),
        ])
    })?;
    if fits != Some(false) {
        return Ok(Exit::Ok);
    }
    let refused = CliError::not_found(format!(
        "{}: this key is not the database's, which needs the one with fingerprint {}",
        checked.from,
        checked.masters.join(" or ")
    ));
    if let Some(slip) = slip(&checked.masters) {
        return Err(refused.hint(slip));
    }
    Err(refused.hint(
        "to make it the new master key, start a server with it as ENCRYPTION_KEY and the one that is needed as \
         ENCRYPTION_KEY_PREVIOUS, and run `strongroom key rotate --master`",
    ))
}
