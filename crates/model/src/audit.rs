//! Audit entries: what was done, by whom, to what, and how it ended.

use crate::clock::Millis;
use crate::id::Uid;

/// Outcome of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    Success,
    /// The caller may not.
    Denied,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// Object of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `credential`, `token`, `user`, `key` …
    pub kind: String,
    /// Its uid or public id.
    pub id: Option<String>,
    /// Its name at the time.
    pub name: Option<String>,
}

impl Target {
    /// A target with an identity and a name.
    pub fn named(kind: &str, id: impl ToString, name: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: Some(id.to_string()), name: Some(name.into()) }
    }

    /// A target of which only the kind is known.
    #[must_use]
    pub fn kind(kind: &str) -> Self {
        Self { kind: kind.to_owned(), id: None, name: None }
    }
}

/// An entry before it is linked into a chain.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The entry's own uid.
    pub uid: Uid,
    /// Time by the database's clock.
    pub at: Millis,
    /// `noun.verb`, such as `credential.create`.
    pub action: String,
    /// [`crate::Actor::label`] of the actor.
    pub actor: String,
    /// Object of the action.
    pub target: Target,
    /// Its outcome.
    pub outcome: Outcome,
    /// A JSON object with details; never a secret.
    pub detail: String,
    /// The HTTP request it belongs to.
    pub request_id: Option<String>,
    /// The address it came from.
    pub remote_address: Option<String>,
}

/// An entry in its place in a chain.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The chain, one per region.
    pub chain_id: String,
    /// The place, from 1 without gaps.
    pub seq: i64,
    /// Its contents.
    pub entry: NewEntry,
    /// The uid of the audit key that linked it.
    pub key_id: String,
    /// HMAC-SHA-256 over the entry and the link before it, 64 lower-case hex digits.
    pub link: String,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain_id: String,
    /// The place of the last entry; 0 when there is none yet.
    pub seq: i64,
    /// The link of the last entry; empty when there is none yet.
    pub link: String,
    /// The uid of the audit key that made `mac`.
    pub key_id: String,
    /// HMAC-SHA-256 over chain, place and link, so that cutting the chain short needs the key.
    pub mac: String,
}

/// Conditions for listing entries. All that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this action, or every action of a noun when it ends in a dot.
    pub action: Option<String>,
    /// Exactly this actor.
    pub actor: Option<String>,
    /// The target's name.
    pub target: Option<String>,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// Not before.
    pub from: Option<Millis>,
    /// Before.
    pub to: Option<Millis>,
    /// Behind this place of the trail.
    pub above: Option<i64>,
}
