//! `strongroom key rotate`

use std::time::{Duration, Instant};

use clap::Args;
use strongroom_client::wire::key::{KeyRotation, KeyRotationStarted, MasterKeyChange};

use super::status;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Table, properties};
use crate::cli::progress;
use crate::cli::session::Session;

/// The long help of `key rotate`.
pub(super) const ABOUT: &str = "\
Replace the data key. The new key is used at once, servers continue to answer while everything is sealed again under it, \
all of it is verified, and then the old key retires. If this is interrupted, a running server continues it; without a server, \
run the same command again.

With --master the master key is replaced instead, in two steps, and no secret is touched. First start a server with \
the new key as ENCRYPTION_KEY and the old one as ENCRYPTION_KEY_PREVIOUS, and run `key rotate --master`. Then give the new key to \
all other servers, one after the other. Then run `key rotate --master --finish`, which retires the old key, or \
names the servers that still need it. `key status` shows the next step at any time";

/// Options of `key rotate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateOptions {
    /// Replace the master key: wrap every key under the server's new one as well
    #[arg(long)]
    master: bool,

    /// Retire the old master key once every server has the new one; a server that still uses the old one refuses
    #[arg(long, requires = "master")]
    finish: bool,

    /// Do not wait for the end
    #[arg(long, conflicts_with = "master")]
    no_wait: bool,
}

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// A rotation without progress for so long has no process that works on it.
const STALL_TIMEOUT: Duration = Duration::from_secs(600);

/// Runs the command.
pub(super) async fn run(options: &RotateOptions, session: &Session) -> CliResult {
    if options.finish {
        session.confirm(
            "Retire the master keys that this server's replaced? Backups from before need the old key still.",
        )?;
        return say(&session.client.retire_master_keys().await?, session);
    }
    if options.master {
        return say(&session.client.rotate_master_key().await?, session);
    }
    let started = session.client.rotate_key().await?;
    if options.no_wait {
        session.output.data(&started, |started: &KeyRotationStarted| status::rotation(&started.rotation))?;
        return Ok(Exit::Ok);
    }
    let ended = wait(started, session).await?;
    session.output.data(&ended, status::rotation)?;
    if ended.broken > 0 {
        return Err(CliError::new(
            Exit::Integrity,
            format!("{} sealed texts do not open; they stay as they are, and so does the key they are under", ended.broken),
        )
        .hint("`strongroom audit list --action key.rotate_finish` names them; restore them from a backup or store those keys again")
        .hint("then run `strongroom key rotate` again"));
    }
    Ok(Exit::Ok)
}

/// Waits for the end of a rotation that others work on.
async fn wait(started: KeyRotationStarted, session: &Session) -> CliResult<KeyRotation> {
    if !started.is_new {
        session.output.note("a rotation is running already; waiting for its end");
    }
    let mut rotation = started.rotation;
    let key_id = rotation.key_id.clone();
    let total = u64::try_from(rotation.texts).unwrap_or_default();
    let bar = progress::start(&session.output, "sealing again", Some(total));
    let mut moved = Instant::now();
    while rotation.is_open {
        tokio::time::sleep(POLL_INTERVAL).await;
        let Some(now) = session.client.key_status().await?.rotation else { break };
        if now.key_id != key_id {
            // It has ended, and another one was begun by somebody else.
            rotation.is_open = false;
            break;
        }
        if now.left != rotation.left {
            moved = Instant::now();
        }
        if moved.elapsed() > STALL_TIMEOUT {
            bar.finish_and_clear();
            return Err(CliError::failure("the rotation does not go on").hint(
                "the servers' logs say why; nothing is lost, and `strongroom key rotate` has it go on from where it is",
            ));
        }
        rotation = now;
        bar.set_position(u64::try_from(rotation.texts - rotation.left).unwrap_or_default());
        if rotation.left == 0 {
            bar.set_message("proving that all opens");
        }
    }
    bar.finish_and_clear();
    Ok(rotation)
}

fn say(change: &MasterKeyChange, session: &Session) -> CliResult {
    session.output.data(change, table)?;
    change.next.iter().for_each(|next| session.output.note(&format!("next: {next}")));
    if change.wrapped == 0 && change.retired.is_empty() && change.others.is_empty() {
        session.output.note(
            "everything is wrapped under this server's master key alone, so there is nothing to replace; to replace it, \
             start the server with the new key as ENCRYPTION_KEY and this one as ENCRYPTION_KEY_PREVIOUS",
        );
    }
    Ok(Exit::Ok)
}

fn table(change: &MasterKeyChange) -> Table {
    let list = |masters: &[String]| if masters.is_empty() { "-".to_owned() } else { masters.join(", ") };
    properties([
        ("master key", change.fingerprint.clone()),
        ("keys wrapped now", change.wrapped.to_string()),
        ("also wrapped under", list(&change.others)),
        ("retired now", list(&change.retired)),
    ])
}
