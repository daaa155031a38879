//! Tokens: what a program shows to prove which role and scope it has.

use crate::actor::{Role, Scope};
use crate::clock::Millis;
use crate::id::UserId;
use crate::tag::TagSet;

/// A token as it can be shown to admins: everything but the secret, which is not stored.
#[derive(Debug, Clone)]
pub struct Token {
    /// The public part between the first and the second underscore; may be logged.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its rights.
    pub role: Role,
    /// Its scope.
    pub scope: Scope,
    /// What its calls are booked to.
    pub tags: TagSet,
    /// The user it acts for.
    pub user: Option<UserId>,
    /// Time of its creation.
    pub created_at: Millis,
    /// Time at which it expires.
    pub expires_at: Option<Millis>,
    /// Until when it works unless somebody prolongs it; `None`: nobody has to.
    pub leased_until: Option<Millis>,
    /// Time of its revocation.
    pub revoked_at: Option<Millis>,
}

impl Token {
    /// Tells whether it works at this instant.
    #[must_use]
    pub fn is_alive(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at) && !self.has_lapsed(now)
    }

    /// Tells whether nobody has prolonged it in time. It works again once somebody does.
    #[must_use]
    pub fn has_lapsed(&self, now: Millis) -> bool {
        self.leased_until.is_some_and(|at| at <= now)
    }
}
