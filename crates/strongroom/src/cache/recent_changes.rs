//! The newest changes by their subjects: tells whether an answer that was read some changes ago still holds.

use std::collections::VecDeque;

use foldhash::{HashMap, HashSet};
use strongroom_model::Uid;
use strongroom_model::limit::LimitScope;
use strongroom_store::change::{Change, MAX_CHANGES, Subject};

/// Changes that are remembered. What was read before the oldest of them is read again.
const MAX_REMEMBERED: usize = 1024;
const _: () = assert!(MAX_REMEMBERED as i64 == MAX_CHANGES, "as many as the log keeps");

/// The newest changes, as far as this process has heard of them.
#[derive(Debug, Default)]
pub(super) struct RecentChanges {
    log: VecDeque<Change>,
    /// The last change of each subject in the log.
    last: HashMap<Subject, i64>,
    /// Every change after this value of the counter is in the log.
    complete_after: i64,
}

/// The limits and credentials of which this server's leases are to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangedCounters {
    /// Those of these subjects.
    Of(HashSet<Uid>),
    /// Any.
    All,
}

impl RecentChanges {
    /// Nothing is known of what was changed up to this value.
    pub(super) fn forget(&mut self, value: i64) {
        self.log.clear();
        self.last.clear();
        self.complete_after = value;
    }

    /// Remembers a change, which is newer than all that are remembered or of the same value as the last one.
    pub(super) fn remember(&mut self, change: Change) {
        self.last.insert(change.subject.clone(), change.value);
        self.log.push_back(change);
        while self.log.len() > MAX_REMEMBERED
            && let Some(oldest) = self.log.pop_front()
        {
            self.complete_after = oldest.value;
            if self.last.get(&oldest.subject) == Some(&oldest.value) {
                self.last.remove(&oldest.subject);
            }
        }
    }

    /// Tells whether nothing was changed of a subject since the counter had this value.
    pub(super) fn is_unchanged(&self, subject: &Subject, since: i64) -> bool {
        since >= self.complete_after && self.last.get(subject).is_none_or(|last| *last <= since)
    }

    /// The counters that changes since this value are about.
    pub(super) fn counters_since(&self, since: i64) -> ChangedCounters {
        if since < self.complete_after {
            return ChangedCounters::All;
        }
        let newer = self.log.iter().rev().take_while(|change| change.value > since);
        ChangedCounters::Of(
            newer
                .filter_map(|change| match &change.subject {
                    Subject::Limit(uid) | Subject::Scope(LimitScope::Credential(uid)) => Some(*uid),
                    Subject::Scope(_) | Subject::Provider(_) => None,
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::UserId;

    use super::*;

    fn user(id: i64) -> Subject {
        Subject::Scope(LimitScope::User(UserId(id)))
    }

    #[test]
    fn a_subject_is_unchanged_since_its_last_change_and_no_longer_than_is_remembered() {
        let mut recent = RecentChanges::default();
        recent.forget(10);
        assert!(recent.is_unchanged(&user(1), 10));
        assert!(!recent.is_unchanged(&user(1), 9), "what was before is not known");
        recent.remember(Change { value: 11, subject: user(1) });
        recent.remember(Change { value: 12, subject: user(2) });
        assert!(!recent.is_unchanged(&user(1), 10));
        assert!(recent.is_unchanged(&user(1), 11));
        assert!(!recent.is_unchanged(&user(2), 11));
        let more = MAX_CHANGES;
        for value in 13..13 + more {
            recent.remember(Change { value, subject: user(3) });
        }
        assert_eq!(recent.log.len(), MAX_REMEMBERED);
        assert!(!recent.is_unchanged(&user(1), 11), "it has dropped out of the log");
        assert!(recent.is_unchanged(&user(1), 12) && recent.is_unchanged(&user(3), 12 + more));
        assert!(!recent.is_unchanged(&user(3), 11 + more));
        assert_eq!(recent.last.len(), 1, "what has dropped out is kept nowhere");
    }

    #[test]
    fn counters_are_those_of_limits_and_credentials_since_then() {
        let uid = |byte| Uid::from_bytes([byte; 16]);
        let mut recent = RecentChanges::default();
        recent.forget(5);
        recent.remember(Change { value: 6, subject: Subject::Limit(uid(1)) });
        recent.remember(Change { value: 7, subject: user(1) });
        recent.remember(Change { value: 7, subject: Subject::Scope(LimitScope::Credential(uid(2))) });
        let of = |uids: &[Uid]| ChangedCounters::Of(uids.iter().copied().collect());
        assert_eq!(recent.counters_since(7), of(&[]));
        assert_eq!(recent.counters_since(6), of(&[uid(2)]));
        assert_eq!(recent.counters_since(5), of(&[uid(1), uid(2)]));
        assert_eq!(recent.counters_since(4), ChangedCounters::All);
    }
}
