//! The history of a git repository: every line that any commit on any branch has ever added, read from `git log`.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::findings::Findings;
use crate::cli::exit::{CliError, CliResult};

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Read(u64),
    NoRepository,
    NoGit,
}

/// A repository is not to run anything: its own settings can name programs for signatures, differences and file watching.
fn git(path: &Path) -> Command {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
    };
    let mut command = Command::new("git");
    command
        .args(["-c", "log.showSignature=false", "-c", "core.fsmonitor=false", "-C"])
        .arg(folder)
        .envs([("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_NO_LAZY_FETCH", "1")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

pub(super) async fn scan(path: &Path, findings: &mut Findings, step: &dyn Fn()) -> CliResult<Outcome> {
    let inside = git(path).args(["rev-parse", "--git-dir"]).output().await;
    match inside {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::NoGit),
        Err(error) => return Err(CliError::failure(format!("git cannot be started: {error}"))),
        Ok(done) if !done.status.success() => return Ok(Outcome::NoRepository),
        Ok(_) => {}
    }
    let mut child = git(path)
        .args(["log", "--all", "-p", "-m", "-U0", "--text", "--no-color", "--no-ext-diff", "--no-textconv"])
        .args(["--no-renames", "--format=commit %H", "--"])
        .args(if path.is_dir() { None } else { path.file_name() })
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| CliError::failure(format!("git cannot be started: {error}")))?;
    let output = child.stdout.take().ok_or_else(|| CliError::failure("git has no output"))?;
    let mut lines = BufReader::new(output);
    let (mut line, mut commit, mut file, mut commits) = (Vec::new(), String::new(), String::new(), 0);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 {
            break;
        }
        if let Some(hash) = line.strip_prefix(b"commit ") {
            let next = String::from_utf8_lossy(hash).trim().chars().take(12).collect();
            if next != commit {
                commit = next;
                commits += 1;
                step();
            }
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            file = name.strip_prefix("b/").map(str::to_owned).unwrap_or(name);
        } else if let Some(added) = line.strip_prefix(b"+") {
            findings.look(added, |_| format!("{commit}:{file}"));
        }
    }
    let status = child.wait().await?;
    if !status.success() {
        return Err(CliError::failure("git could not read all of the history; `git fsck` says why"));
    }
    Ok(Outcome::Read(commits))
}
