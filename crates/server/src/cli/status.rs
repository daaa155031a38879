//! `strongroom status`: which server answers, and whom it takes the caller for.

use serde::Serialize;
use strongroom_client::wire::status::{Readiness, Status};

use super::exit::{CliResult, Exit};
use super::output::{Table, or_dash, properties, yes_no};
use super::session::{ConnectionMode, Session};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    door: String,
    #[serde(flatten)]
    status: Status,
    readiness: Readiness,
}

/// Runs the command.
pub(super) async fn run(session: &Session) -> CliResult {
    let status = session.client.status().await?;
    let readiness = session.client.readiness().await?;
    let exit = if readiness.status == "ready" { Exit::Ok } else { Exit::Unavailable };
    session.output.data(&Shown { door: session.mode.to_string(), status, readiness }, table)?;
    Ok(exit)
}

impl std::fmt::Display for ConnectionMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(url) => f.write_str(url),
            Self::Socket(path) => write!(f, "socket {}", path.display()),
            Self::InProcess => f.write_str("this process, over the data directory"),
        }
    }
}

/// Describes whether it is ready, with the reasons when it is not.
fn ready(readiness: &Readiness) -> String {
    let ails = readiness.checks.iter().filter(|(_, state)| *state != "ok");
    let ails: Vec<_> = ails.map(|(dependency, state)| format!("{dependency} {state}")).collect();
    if ails.is_empty() {
        readiness.status.clone()
    } else {
        format!("{}: {}", readiness.status, ails.join(", "))
    }
}

fn table(shown: &Shown) -> Table {
    let status = &shown.status;
    properties([
        ("reached through", shown.door.clone()),
        ("listening", or_dash(status.listening.as_deref())),
        ("version", status.version.clone()),
        ("database", status.database.clone()),
        ("ready", ready(&shown.readiness)),
        ("master key", or_dash(status.master_fingerprint.as_deref())),
        ("you are", status.actor.clone()),
        ("your role", status.role.clone()),
        ("environment fallback", yes_no(status.environment_fallback)),
    ])
}
