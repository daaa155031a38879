//! `strongroom backup verify FILE`

use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use strongroom::backup::{inspect, prove};
use strongroom::{MasterKey, Secret};
use strongroom_client::wire::backup::ProvenBackup;

use super::summary::{Summary, table};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::global::GlobalOptions;
use crate::cli::output::Output;
use crate::cli::secret_input::read_secret_file;
use crate::cli::session::Session;
use crate::cli::{progress, settings};

/// Options of `backup verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without the master key this verifies that the file is complete and was not damaged. With
it, that nobody changed the file on purpose, that every sealed text opens, and that every
MAC and the audit trail verify. The key is the configured one (ENCRYPTION_KEY,
ENCRYPTION_KEY_FILE, or master.key in the data directory). If there is none, or it belongs
to another backup, the file is verified without it, and the output says so.")]
pub(super) struct VerifyOptions {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Fail when the master key is not there
    #[arg(long)]
    with_key: bool,

    /// Report to the installation that this backup was proven; without such a report for
    /// a week the alert backup_old fires
    #[arg(long, conflicts_with = "without_key")]
    report: bool,

    /// Do not use the master key
    #[arg(long, conflicts_with = "with_key")]
    without_key: bool,
}

pub(super) async fn run(options: VerifyOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    let open = || super::opened(&options.file);
    let bar = progress::start(output, "reading", None);
    let contents = inspect(BufReader::new(open()?))?;
    bar.finish_and_clear();
    let keys = if options.without_key { Vec::new() } else { master_keys(global, output)? };
    let needed = contents.masters.join(" or ");
    if !keys.iter().any(|key| contents.masters.contains(&key.fingerprint())) {
        if options.with_key || options.report {
            return Err(CliError::failure(format!("the master key with fingerprint {needed} is not there"))
                .hint("give it as ENCRYPTION_KEY_FILE or ENCRYPTION_KEY"));
        }
        output.data(&Summary::of(&contents), table)?;
        output.note(&format!(
            "the file is complete and unaltered; whether it opens was not tried: that takes the master key with \
             fingerprint {needed}"
        ));
        return Ok(Exit::Ok);
    }
    let bar = progress::start(output, "opening", None);
    let mut watch = |step| {
        if let strongroom::backup::Step::Filling { rows } = step {
            bar.set_position(rows);
        }
        Ok(())
    };
    let (contents, proof) = prove(&mut BufReader::new(open()?), &keys, &mut watch).await?;
    bar.finish_and_clear();
    output.data(&Summary::proven(&contents, &proof), table)?;
    if let Some(first) = proof.faults.first() {
        return Err(CliError::new(
            Exit::Integrity,
            format!("not everything in the backup verifies: {first}"),
        ));
    }
    output.note("the file is complete and unaltered, and everything in it opens and verifies");
    if options.report {
        let session = Session::open(global, output.clone()).await?;
        let reported =
            session.client.note_proven_backup(&ProvenBackup { made_at: contents.created_at }).await;
        let closed = session.close().await;
        output.note(&reported?.message);
        closed?;
    }
    Ok(Exit::Ok)
}

/// The master key of the configuration and the one that it replaces, as far as they are there.
fn master_keys(global: &GlobalOptions, output: &Output) -> CliResult<Vec<MasterKey>> {
    let config = settings::load(&settings::command_overrides(global), output)?.config;
    let file = settings::master_key_file(&config);
    let text = match config.encryption.key {
        Some(key) => Some(key),
        None if file.exists() => Some(read_secret_file(&file)?),
        None => None,
    };
    let parse =
        |text: Secret| MasterKey::parse(text.expose()).map_err(|error| CliError::usage(error.to_string()));
    text.into_iter().chain(config.encryption.previous).map(parse).collect()
}
