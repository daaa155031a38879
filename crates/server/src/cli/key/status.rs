//! `strongroom key status`

use strongroom_client::wire::key::{KeyRotation, KeyStatus};

use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Format, Table, or_dash, properties, yes_no};
use crate::cli::session::Session;

/// Runs the command.
pub(super) async fn run(session: &Session) -> CliResult {
    let (status, output) = (session.client.key_status().await?, &session.output);
    output.data(&status, keys)?;
    if output.format() == Format::Table {
        output.text(&format!("\n{}", output.fitted(&masters(&status)).trim_end()))?;
        output.text(&format!("\n{}", output.fitted(&servers(&status)).trim_end()))?;
        if let Some(open) = status.rotation.as_ref().filter(|rotation| rotation.is_open) {
            output.text(&format!("\n{}", output.fitted(&rotation(open)).trim_end()))?;
        }
    }
    if status.next.is_empty() {
        output.note("nothing to do");
    }
    status.next.iter().for_each(|next| output.note(&format!("next: {next}")));
    Ok(Exit::Ok)
}

fn keys(status: &KeyStatus) -> Table {
    let mut table =
        Table::new(["key", "purpose", "state", "texts", "sealed so far", "wrapped under", "created"]);
    for key in &status.keys {
        table.row([
            key.id.clone(),
            key.purpose.clone(),
            key.state.clone(),
            or_dash(key.sealed_texts),
            or_dash(key.sealed_texts.map(|_| key.seal_count)),
            key.wrapped_under.join(", "),
            key.created_at.to_string(),
        ]);
    }
    table
}

fn masters(status: &KeyStatus) -> Table {
    let mut table = Table::new(["master key", "this server's", "wraps", "needed by", "can be retired"]);
    for master in &status.masters {
        let held = match (master.is_first, master.is_held) {
            (true, _) => "yes",
            (false, true) => "as the previous one",
            (false, false) => "no",
        };
        let needed_by =
            if master.needed_by.is_empty() { "-".to_owned() } else { master.needed_by.join(", ") };
        table.row([
            master.fingerprint.clone(),
            held.to_owned(),
            master.wraps.to_string(),
            needed_by,
            yes_no(master.can_go),
        ]);
    }
    if !status.masters.iter().any(|master| master.is_first) {
        let nothing =
            [status.master_fingerprint.clone(), "yes".into(), "0".into(), "-".into(), yes_no(false)];
        table.row(nothing);
    }
    table
}

fn servers(status: &KeyStatus) -> Table {
    let mut table = Table::new(["server", "process", "master keys", "since"]);
    for server in &status.servers {
        table.row([
            server.host.clone(),
            server.process_id.to_string(),
            server.masters.join(", "),
            server.started_at.to_string(),
        ]);
    }
    table
}

/// State of a rotation.
pub(super) fn rotation(rotation: &KeyRotation) -> Table {
    properties([
        ("new data key", rotation.key_id.clone()),
        ("reason", rotation.reason.clone()),
        ("started", rotation.started_at.to_string()),
        ("finished", or_dash(rotation.finished_at)),
        ("sealed texts", rotation.texts.to_string()),
        ("left", rotation.left.to_string()),
        ("do not open", rotation.broken.to_string()),
    ])
}
