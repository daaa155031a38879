//! The command itself: started as it is, signals passed on, its exit code taken over.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use futures::StreamExt;
use futures::stream::SelectAll;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal as listen};

use super::Prepared;
use crate::cli::exit::{CliError, CliResult};

/// Exit codes of a shell for a command that is not there, and for one that cannot be executed (POSIX.1-2017, 2.8.2).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

const PASSED_ON: [Signal; 8] = [
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

/// Signals that a terminal sends to every process in its foreground, the child included: passing them on would send them twice.
const SENT_BY_TERMINAL: [Signal; 3] = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGWINCH];

/// Runs the command to its end and returns its exit code, 128+n when signal n ended it. A command that cannot be
/// started is told through `complain`.
pub(in crate::cli) async fn run(prepared: Prepared, complain: impl FnOnce(CliError)) -> CliResult<u8> {
    let Prepared { command, environment } = prepared;
    let Some((program, arguments)) = command.split_first() else {
        return Err(CliError::usage("there is no command to run"));
    };
    // Listened for before there is a child, so that none is lost in between.
    let mut signals = signals()?;
    let started = Command::new(program).args(arguments).env_clear().envs(environment).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
            complain(CliError::failure(format!("{} cannot be started: {error}", program.display())));
            return Ok(code);
        }
    };
    let from_terminal = io::stdin().is_terminal();
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            Some(signal) = signals.next() => {
                if !(from_terminal && SENT_BY_TERMINAL.contains(&signal)) {
                    pass_on(&child, signal);
                }
            }
        }
    }
}

fn signals() -> CliResult<SelectAll<futures::stream::BoxStream<'static, Signal>>> {
    let mut all = SelectAll::new();
    for passed_on in PASSED_ON {
        let listener = listen(SignalKind::from_raw(passed_on as i32))?;
        let stream = futures::stream::unfold(listener, move |mut listener| async move {
            listener.recv().await.map(|()| (passed_on, listener))
        });
        all.push(stream.boxed());
    }
    Ok(all)
}

fn pass_on(child: &Child, signal: Signal) {
    // `id` is `None` once the child has been waited for, so that no other process is ever hit. A child that has ended
    // in between takes no signal, which is no error.
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = signal::kill(Pid::from_raw(id), signal);
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    async fn run_with(command: &[&str], environment: &[(&str, &str)]) -> (u8, Option<String>) {
        let prepared = Prepared {
            command: command.iter().map(OsString::from).collect(),
            environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        };
        let mut complaint = None;
        let code = run(prepared, |error| complaint = Some(error.message)).await.unwrap();
        (code, complaint)
    }

    #[tokio::test]
    async fn the_exit_code_is_the_commands_or_128_and_the_signal() {
        assert_eq!(run_with(&["/bin/sh", "-c", "exit 0"], &[]).await.0, 0);
        assert_eq!(run_with(&["/bin/sh", "-c", "exit 7"], &[]).await.0, 7);
        assert_eq!(run_with(&["/bin/sh", "-c", "kill -TERM $$"], &[]).await.0, 128 + 15);
        assert_eq!(run_with(&["/bin/sh", "-c", "kill -KILL $$"], &[]).await.0, 128 + 9);
    }

    #[tokio::test]
    async fn the_environment_is_what_was_composed_and_nothing_else() {
        let check = r#"test "$OPENAI_API_KEY" = k1 && test -z "$HOME$CARGO_MANIFEST_DIR""#;
        assert_eq!(run_with(&["/bin/sh", "-c", check], &[("OPENAI_API_KEY", "k1")]).await.0, 0);
    }

    #[tokio::test]
    async fn arguments_go_through_no_shell() {
        let check = r#"test "$1" = '$(exit 3); *'"#;
        assert_eq!(run_with(&["/bin/sh", "-c", check, "sh", "$(exit 3); *"], &[]).await.0, 0);
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_told_without_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plain");
        std::fs::write(&file, "").unwrap();
        let plain = file.to_str().unwrap();
        for (command, code) in [("/nonexistent/command", 127), (plain, 126)] {
            let (returned, complaint) = run_with(&[command], &[("OPENAI_API_KEY", "canary")]).await;
            let complaint = complaint.unwrap();
            assert_eq!(returned, code);
            assert!(complaint.contains(command) && !complaint.contains("canary"), "{complaint}");
        }
    }
}
