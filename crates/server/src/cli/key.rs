//! `strongroom key`: the master key and the keys it wraps.

use clap::Subcommand;
use serde::Serialize;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::key::{GeneratedKey, KeyStatus};
use strongroom_crypto::MasterKey;

use super::exit::{CliResult, Exit};
use super::output::{Format, Output, Table, properties, yes_no};
use super::session::Session;

/// `strongroom key …`
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Print a fresh master key for ENCRYPTION_KEY; needs no server and is stored nowhere
    Generate,
    /// Show the fingerprint of the master key in use, and the keys it wraps
    Status,
}

/// Runs the command.
pub(super) async fn run(command: KeyCommand, session: &Session) -> CliResult {
    match command {
        KeyCommand::Generate => generate(&session.output),
        KeyCommand::Status => {
            session.output.data(&session.client.key_status().await?, table)?;
            Ok(Exit::Ok)
        }
    }
}

#[derive(Serialize)]
struct Generated {
    #[serde(flatten)]
    key: GeneratedKey,
    fingerprint: String,
}

/// Makes a key offline.
pub(super) fn generate(output: &Output) -> CliResult {
    let master = MasterKey::generate();
    let fingerprint = master.fingerprint();
    let key = GeneratedKey {
        key: SecretText(master.to_hex()),
        message: "Add this key to your .env file as ENCRYPTION_KEY=<key>".to_owned(),
        warning: "Store this key securely. If lost, encrypted credentials cannot be recovered.".to_owned(),
    };
    if output.format() == Format::Table {
        output.text(key.key.0.expose())?;
        output.note(&format!("fingerprint {fingerprint}"));
        output.note(&key.message);
        output.warn(&key.warning);
    } else {
        output.data(&Generated { key, fingerprint }, |_| properties([]))?;
    }
    Ok(Exit::Ok)
}

fn table(status: &KeyStatus) -> Table {
    let mut table = Table::new(["key", "purpose", "current", "sealed", "wrapped under", "created"]);
    let master = status.master_fingerprint.clone();
    table.row([master, "master".to_owned(), yes_no(true), "-".to_owned(), "-".to_owned(), "-".to_owned()]);
    for key in &status.keys {
        table.row([
            key.id.clone(),
            key.purpose.clone(),
            yes_no(key.is_current),
            key.seal_count.to_string(),
            key.wrapped_under.join(", "),
            key.created_at.to_string(),
        ]);
    }
    table
}
