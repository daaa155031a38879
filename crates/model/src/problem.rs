//! Problems, in two parts: a message for the caller and a cause for the log.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

use crate::clock::Millis;

/// The kinds of failure. HTTP statuses and CLI exit codes follow from the kind alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The request is malformed or breaks a rule (400).
    Invalid,
    /// The request did not arrive in time (408).
    TooSlow,
    /// The body is longer than is taken (413).
    TooLong,
    /// The request asks for another protocol, which is not spoken (426).
    OtherProtocol,
    /// The request is well-formed but a value cannot be accepted (422).
    Unprocessable,
    /// The caller is not known (401).
    Unauthenticated,
    /// The caller is known and may not (403).
    Denied,
    /// The thing does not exist, or not for this caller (404).
    NotFound,
    /// The name is taken, or the thing is already there (409).
    Conflict,
    /// The revision that the caller expected has passed (412).
    PreconditionFailed,
    /// A limit is used up (429).
    LimitReached,
    /// A sealed text, a MAC or the chain does not verify (500, with its own code).
    Integrity,
    /// The far side of a connection did not do its part (502).
    BadGateway,
    /// The database cannot be reached (503).
    Unavailable,
    /// Anything else (500).
    Internal,
}

impl ProblemKind {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            // Programs that match on the code were promised this one; the status tells the three apart.
            Self::Invalid | Self::TooLong | Self::OtherProtocol => "invalid_request",
            Self::TooSlow => "request_timeout",
            Self::Unprocessable => "unprocessable",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::LimitReached => "limit_reached",
            Self::Integrity => "integrity_failure",
            Self::BadGateway => "bad_gateway",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal_error",
        }
    }
}

/// An error and all that caused it, by their `Display` forms alone: the `Debug` form of a database error can hold the
/// values of a row.
#[derive(Clone, Copy)]
pub struct Causes<'a>(pub &'a (dyn StdError + Send + Sync));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(inner) = source {
            let cause = inner.to_string();
            // Many errors end with their cause already.
            if !text.ends_with(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = inner.source();
        }
        f.write_str(&text)
    }
}

/// The field of a request that is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A name of ours: it may be kept and shown anywhere.
    Ours(&'static str),
    /// A name as the caller gave it, which may be anything, also a secret in the wrong place.
    Given(String),
}

impl Deref for Field {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Ours(name) => name,
            Self::Given(name) => name,
        }
    }
}

impl From<&'static str> for Field {
    fn from(name: &'static str) -> Self {
        Self::Ours(name)
    }
}

impl From<String> for Field {
    fn from(name: String) -> Self {
        Self::Given(name)
    }
}

/// A failure: what the caller may read, and what only the log may.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Kind of failure.
    pub kind: ProblemKind,
    /// For the caller: names the thing and the mend, never a secret.
    pub message: String,
    /// The field of the request that is at fault, when there is one.
    pub field: Option<Field>,
    /// Time at which trying again can succeed, for a limit whose window ends.
    pub retry_at: Option<Millis>,
    /// For the log only.
    #[source]
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// A problem with a message and nothing more.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: None, retry_at: None, cause: None }
    }

    /// A field of the request breaks a rule.
    pub fn invalid(field: impl Into<Field>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ProblemKind::Invalid, message) }
    }

    /// The thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, message)
    }

    /// The caller may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Denied, message)
    }

    /// Something is taken or already there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Conflict, message)
    }

    /// Something stored does not verify.
    pub fn integrity(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Integrity, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Internal, message)
    }

    /// Adds the cause that goes to the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn causes_are_told_from_the_outermost_in_and_none_twice() {
        let layer = |text, source: Option<Layer>| Layer { text, source: source.map(Box::new) };
        let refused = layer("refused", None);
        let error = layer("the database is gone", Some(layer("cannot connect: refused", Some(refused))));
        assert_eq!(Causes(&error).to_string(), "the database is gone: cannot connect: refused");
    }
}
