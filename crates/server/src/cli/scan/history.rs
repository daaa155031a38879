//! The history of a git repository: every object that any branch, tag or stash reaches, read by `git cat-file`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::findings::Findings;
use super::unpacked::MAX_FILE_BYTES;
use crate::cli::exit::{CliError, CliResult};

/// The outcome of a scan of a history.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Read(u64),
    NoRepository,
    NoGit,
}

/// Objects that wait to be read.
const QUEUE_OBJECTS: usize = 1024;

/// Settings that no repository may have: each starts a program, or makes git fetch something. What is read here takes
/// no difference, no filter, no hook, no pager, no signature and no alias, so that these are a second fence.
const SETTINGS: [&str; 13] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.sshCommand=false",
    "core.askPass=false",
    "credential.helper=",
    "diff.external=",
    "log.showSignature=false",
    "protocol.allow=never",
    "uploadpack.packObjectsHook=",
    "submodule.recurse=false",
    // Belongs to whoever made it: nothing in it is run, so that this says nothing of trust.
    "safe.directory=*",
];

/// Git with nothing of this process's environment but where programs are: it holds our secrets, and variables of git's
/// own that name programs.
fn git(path: &Path) -> Command {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
    };
    let mut command = Command::new("git");
    command.arg("--no-pager").arg("--literal-pathspecs");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .arg("-C")
        .arg(folder)
        .env_clear()
        .env("PATH", absolute_folders(std::env::var_os("PATH").unwrap_or_default()))
        .envs([
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            // No transport at all, whatever the repository allows.
            ("GIT_ALLOW_PROTOCOL", ""),
            ("GIT_SSH_COMMAND", "false"),
            ("GIT_ASKPASS", "false"),
            ("LC_ALL", "C"),
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The folders of a `PATH` that do not depend on where a command is started: a `git` that lies in what is scanned is
/// not run.
fn absolute_folders(path: OsString) -> OsString {
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    std::env::join_paths(folders).unwrap_or_default()
}

/// An object, and where it came in.
struct Object {
    commit: String,
    path: String,
    is_commit: bool,
}

pub(super) async fn scan(path: &Path, findings: &mut Findings, step: &dyn Fn()) -> CliResult<Outcome> {
    let inside = git(path).args(["rev-parse", "--git-dir"]).output().await;
    match inside {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::NoGit),
        Err(error) => return Err(cannot_start(&error)),
        Ok(done) if !done.status.success() => return Ok(Outcome::NoRepository),
        Ok(_) => {}
    }
    if let Some(missing) = missing_history(path).await? {
        findings.skip(missing);
    }
    look_at_branches(path, findings).await?;
    // The oldest commit first, so that each object is told with the commit that brought it.
    let mut listing = git(path)
        .args(["rev-list", "--all", "--reflog", "--objects", "--in-commit-order", "--reverse"])
        // Those that a clone with a filter lacks do not end the listing.
        .args(["--missing=print", "--"])
        .args(if path.is_dir() { None } else { path.file_name() })
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(&error))?;
    let mut reading = git(path)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(&error))?;
    let (Some(listed), Some(ask), Some(answers)) =
        (listing.stdout.take(), reading.stdin.take(), reading.stdout.take())
    else {
        return Err(CliError::failure("git has no output"));
    };
    let (sender, receiver) = mpsc::channel(QUEUE_OBJECTS);
    let (asked, read) =
        tokio::join!(ask_for(listed, ask, sender), read_all(answers, receiver, findings, step));
    let (commits, unread) = read?;
    let missing = unread + asked?;
    if missing > 0 {
        findings.skip(format!(
            "{missing} objects of the history are not in this repository and were not read: a clone without --filter has them"
        ));
    }
    let (listing, reading) = (listing.wait().await?, reading.wait().await?);
    if !listing.success() || !reading.success() {
        return Err(CliError::failure("git could not read all of the history; `git fsck` says why"));
    }
    Ok(Outcome::Read(commits))
}

