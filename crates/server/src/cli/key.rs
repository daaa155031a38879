//! `strongroom key`: the master key and the keys it wraps.

mod check;
mod rotate;
mod status;

use clap::Subcommand;
use serde::Serialize;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::key::GeneratedKey;
use strongroom_crypto::MasterKey;

use super::exit::{CliResult, Exit};
use super::output::{Format, Output, properties};
use super::session::Session;

pub(super) use check::run as check;

/// `strongroom key …`
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Print a new master key for ENCRYPTION_KEY; this needs no server, and the key is not stored
    Generate,
    /// Check whether a master key is valid and the database's, without starting anything
    #[command(long_about = check::ABOUT)]
    Check(check::CheckOptions),
    /// Show the keys, the master keys that wrap them, the servers that hold those, and what to do next
    Status,
    /// Replace the data key and seal everything again; with --master replace the master key
    #[command(long_about = rotate::ABOUT)]
    Rotate(rotate::RotateOptions),
}

/// Runs the command.
pub(super) async fn run(command: KeyCommand, session: &Session) -> CliResult {
    match command {
        KeyCommand::Generate => generate(&session.output),
        KeyCommand::Check(options) => check::compare(&options, session).await,
        KeyCommand::Status => status::run(session).await,
        KeyCommand::Rotate(options) => rotate::run(&options, session).await,
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
