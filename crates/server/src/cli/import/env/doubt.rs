//! Keys that are most likely not what their variable's name says: without anybody who was asked, they go nowhere.

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::KnownProvider;

use super::candidates::{CandidateKey, Candidates};

/// A sentence part such as `has the form of a key of anthropic`; `None` for a key that may well be one of the provider's.
pub(super) fn of(key: &Secret, provider: &KnownProvider) -> Option<String> {
    let key = key.expose();
    if let Some(other) = key_pattern::marked_as_anothers(key, provider.name) {
        return Some(format!("has the form of a key of {other}"));
    }
    if provider.admin_prefixes.iter().any(|prefix| key.starts_with(prefix)) {
        return Some(format!("is a key that manages an account of {}, and calls no model", provider.title));
    }
    (!key_pattern::may_be_of(key, provider))
        .then(|| format!("has not the form of the keys of {}", provider.title))
}

impl Candidates {
    /// Tells of keys that are most likely none of their provider, and leaves them out where nobody is asked.
    pub(super) fn leave_out_doubtful(&mut self, unattended: bool) {
        let (keys, doubtful): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.keys).into_iter().partition(|key| key.doubt.is_none() || !unattended);
        self.keys = keys;
        for key in doubtful {
            self.notes.push(left_out(&key));
            self.unread.extend(key.places.into_iter().map(|(_, place)| place));
        }
    }
}

fn left_out(key: &CandidateKey) -> String {
    let places: Vec<_> = key.places.iter().map(|(name, place)| format!("{name} ({place})")).collect();
    format!(
        "{} is left out, for nobody is asked; `strongroom credential add NAME --provider PROVIDER` takes the key",
        places.join(", ")
    )
}