/// Looks for keys in the names of branches, tags and whatever else is named.
async fn look_at_branches(path: &Path, findings: &mut Findings) -> CliResult<()> {
    let asked = git(path).args(["for-each-ref", "--format=%(refname)"]).output().await;
    let asked = asked.map_err(|error| cannot_start(&error))?;
    if !asked.status.success() {
        return Err(CliError::failure("git could not list the branches; `git fsck` says why"));
    }
    for name in String::from_utf8_lossy(&asked.stdout).lines() {
        findings.look_at_name(name, &|| name.to_owned());
    }
    Ok(())
}

/// Tells what a clone that was made with a depth lacks, and how to get it.
async fn missing_history(path: &Path) -> CliResult<Option<String>> {
    let asked = git(path).args(["rev-parse", "--is-shallow-repository"]).output().await;
    let asked = asked.map_err(|error| cannot_start(&error))?;
    let is_shallow = asked.status.success() && asked.stdout.starts_with(b"true");
    Ok(is_shallow.then(|| {
        "this clone is shallow: the history before its oldest commits is not here and was not read, and other branches \
         may be missing as well; `git remote set-branches origin '*'`, then `git fetch --unshallow` brings them"
            .to_owned()
    }))
}

fn cannot_start(error: &std::io::Error) -> CliError {
    CliError::failure(format!("git cannot be started: {error}"))
}

/// Asks for every listed object, and sends on what it is. A line is the name of a commit, or of a tree or a blob, a
/// blank, and its path, which is empty for a root. Returns how many objects are not there, which a `?` stands before.
async fn ask_for(listed: ChildStdout, mut ask: ChildStdin, sender: mpsc::Sender<Object>) -> CliResult<u64> {
    let mut lines = BufReader::new(listed);
    let (mut line, mut commit, mut missing) = (Vec::new(), String::new(), 0);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 {
            return Ok(missing);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\n');
        if text.starts_with('?') {
            missing += 1;
            continue;
        }
        let (name, path) = text.split_once(' ').map_or((text, None), |(name, path)| (name, Some(path)));
        if path == Some("") {
            continue;
        }
        if path.is_none() {
            commit = name.chars().take(12).collect();
        }
        let object = Object {
            commit: commit.clone(),
            path: path.unwrap_or("message").to_owned(),
            is_commit: path.is_none(),
        };
        // The reader is gone only when it has failed, and says so itself.
        if sender.send(object).await.is_err() {
            return Ok(missing);
        }
        ask.write_all(name.as_bytes()).await?;
        ask.write_all(b"\n").await?;
    }
}

/// Reads the objects in the order in which they were asked for, and returns how many commits there were, and how many objects
/// that are not there.
async fn read_all(
    answers: ChildStdout,
    mut objects: mpsc::Receiver<Object>,
    findings: &mut Findings,
    step: &dyn Fn(),
) -> CliResult<(u64, u64)> {
    let mut answers = BufReader::new(answers);
    let (mut head, mut bytes, mut commits) = (String::new(), Vec::new(), HashSet::new());
    let (mut missing, mut named) = (0_u64, HashSet::new());
    while let Some(Object { commit, path, is_commit }) = objects.recv().await {
        if is_commit && commits.insert(commit.clone()) {
            step();
        }
        if !is_commit && named.insert(path.clone()) {
            let name = path.rsplit('/').next().unwrap_or(&path);
            findings.look_at_name(name, &|| format!("{commit}:{path}"));
        }
        head.clear();
        answers.read_line(&mut head).await?;
        // `<name> <kind> <size>`, or `<name> missing`.
        let mut words = head.split_ascii_whitespace().skip(1);
        let (Some(kind), Some(size)) = (words.next(), words.next().and_then(|size| size.parse::<u64>().ok()))
        else {
            missing += 1;
            continue;
        };
        if kind == "tree" || size > MAX_FILE_BYTES {
            let mut rest = (&mut answers).take(size + 1);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
            if kind != "tree" {
                findings.skip(format!("{commit}:{path} has more than 64 MiB and was not read"));
            }
            continue;
        }
        bytes.clear();
        (&mut answers).take(size).read_to_end(&mut bytes).await?;
        answers.read_u8().await?;
        findings.look(&bytes, |_| format!("{commit}:{path}"));
    }
    Ok((commits.len() as u64, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_stay_the_same_are_searched_for_programs() {
        let path = OsString::from("/usr/bin:.::bin:../x:/bin");
        assert_eq!(absolute_folders(path), OsString::from("/usr/bin:/bin"));
    }
}
