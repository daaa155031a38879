//! The pulse: what has been written since a page was drawn, by the kinds of things that pages show. Nothing but names.

use std::sync::Arc;

use strongroom_model::Problem;
use strongroom_model::limit::LimitScope;
use strongroom_store::change::{self, Subject};
use strongroom_store::pulse::{self, Marks};

use crate::custody::Custody;
use crate::database_timeout::with_timeout;

/// A kind of thing that has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moved {
    /// Credentials, their versions and states.
    Credentials,
    /// Tokens.
    Tokens,
    /// Users.
    Users,
    /// Limits: their amounts.
    Limits,
    /// What was used, and with it where limits stand.
    Usage,
    /// The audit trail.
    Audit,
    /// Alerts that fire or are over.
    Alerts,
}

impl Moved {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Credentials, Self::Tokens, Self::Users, Self::Limits, Self::Usage, Self::Audit, Self::Alerts];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Tokens => "tokens",
            Self::Users => "users",
            Self::Limits => "limits",
            Self::Usage => "usage",
            Self::Audit => "audit",
            Self::Alerts => "alerts",
        }
    }

    const fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Scope(LimitScope::Credential(_)) | Subject::Provider(_) => Self::Credentials,
            Subject::Scope(LimitScope::Token(_)) => Self::Tokens,
            Subject::Scope(LimitScope::User(_)) => Self::Users,
            Subject::Limit(_) => Self::Limits,
        }
    }
}

/// How far everything is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    changes: i64,
    marks: Marks,
}

/// Asks how far everything is.
#[derive(Debug, Clone)]
pub struct PulseService {
    pub(crate) custody: Arc<Custody>,
}

impl PulseService {
    /// How far everything is, and what has moved since then.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable` when the database does not answer.
    pub async fn feel(&self, since: Option<&Pulse>) -> Result<(Pulse, Vec<Moved>), Problem> {
        with_timeout(async {
            let mut session = self.custody.store.read().await?;
            let marks = pulse::marks(&mut session).await?;
            let Some(since) = since else {
                return Ok((Pulse { changes: change::current(&mut session).await?, marks }, Vec::new()));
            };
            let changes = change::since(&mut session, since.changes).await?;
            let mut moved: Vec<Moved> = match &changes.log {
                Some(log) => log.iter().map(|change| Moved::of(&change.subject)).collect(),
                None => vec![Moved::Credentials, Moved::Tokens, Moved::Users, Moved::Limits],
            };
            if marks.last_line != since.marks.last_line {
                moved.push(Moved::Usage);
            }
            if marks.last_entry != since.marks.last_entry {
                moved.push(Moved::Audit);
            }
            if marks.last_alerts != since.marks.last_alerts {
                moved.push(Moved::Alerts);
            }
            moved.sort_unstable();
            moved.dedup();
            Ok((Pulse { changes: changes.value, marks }, moved))
        })
        .await
    }
}
