//! Exit codes, and errors on their way to stderr.

use std::io;
use std::process::ExitCode;

use strongroom_client::{ClientError, ErrorKind};
use strongroom_model::problem::Causes;
use strongroom_model::{Problem, ProblemKind};

/// Meaning of each exit code. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It could not be done, or not all of it.
    Failure = 1,
    /// The command line or the configuration is wrong; nothing was done.
    Usage = 2,
    /// The thing does not exist.
    NotFound = 3,
    /// The caller is not known, or may not.
    Denied = 4,
    /// A limit is used up.
    LimitReached = 5,
    /// A sealed text, a MAC or the audit chain does not verify.
    Integrity = 6,
    /// The name is taken, or the revision has passed.
    Conflict = 7,
    /// The server or its database cannot be reached.
    Unavailable = 8,
}

/// The table of exit codes, for `--help` and the reference.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failure, or not everything could be done
  2  wrong usage or configuration; nothing was done
  3  not found
  4  denied: not authenticated, or not allowed
  5  limit reached
  6  integrity failure: a sealed secret or the audit chain does not verify
  7  conflict: the name is taken, or the revision has passed
  8  server or database unavailable
`strongroom run` returns the exit code of its command, 128+n when signal n ended
it, 127 when it was not found and 126 when it could not be executed.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ProblemKind> for Exit {
    fn from(kind: ProblemKind) -> Self {
        match kind {
            ProblemKind::Unauthenticated | ProblemKind::Denied => Self::Denied,
            ProblemKind::NotFound => Self::NotFound,
            ProblemKind::Conflict | ProblemKind::PreconditionFailed => Self::Conflict,
            ProblemKind::LimitReached => Self::LimitReached,
            ProblemKind::Integrity => Self::Integrity,
            ProblemKind::Unavailable => Self::Unavailable,
            ProblemKind::Invalid | ProblemKind::TooLong | ProblemKind::OtherProtocol => Self::Usage,
            ProblemKind::TooSlow
            | ProblemKind::Unprocessable
            | ProblemKind::BadGateway
            | ProblemKind::Internal => Self::Failure,
        }
    }
}

/// Why a command stops, what to do about it, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// For people; empty when nothing is to be said (the reader of stdout has gone).
    pub message: String,
    /// Remedies, one line each.
    pub hints: Vec<String>,
}

/// The result of a command.
pub type CliResult<T = Exit> = Result<T, CliError>;

impl CliError {
    /// An error with this exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// It could not be done.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// The thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let exit = match error.kind {
            ErrorKind::Usage => Exit::Usage,
            ErrorKind::Unreachable | ErrorKind::Untrusted => Exit::Unavailable,
            ErrorKind::Protocol => Exit::Failure,
            ErrorKind::Problem(kind) => kind.into(),
        };
        let mut shown = Self::new(exit, &error.message);
        let problem = error.problem.as_ref();
        if let Some(field) = problem.and_then(|problem| problem.field.as_ref()) {
            shown = shown.hint(format!("the field at fault is {field}"));
        }
        if let Some(seconds) = error.retry_after_seconds {
            let unit = if seconds == 1 { "second" } else { "seconds" };
            shown = shown.hint(format!("try again in {seconds} {unit}"));
        }
        if error.kind == ErrorKind::Untrusted {
            shown = shown.hint(
                "--ca-file FILE (STRONGROOM_CA_FILE) trusts certificates in addition to those of the system",
            );
        }
        if let Some(hint) = hint_for(error.kind) {
            shown = shown.hint(hint);
        }
        let is_fault = matches!(error.status, Some(status) if status >= 500);
        if let (true, Some(id)) = (is_fault, problem.and_then(|problem| problem.request_id.as_ref())) {
            shown = shown.hint(format!(
                "the log has the cause under request id {id}: the server's log, or the lines above where no server runs"
            ));
        }
        shown
    }
}

fn hint_for(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Problem(ProblemKind::Unauthenticated) => Some(
            "set STRONGROOM_TOKEN or STRONGROOM_TOKEN_FILE to a valid token; `strongroom token create` makes one",
        ),
        ErrorKind::Problem(ProblemKind::Denied) => {
            Some("`strongroom status` shows who you are to the server, and your role")
        }
        ErrorKind::Unreachable | ErrorKind::Untrusted => {
            Some("`strongroom doctor` checks the way to the server step by step")
        }
        _ => None,
    }
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        // Made in this process, so there is no server's log that would have the cause.
        let shown = Self::new(problem.kind.into(), problem.message);
        match &problem.cause {
            Some(cause) => shown.hint(format!("the cause: {}", Causes(cause.as_ref()))),
            None => shown,
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            // `strongroom … | head` has seen enough: that is no failure.
            return Self::new(Exit::Ok, "");
        }
        Self::failure(error.to_string())
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Problem>() {
            Ok(problem) => problem.into(),
            Err(error) => Self::failure(format!("{error:#}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes_has_every_code() {
        let all = [
            Exit::Ok,
            Exit::Failure,
            Exit::Usage,
            Exit::NotFound,
            Exit::Denied,
            Exit::LimitReached,
            Exit::Integrity,
            Exit::Conflict,
            Exit::Unavailable,
        ];
        for (number, exit) in all.into_iter().enumerate() {
            assert_eq!(usize::from(exit as u8), number);
            assert!(EXIT_CODES.contains(&format!("\n  {number}  ")), "{number}");
        }
    }

    #[test]
    fn the_cause_of_what_failed_in_this_process_is_told() {
        let problem = Problem::new(ProblemKind::Unavailable, "no database").caused_by("refused");
        let error = CliError::from(problem);
        assert_eq!((error.exit, error.message.as_str()), (Exit::Unavailable, "no database"));
        assert_eq!(error.hints, ["the cause: refused"]);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let error = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.exit, error.message.as_str()), (Exit::Ok, ""));
        assert_eq!(CliError::from(io::Error::from(io::ErrorKind::NotFound)).exit, Exit::Failure);
    }

    #[test]
    fn a_problem_inside_of_anyhow_keeps_its_exit_code() {
        let error = anyhow::Error::from(Problem::integrity("it does not open"));
        assert_eq!(CliError::from(error).exit, Exit::Integrity);
        let error = anyhow::anyhow!("cause").context("what");
        assert_eq!(CliError::from(error).message, "what: cause");
    }
}
