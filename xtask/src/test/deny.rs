//! cargo-deny: installed when it is missing, and whether the database of advisories can be reached.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::workspace::cargo;

/// The version that `deny.toml` was written for.
const VERSION: &str = "0.20.2";

/// Address from which cargo-deny fetches the advisories by default.
const ADVISORIES: &str = "https://github.com/rustsec/advisory-db";

const REACH_TIMEOUT: Duration = Duration::from_secs(20);

/// Installs it into cargo's ordinary folder for binaries unless some version is there.
///
/// Built without optimisation: it checks in a second either way, and compiles in one minute rather than many.
pub(crate) fn install() -> Result<()> {
    let present = cargo().args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if present.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("cargo-deny is missing: installing {VERSION}");
    let status = cargo()
        .args(["install", "--locked", "--quiet", "cargo-deny", "--version", VERSION])
        .args(["--config", "profile.release.opt-level=0"])
        .args(["--config", "profile.release.lto=false"])
        .args(["--config", "profile.release.codegen-units=256"])
        .stdin(Stdio::null())
        .status()
        .context("cargo install cargo-deny")?;
    ensure!(status.success(), "cargo install cargo-deny ended with {status}");
    Ok(())
}

/// Why the advisories cannot be fetched, if they cannot.
pub(super) fn unreachable_advisories() -> Option<String> {
    let mut asked = Command::new("git");
    asked.args(["ls-remote", "--quiet", ADVISORIES, "HEAD"]).env("GIT_TERMINAL_PROMPT", "0");
    asked.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut asked = match asked.spawn() {
        Ok(asked) => asked,
        Err(error) => return Some(format!("git cannot be run: {error}")),
    };
    let deadline = Instant::now() + REACH_TIMEOUT;
    while Instant::now() < deadline {
        match asked.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Ok(Some(status)) if status.success() => return None,
            Ok(Some(_)) | Err(_) => return Some(format!("{ADVISORIES} cannot be reached")),
        }
    }
    // A process that hangs in the network has nothing to clean up.
    let killed = asked.kill().and_then(|()| asked.wait());
    let outcome =
        killed.map_or_else(|error| format!(", and git could not be stopped: {error}"), |_| String::new());
    Some(format!("{ADVISORIES} did not answer within {REACH_TIMEOUT:?}{outcome}"))
}
