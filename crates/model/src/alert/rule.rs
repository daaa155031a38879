//! The rules: what is watched, and what people are told of each.

use crate::problem::Problem;

/// A rule: what is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Use of a limit crosses a part of it.
    LimitThreshold,
    /// A limit is going to be used up before its window ends.
    LimitForecast,
    /// A limit is used far faster than it lasts.
    LimitBurn,
    /// A credential, token or user spends far more in this hour than usual.
    SpendSpike,
    /// A limit refuses again and again.
    Denials,
    /// A provider fails too often.
    ErrorShare,
    /// A provider does not serve a key.
    CredentialUnhealthy,
    /// A provider has no credential left that can serve.
    NoCredential,
    /// A credential is about to expire, or has.
    Expires,
    /// The key of a credential is to be replaced.
    RotationDue,
    /// An active credential that nobody has used for long.
    UnusedKey,
    /// A key or token of ours is where it should not be.
    Leak,
    /// A provider refused the version of a key that was being tried out.
    CanaryRefused,
    /// A key could not be replaced by itself.
    RotationFailed,
    /// Something in the database is not what we wrote.
    Integrity,
    /// The audit trail does not verify.
    AuditBroken,
    /// The clock of a server is not that of the database.
    ClockSkew,
    /// No backup was proven for long.
    BackupOld,
    /// The database takes long to commit.
    DbSlow,
    /// A server ended without giving back what it held.
    NodeLost,
    /// Somebody got authority, or a channel was changed.
    AuthorityChanged,
    /// Somebody is shown keys from an address of which that is new, or many of them.
    RevealNewAddress,
    /// A channel takes no messages any more.
    DeliveryDead,
    /// What a week has come to.
    WeeklyDigest,
}

/// What there is to say of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The name in the database, on the wire and on the command line.
    pub name: &'static str,
    /// The type of its messages on the wire, without how it stands: `limit.threshold`.
    pub event_type: &'static str,
    /// When it fires.
    pub fires_when: &'static str,
    /// Its levels.
    pub levels: &'static str,
    /// When it is over.
    pub over_when: &'static str,
}

