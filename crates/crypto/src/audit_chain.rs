//! The keyed chain of audit entries: every link is an HMAC over its entry and the link before it.

use strongroom_model::audit::{Entry, Head, NewEntry};

use crate::canonical::Canonical;
use crate::key::Purpose;
use crate::keyring::Keyring;

/// The link before the first entry.
pub const GENESIS: &str = "";

fn entry_fields(chain_id: &str, seq: i64, before: &str, entry: &NewEntry) -> Canonical {
    Canonical::of("strongroom/audit-entry/v1")
        .text(chain_id)
        .number(seq)
        .text(before)
        .text(&entry.uid.to_string())
        .number(entry.at.0)
        .text(&entry.action)
        .text(&entry.actor)
        .text(&entry.target.kind)
        .optional(entry.target.id.as_deref())
        .optional(entry.target.name.as_deref())
        .text(entry.outcome.as_str())
        .text(&entry.detail)
        .optional(entry.request_id.as_deref())
        .optional(entry.remote_address.as_deref())
}

fn head_fields(chain_id: &str, seq: i64, link: &str) -> Canonical {
    Canonical::of("strongroom/audit-head/v1").text(chain_id).number(seq).text(link)
}

/// Links an entry behind `before`: the entry in its place.
#[must_use]
pub fn link(keyring: &Keyring, chain_id: &str, seq: i64, before: &str, entry: NewEntry) -> Entry {
    let (key_id, link) = keyring.mac(Purpose::Audit, &entry_fields(chain_id, seq, before, &entry));
    Entry { chain_id: chain_id.to_owned(), seq, entry, key_id, link }
}

/// Tells whether an entry stands unchanged behind `before`.
#[must_use]
pub fn verifies(keyring: &Keyring, before: &str, entry: &Entry) -> bool {
    let fields = entry_fields(&entry.chain_id, entry.seq, before, &entry.entry);
    keyring.verifies(Purpose::Audit, &entry.key_id, &fields, &entry.link)
}

/// The head of a chain that ends with this link.
#[must_use]
pub fn head(keyring: &Keyring, chain_id: &str, seq: i64, link: &str) -> Head {
    let (key_id, mac) = keyring.mac(Purpose::Audit, &head_fields(chain_id, seq, link));
    Head { chain_id: chain_id.to_owned(), seq, link: link.to_owned(), key_id, mac }
}

/// Tells whether a head was made by a holder of the key.
#[must_use]
pub fn head_verifies(keyring: &Keyring, head: &Head) -> bool {
    let fields = head_fields(&head.chain_id, head.seq, &head.link);
    keyring.verifies(Purpose::Audit, &head.key_id, &fields, &head.mac)
}

#[cfg(test)]
mod tests {
    use strongroom_model::audit::{Outcome, Target};
    use strongroom_model::{Millis, Uid};

    use super::*;

    fn entry() -> NewEntry {
        NewEntry {
            uid: Uid::from_bytes([1; 16]),
            at: Millis(5),
            action: "credential.create".into(),
            actor: "token:a".into(),
            target: Target::named("credential", "1", "openai"),
            outcome: Outcome::Success,
            detail: "{}".into(),
            request_id: None,
            remote_address: Some("127.0.0.1".into()),
        }
    }

    #[test]
    fn every_field_of_an_entry_is_under_its_link() {
        let keyring = Keyring::generate();
        let linked = link(&keyring, "main", 1, GENESIS, entry());
        assert!(verifies(&keyring, GENESIS, &linked));
        assert!(!verifies(&keyring, "other", &linked));
        assert!(!verifies(&Keyring::generate(), GENESIS, &linked));
        let edits: [fn(&mut Entry); 12] = [
            |e| e.chain_id = "b".into(),
            |e| e.seq = 2,
            |e| e.entry.uid = Uid::from_bytes([2; 16]),
            |e| e.entry.at = Millis(6),
            |e| e.entry.action.push('x'),
            |e| e.entry.actor.push('x'),
            |e| e.entry.target.kind.push('x'),
            |e| e.entry.target.id = None,
            |e| e.entry.target.name = Some(String::new()),
            |e| e.entry.outcome = Outcome::Failed,
            |e| e.entry.detail = "{ }".into(),
            |e| std::mem::swap(&mut e.entry.request_id, &mut e.entry.remote_address),
        ];
        for (n, edit) in edits.into_iter().enumerate() {
            let mut edited = linked.clone();
            edit(&mut edited);
            assert!(!verifies(&keyring, GENESIS, &edited), "edit {n}");
        }
    }

    #[test]
    fn a_head_cannot_be_moved_back_without_the_key() {
        let keyring = Keyring::generate();
        let real = head(&keyring, "main", 9, "aa");
        assert!(head_verifies(&keyring, &real));
        assert!(!head_verifies(&keyring, &Head { seq: 8, ..real.clone() }));
        assert!(!head_verifies(&keyring, &Head { link: "bb".into(), ..real }));
    }
}
