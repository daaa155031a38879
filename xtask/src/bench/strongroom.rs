//! Strongroom as it is measured: the shipped build, durable and exact, with a credential and tokens.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::machine::{SYSTEM_CORE, Served, free_port};

/// A server with what it takes to measure it.
pub(super) struct Strongroom {
    pub(super) served: Served,
    /// May use keys, and read them.
    pub(super) token: String,
    /// May do everything.
    pub(super) admin: String,
}

/// Starts one on a database, whose credential leads to the provider at this port.
pub(super) fn start(
    binary: &Path,
    folder: &Path,
    database: Option<&str>,
    provider_port: u16,
) -> Result<Strongroom> {
    start_at(binary, folder, database, provider_port, "/v1")
}

/// The same, with another path at the provider.
pub(super) fn start_at(
    binary: &Path,
    folder: &Path,
    database: Option<&str>,
    provider_port: u16,
    path: &str,
) -> Result<Strongroom> {
    fs::create_dir_all(folder)?;
    let command = |arguments: &[&str]| command(binary, folder, database, arguments);
    let endpoint = format!("http://127.0.0.1:{provider_port}{path}");
    let mut add = command(&[
        "credential",
        "add",
        "bench",
        "--provider",
        "openai",
        "--endpoint",
        &endpoint,
        "--api-key-stdin",
    ]);
    let mut adding = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    adding.stdin.take().context("a pipe")?.write_all(b"sk-bench-0123456789abcdef0123456789")?;
    ensure!(adding.wait()?.success(), "the credential could not be made");
    // Before it serves: on PostgreSQL the program goes to the database itself, and not beside a server of the same folder.
    let [token, admin] = ["reader", "admin"].map(|role| token(binary, folder, database, role));
    Ok(Strongroom { token: token?, admin: admin?, served: serve(binary, folder, database)? })
}

/// Has one serve that was made before.
pub(super) fn serve(binary: &Path, folder: &Path, database: Option<&str>) -> Result<Served> {
    let port = free_port()?;
    let serve = command(binary, folder, database, &["serve", "--listen", &format!("127.0.0.1:{port}")]);
    Served::start(SYSTEM_CORE, &serve, port)
}

/// A token of this role, of the strongroom in this folder.
fn token(binary: &Path, folder: &Path, database: Option<&str>, role: &str) -> Result<String> {
    let made = command(binary, folder, database, &["token", "create", role, "--role", role]).output()?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "the token could not be made: {said}");
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

fn command(binary: &Path, folder: &Path, database: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).env_clear().env("HOME", folder).current_dir(folder);
    command.env("STRONGROOM_DATA_DIR", folder.join("data")).env("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
    command.env("STRONGROOM_LOG", "warn");
    if let Some(url) = database {
        command.env("STRONGROOM_DATABASE_URL", url);
    }
    command
}