const fn about(
    name: &'static str,
    event_type: &'static str,
    fires_when: &'static str,
    levels: &'static str,
    over_when: &'static str,
) -> About {
    About { name, event_type, fires_when, levels, over_when }
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 24] = [
        Self::LimitThreshold,
        Self::LimitForecast,
        Self::LimitBurn,
        Self::SpendSpike,
        Self::Denials,
        Self::ErrorShare,
        Self::CredentialUnhealthy,
        Self::NoCredential,
        Self::Expires,
        Self::RotationDue,
        Self::UnusedKey,
        Self::Leak,
        Self::CanaryRefused,
        Self::RotationFailed,
        Self::Integrity,
        Self::AuditBroken,
        Self::ClockSkew,
        Self::BackupOld,
        Self::DbSlow,
        Self::NodeLost,
        Self::AuthorityChanged,
        Self::RevealNewAddress,
        Self::DeliveryDead,
        Self::WeeklyDigest,
    ];

    /// What there is to say of it.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::LimitThreshold => about(
                "limit_threshold",
                "limit.threshold",
                "use of a limit reaches 80, 95 or 100 percent of it, or others that are set",
                "warn, high, critical",
                "its window ends, the limit is raised, use is reset",
            ),
            Self::LimitForecast => about(
                "limit_forecast",
                "limit.forecast",
                "a limit of a day or a month is going to be used up before it starts over, even when what is left is quiet",
                "warn",
                "for 2 hours it comes to less than 95 percent",
            ),
            Self::LimitBurn => about(
                "limit_burn",
                "limit.burn",
                "a limit is used many times as fast as it lasts, over an hour and over 5 minutes",
                "high",
                "over the shorter time it is under half of that",
            ),
            Self::SpendSpike => about(
                "spend_spike",
                "spend.spike",
                "a credential, token or user has spent far more in this hour than is usual in this hour of the week",
                "warn",
                "for 2 hours it does not",
            ),
            Self::Denials => about(
                "denials",
                "limit.denials",
                "a limit refuses many uses within five minutes",
                "warn",
                "for 15 minutes it refuses none",
            ),
            Self::ErrorShare => about(
                "error_share",
                "provider.error_share",
                "a provider fails in a large part of its calls of ten minutes",
                "warn",
                "for 10 minutes under half of that",
            ),
            Self::CredentialUnhealthy => about(
                "credential_unhealthy",
                "credential.unhealthy",
                "a provider does not accept a key, its account is empty, it does not answer, or limits the rate for 10 minutes",
                "critical, high, high, warn",
                "a call or a question is answered",
            ),
            Self::NoCredential => about(
                "no_credential",
                "provider.no_credential",
                "every active credential of a provider is frozen, expired, refused or without credit",
                "critical",
                "one can serve",
            ),
            Self::Expires => about(
                "expires",
                "credential.expires",
                "a credential expires in 30, 14, 3 days, 1 day, or has",
                "info, warn, high",
                "it is renewed",
            ),
            Self::RotationDue => about(
                "rotation_due",
                "credential.rotation_due",
                "the key of a credential was to be replaced",
                "warn",
                "it is replaced",
            ),
            Self::UnusedKey => about(
                "unused_key",
                "credential.unused",
                "an active credential was not used for 90 days, or as many as are set",
                "info",
                "it is used or deactivated",
            ),
            Self::Leak => about(
                "leak",
                "credential.leak",
                "a leak check finds a key of ours, or somebody shows a token that was revoked",
                "critical",
                "the key is replaced or frozen; of a token somebody ends it",
            ),
            Self::CanaryRefused => about(
                "canary_refused",
                "credential.canary_refused",
                "a provider refuses a key that was being tried out, which is taken back",
                "critical",
                "another one is staged or promoted",
            ),
            Self::RotationFailed => about(
                "rotation_failed",
                "credential.rotation_failed",
                "the key of a credential that is replaced by itself could not be",
                "critical",
                "it is replaced",
            ),
            Self::Integrity => about(
                "integrity",
                "database.integrity",
                "a row or a sealed value in the database is not what strongroom wrote",
                "critical",
                "somebody ends it",
            ),
            Self::AuditBroken => about(
                "audit_broken",
                "audit.broken",
                "the audit trail does not verify; every channel is told at once, whatever routes say",
                "critical",
                "it verifies as a whole",
            ),
            Self::ClockSkew => about(
                "clock_skew",
                "node.clock_skew",
                "the clock of a server is 30 seconds or more away from that of the database",
                "critical",
                "it is within 15 seconds",
            ),
            Self::BackupOld => {
                about("backup_old", "backup.old", "no backup was proven for 7 days", "high", "one is")
            }
            Self::DbSlow => about(
                "db_slow",
                "database.slow",
                "one of twenty commits or more takes longer than 250 ms, for 5 minutes",
                "high",
                "for 5 minutes it does not",
            ),
            Self::NodeLost => about(
                "node_lost",
                "node.lost",
                "a server ended without giving back what it held",
                "high",
                "at once: it is an event",
            ),
            Self::AuthorityChanged => about(
                "authority_changed",
                "authority.changed",
                "a user or token became administrator, a credential that was frozen is used again, a channel was changed",
                "high",
                "at once: it is an event",
            ),
            Self::RevealNewAddress => about(
                "reveal_new_address",
                "credential.reveal_new_address",
                "somebody is shown a key from a network or with a browser that is new for them, or more than five keys within ten minutes",
                "high",
                "at once: it is an event",
            ),
            Self::DeliveryDead => about(
                "delivery_dead",
                "delivery.dead",
                "a channel takes no messages and was turned off",
                "high",
                "it is turned on again",
            ),
            Self::WeeklyDigest => about(
                "weekly_digest",
                "digest.weekly",
                "a week (UTC, from Monday on) is over; only channels of a route for this rule are told",
                "info",
                "at once: it is an event",
            ),
        }
    }

    /// The name in the database, on the wire and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.about().name
    }

    /// The rule with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }

    /// Reads a rule that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `rule`, naming the rules there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Problem::invalid("rule", format!("rule must be one of {names}"))
        })
    }

    /// Tells whether it is about an event, which is over from the start.
    #[must_use]
    pub const fn is_event(self) -> bool {
        matches!(self, Self::NodeLost | Self::AuthorityChanged | Self::RevealNewAddress | Self::WeeklyDigest)
    }

    /// Tells whether every channel is told of it, whatever routes say.
    #[must_use]
    pub const fn is_for_every_channel(self) -> bool {
        matches!(self, Self::AuditBroken)
    }

    /// Tells whether only those routes count that name it.
    #[must_use]
    pub const fn is_for_own_routes(self) -> bool {
        matches!(self, Self::WeeklyDigest)
    }

    /// Tells whether it may wait for others to go out with. Who gets authority is told at once.
    #[must_use]
    pub const fn may_wait(self) -> bool {
        !matches!(self, Self::AuthorityChanged | Self::RevealNewAddress)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_read_back_and_are_the_rules_own() {
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.as_str()).unwrap(), rule);
        }
        let count = |of: fn(About) -> &'static str| {
            Rule::ALL.iter().map(|rule| of(rule.about())).collect::<BTreeSet<_>>().len()
        };
        assert_eq!((count(|it| it.name), count(|it| it.event_type)), (Rule::ALL.len(), Rule::ALL.len()));
        assert!(Rule::parse("usage").unwrap_err().message.contains("limit_threshold"));
    }

    #[test]
    fn the_documentation_has_a_row_for_each() {
        let page = include_str!("../../../../docs/alerts.md");
        for rule in Rule::ALL {
            assert!(page.contains(&format!("| `{}` |", rule.as_str())), "{rule:?}");
        }
    }
}
