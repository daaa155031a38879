//! Versions of a credential's values: where each came from, what became of it, and whether it still has its values.

use crate::authority_mac::AuthorityMac;
use crate::clock::Millis;
use crate::id::Uid;

/// Origin of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Somebody gave its values, and it was in use at once.
    New,
    /// Its values were taken over from an older version.
    RolledBack,
    /// Somebody gave its values, to be tried before they come into use.
    Staged,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::New, Self::RolledBack, Self::Staged];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::RolledBack => "rolled_back",
            Self::Staged => "staged",
        }
    }
}

/// End of a staged version that did not come into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Somebody took it back.
    Aborted,
    /// The provider refused too many calls with it.
    Refused,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Aborted, Self::Refused];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Refused => "refused",
        }
    }
}

/// Why the values of a version are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Erasure {
    /// Somebody destroyed them.
    Destroyed,
    /// Enough newer versions are kept.
    Pruned,
    /// Their credential was deleted, and its time to be taken back is over.
    Purged,
}

impl Erasure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Destroyed, Self::Pruned, Self::Purged];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Pruned => "pruned",
            Self::Purged => "purged",
        }
    }
}

/// A version; its values are stored elsewhere and not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The identity that never changes.
    pub uid: Uid,
    /// Its number, from 1 within its credential.
    pub number: i64,
    /// Its origin.
    pub origin: Origin,
    /// The number of the version whose values it took over.
    pub copied_from: Option<i64>,
    /// Its creator: [`crate::Actor::label`].
    pub created_by: String,
    /// Time of its creation.
    pub created_at: Millis,
    /// Time at which it came into use.
    pub activated_at: Option<Millis>,
    /// Time at which another version replaced it.
    pub replaced_at: Option<Millis>,
    /// Time at which the last call with it had ended after that.
    pub retired_at: Option<Millis>,
    /// End of its trial, with time and reason.
    pub ended: Option<(Ending, Millis, String)>,
    /// Why its values are gone, and since when.
    pub erased: Option<(Erasure, Millis)>,
    /// Provider's last answer about it, with time.
    pub probed: Option<(String, Millis)>,
    /// Provider's id of its key, when the provider minted it.
    pub provider_key: Option<String>,
    /// Time at which the provider revoked that.
    pub revoked_at: Option<Millis>,
    /// `true` when a version of the next number was made.
    pub is_followed: bool,
    /// Over all of this and the fingerprints of its values.
    pub mac: AuthorityMac,
}

impl Version {
    /// Returns its state as one word: whether it is the one in use or the staged one is said by its credential.
    #[must_use]
    pub fn state(&self, current: Uid, staged: Option<Uid>) -> &'static str {
        if self.uid == current {
            "current"
        } else if staged == Some(self.uid) {
            "staged"
        } else if let Some((erasure, _)) = self.erased {
            erasure.as_str()
        } else if self.revoked_at.is_some() {
            "revoked"
        } else if let Some((ending, ..)) = &self.ended {
            ending.as_str()
        } else if self.retired_at.is_some() {
            "retired"
        } else {
            "draining"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_became_of_a_version_is_its_state() {
        let uid = |byte| Uid::from_bytes([byte; 16]);
        let mut version = Version {
            uid: uid(1),
            number: 1,
            origin: Origin::New,
            copied_from: None,
            created_by: "library".to_owned(),
            created_at: Millis(1),
            activated_at: Some(Millis(1)),
            replaced_at: None,
            retired_at: None,
            ended: None,
            erased: None,
            probed: None,
            provider_key: None,
            revoked_at: None,
            is_followed: false,
            mac: AuthorityMac { key_id: String::new(), mac: String::new() },
        };
        assert_eq!(version.state(uid(1), None), "current");
        assert_eq!(version.state(uid(2), Some(uid(1))), "staged");
        assert_eq!(version.state(uid(2), Some(uid(3))), "draining");
        version.retired_at = Some(Millis(2));
        assert_eq!(version.state(uid(2), None), "retired");
        version.ended = Some((Ending::Refused, Millis(3), String::new()));
        assert_eq!(version.state(uid(2), None), "refused");
        version.erased = Some((Erasure::Pruned, Millis(4)));
        assert_eq!(version.state(uid(2), None), "pruned");
        assert_eq!(version.state(uid(1), None), "current");
    }
}
