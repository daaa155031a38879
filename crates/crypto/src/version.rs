//! MACs over what a version's row says: whoever can write to the database alone has no key revoked at its provider, brings none
//! back into use, and hides none from the search for leaks.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::Field;
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_model::version::Version;
use strongroom_model::{Millis, Uid};

use crate::canonical::Canonical;
use crate::key::Purpose;
use crate::keyring::Keyring;

/// A version of a credential, and the fingerprints of its values in the order of their fields' names.
#[derive(Debug, Clone, Copy)]
pub struct VersionFacts<'a> {
    /// The credential that it belongs to.
    pub credential: Uid,
    /// Its row.
    pub version: &'a Version,
    /// Fingerprints of its values, erased ones among them.
    pub fingerprints: &'a [(Field, SecretFingerprint)],
}

impl VersionFacts<'_> {
    fn fields(&self) -> Canonical {
        let it = self.version;
        let instant = |at: Option<Millis>| at.map(|at| at.0.to_string());
        let mut fields = Canonical::of("strongroom/version/v1")
            .text(&self.credential.to_string())
            .text(&it.uid.to_string())
            .number(it.number)
            .text(it.origin.as_str())
            .optional(it.copied_from.map(|number| number.to_string()).as_deref())
            .text(&it.created_by)
            .number(it.created_at.0)
            .optional(instant(it.activated_at).as_deref())
            .optional(instant(it.replaced_at).as_deref())
            .optional(instant(it.retired_at).as_deref())
            .optional(it.ended.as_ref().map(|(ending, ..)| ending.as_str()))
            .optional(instant(it.ended.as_ref().map(|(_, at, _)| *at)).as_deref())
            .optional(it.ended.as_ref().map(|(.., reason)| reason.as_str()))
            .optional(it.erased.map(|(erasure, _)| erasure.as_str()))
            .optional(instant(it.erased.map(|(_, at)| at)).as_deref())
            .optional(it.probed.as_ref().map(|(outcome, _)| outcome.as_str()))
            .optional(instant(it.probed.as_ref().map(|(_, at)| *at)).as_deref())
            .optional(it.provider_key.as_deref())
            .optional(instant(it.revoked_at).as_deref())
            .text(if it.is_followed { "followed" } else { "last" });
        for (field, fingerprint) in self.fingerprints {
            fields = fields.text(field.as_str()).text(&fingerprint.key_id).text(&fingerprint.value);
        }
        fields
    }

    /// The MAC of all this.
    #[must_use]
    pub fn mac(&self, keyring: &Keyring) -> AuthorityMac {
        let (key_id, mac) = keyring.mac(Purpose::Token, &self.fields());
        AuthorityMac { key_id, mac }
    }

    /// Tells whether the row and the fingerprints are what we wrote.
    #[must_use]
    pub fn verify(&self, keyring: &Keyring) -> bool {
        let AuthorityMac { key_id, mac } = &self.version.mac;
        keyring.verifies(Purpose::Token, key_id, &self.fields(), mac)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::version::{Ending, Erasure, Origin};

    use super::*;

    fn version() -> Version {
        Version {
            uid: Uid::from_bytes([1; 16]),
            number: 1,
            origin: Origin::New,
            copied_from: None,
            created_by: "library".to_owned(),
            created_at: Millis(1),
            activated_at: None,
            replaced_at: None,
            retired_at: None,
            ended: None,
            erased: None,
            probed: None,
            provider_key: None,
            revoked_at: None,
            is_followed: false,
            mac: AuthorityMac { key_id: String::new(), mac: String::new() },
        }
    }

    #[test]
    fn whatever_a_version_says_and_holds_is_under_its_mac() {
        let keyring = Keyring::generate();
        let prints = |text: &str| {
            vec![(Field::ApiKey, SecretFingerprint { key_id: "k".to_owned(), value: text.to_owned() })]
        };
        let edits: [fn(&mut Version); 21] = [
            |_| (),
            |v| v.uid = Uid::from_bytes([2; 16]),
            |v| v.number = 2,
            |v| v.origin = Origin::Staged,
            |v| v.copied_from = Some(1),
            |v| v.created_by.push('x'),
            |v| v.created_at = Millis(2),
            |v| v.activated_at = Some(Millis(5)),
            |v| v.replaced_at = Some(Millis(5)),
            |v| v.retired_at = Some(Millis(5)),
            |v| v.ended = Some((Ending::Aborted, Millis(5), String::new())),
            |v| v.ended = Some((Ending::Refused, Millis(5), String::new())),
            |v| v.ended = Some((Ending::Aborted, Millis(5), "why".to_owned())),
            |v| v.erased = Some((Erasure::Pruned, Millis(5))),
            |v| v.erased = Some((Erasure::Purged, Millis(5))),
            |v| v.probed = Some(("ok".to_owned(), Millis(5))),
            |v| v.probed = Some(("refused".to_owned(), Millis(5))),
            |v| v.provider_key = Some("key_1".to_owned()),
            |v| v.provider_key = Some("key_2".to_owned()),
            |v| v.revoked_at = Some(Millis(5)),
            |v| v.is_followed = true,
        ];
        let versions: Vec<Version> = edits
            .into_iter()
            .map(|edit| {
                let mut version = version();
                edit(&mut version);
                version
            })
            .collect();
        let (one, other) = (Uid::from_bytes([7; 16]), Uid::from_bytes([8; 16]));
        let (held, changed, none) = (prints("a"), prints("b"), Vec::new());
        let twice = [prints("a"), prints("b")].concat();
        let mut all = Vec::new();
        for version in &versions {
            for credential in [one, other] {
                for fingerprints in [&held, &changed, &none, &twice] {
                    all.push(VersionFacts { credential, version, fingerprints });
                }
            }
        }
        let macs: std::collections::BTreeSet<_> = all.iter().map(|facts| facts.mac(&keyring).mac).collect();
        assert_eq!(macs.len(), all.len());
        let mut signed = version();
        assert!(!VersionFacts { credential: one, version: &signed, fingerprints: &held }.verify(&keyring));
        signed.mac = VersionFacts { credential: one, version: &signed, fingerprints: &held }.mac(&keyring);
        let facts = VersionFacts { credential: one, version: &signed, fingerprints: &held };
        assert!(facts.verify(&keyring));
        assert!(!facts.verify(&Keyring::generate()));
    }
}
