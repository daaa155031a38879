//! The unwrapped keys of a running process: which one does new work, and which ones still open old work.

use std::collections::HashMap;
use std::str::FromStr;

use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_model::{Secret, Uid};

use crate::canonical::Canonical;
use crate::key::{Key, Purpose};
use crate::sealed_text::{OpenError, SealContext, SealError, open_bound, open_with, seal_bound, seal_with};

/// A sealed secret and the uid of the data key that sealed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The data key.
    pub key_id: String,
    /// `iv:authTag:ciphertext`.
    pub text: String,
}

/// Keys by uid, and the current one of each purpose.
#[derive(Debug)]
pub struct Keyring {
    keys: HashMap<(Purpose, Uid), Key>,
    data: Uid,
    audit: Uid,
    fingerprint: Uid,
    token: Uid,
}

/// A purpose has no current key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no current {} key", .0.as_str())]
pub struct MissingKey(pub Purpose);

/// A key on its way into a keyring.
#[derive(Debug)]
pub struct KeyringEntry {
    /// Its uid.
    pub id: Uid,
    /// Its purpose.
    pub purpose: Purpose,
    /// `true` when new work is done under it.
    pub is_current: bool,
    /// The key.
    pub key: Key,
}

impl Keyring {
    /// Gathers the keys.
    ///
    /// # Errors
    /// [`MissingKey`] when a purpose has no current key.
    pub fn new(entries: Vec<KeyringEntry>) -> Result<Self, MissingKey> {
        let current = |purpose| {
            entries
                .iter()
                .find(|entry| entry.purpose == purpose && entry.is_current)
                .map(|entry| entry.id)
                .ok_or(MissingKey(purpose))
        };
        let (data, audit) = (current(Purpose::Data)?, current(Purpose::Audit)?);
        let (fingerprint, token) = (current(Purpose::Fingerprint)?, current(Purpose::Token)?);
        let keys = entries.into_iter().map(|entry| ((entry.purpose, entry.id), entry.key)).collect();
        Ok(Self { keys, data, audit, fingerprint, token })
    }

    pub(crate) fn current(&self, purpose: Purpose) -> (Uid, &Key) {
        let id = match purpose {
            Purpose::Data => self.data,
            Purpose::Audit => self.audit,
            Purpose::Fingerprint => self.fingerprint,
            Purpose::Token => self.token,
        };
        (id, self.keys.get(&(purpose, id)).expect("a keyring is made with its current keys"))
    }

    fn named(&self, purpose: Purpose, id: &str) -> Option<&Key> {
        self.keys.get(&(purpose, Uid::from_str(id).ok()?))
    }

    /// The uid of the key that does new work of a purpose.
    #[must_use]
    pub fn current_id(&self, purpose: Purpose) -> String {
        self.current(purpose).0.to_string()
    }

    /// Tells whether what a data key has sealed can be opened.
    #[must_use]
    pub fn knows_data_key(&self, key_id: &str) -> bool {
        self.named(Purpose::Data, key_id).is_some()
    }

    /// Seals a secret for the place where it will live.
    ///
    /// # Errors
    /// [`SealError::Empty`] when there is nothing to seal.
    pub fn seal(&self, context: &SealContext<'_>, secret: &Secret) -> Result<SealedSecret, SealError> {
        let (id, key) = self.current(Purpose::Data);
        Ok(SealedSecret { key_id: id.to_string(), text: seal_bound(key, context, secret)? })
    }

    /// Opens a sealed secret in the place where it was found.
    ///
    /// # Errors
    /// [`OpenError`] when it was changed or moved, or its key is not at hand.
    pub fn open(&self, context: &SealContext<'_>, key_id: &str, text: &str) -> Result<Secret, OpenError> {
        let key = self.named(Purpose::Data, key_id).ok_or(OpenError::UnknownKey)?;
        open_bound(key, context, text)
    }

    /// Seals a secret that is no credential's, bound to these fields.
    pub(crate) fn seal_under(&self, aad: &Canonical, secret: &Secret) -> Result<SealedSecret, SealError> {
        let (id, key) = self.current(Purpose::Data);
        Ok(SealedSecret { key_id: id.to_string(), text: seal_with(key, aad, secret)? })
    }

    /// Opens a secret that is no credential's.
    pub(crate) fn open_under(&self, aad: &Canonical, key_id: &str, text: &str) -> Result<Secret, OpenError> {
        let key = self.named(Purpose::Data, key_id).ok_or(OpenError::UnknownKey)?;
        open_with(key, aad, text)
    }

    /// The keyed fingerprint of a secret: the same secret has the same one, wherever it is stored.
    #[must_use]
    pub fn fingerprint(&self, secret: &Secret) -> SecretFingerprint {
        let (id, key) = self.current(Purpose::Fingerprint);
        let fields = Canonical::of("strongroom/fingerprint/v1").text(secret.expose());
        SecretFingerprint { key_id: id.to_string(), value: key.mac(&fields) }
    }

    /// MACs fields under the current key of a purpose; the uid of the key comes with it.
    pub(crate) fn mac(&self, purpose: Purpose, fields: &Canonical) -> (String, String) {
        let (id, key) = self.current(purpose);
        (id.to_string(), key.mac(fields))
    }

    /// Tells whether `mac` was made over these fields under that key; false too when the key is not at hand.
    pub(crate) fn verifies(&self, purpose: Purpose, key_id: &str, fields: &Canonical, mac: &str) -> bool {
        self.named(purpose, key_id).is_some_and(|key| key.verifies(fields, mac))
    }

    /// Whether `mac` was made over these fields under that key; false too when the key is not at hand.
    pub(crate) fn verifies_raw(
        &self,
        purpose: Purpose,
        key: Uid,
        fields: &Canonical,
        mac: &[u8; 32],
    ) -> bool {
        self.keys.get(&(purpose, key)).is_some_and(|key| key.verifies_raw(fields, mac))
    }

    /// A keyring of fresh keys, for tests of what builds on it.
    ///
    /// # Panics
    /// Never: it makes a current key for every purpose.
    #[must_use]
    pub fn generate() -> Self {
        let entries = Purpose::ALL.into_iter().map(|purpose| KeyringEntry {
            id: crate::random::uid(),
            purpose,
            is_current: true,
            key: Key::generate(),
        });
        Self::new(entries.collect()).expect("every purpose has a key")
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Provider;
    use strongroom_model::credential::Field;

    use super::*;

    #[test]
    fn a_text_sealed_under_an_older_key_still_opens_and_new_ones_use_the_current_key() {
        let provider = Provider::parse("openai").unwrap();
        let uid = Uid::from_bytes([1; 16]);
        let context = SealContext {
            credential: uid,
            version: uid,
            field: Field::ApiKey,
            provider: &provider,
            endpoint: None,
        };
        let (older, newer) = (Key::generate(), Key::generate());
        let sealed = seal_bound(&older, &context, &Secret::from("sk-x")).unwrap();
        let (old_id, new_id) = (Uid::from_bytes([2; 16]), Uid::from_bytes([3; 16]));
        let mut entries = vec![
            KeyringEntry { id: old_id, purpose: Purpose::Data, is_current: false, key: older },
            KeyringEntry { id: new_id, purpose: Purpose::Data, is_current: true, key: newer },
        ];
        for (n, purpose) in [(4, Purpose::Audit), (5, Purpose::Fingerprint), (6, Purpose::Token)] {
            let id = Uid::from_bytes([n; 16]);
            entries.push(KeyringEntry { id, purpose, is_current: true, key: Key::generate() });
        }
        let keyring = Keyring::new(entries).unwrap();
        assert_eq!(keyring.open(&context, &old_id.to_string(), &sealed).unwrap().expose(), "sk-x");
        assert_eq!(keyring.seal(&context, &Secret::from("y")).unwrap().key_id, new_id.to_string());
        assert_eq!(keyring.open(&context, &uid.to_string(), &sealed).unwrap_err(), OpenError::UnknownKey);
        let known =
            [old_id, new_id, uid, Uid::from_bytes([4; 16])].map(|id| keyring.knows_data_key(&id.to_string()));
        assert_eq!(known, [true, true, false, false], "the audit key opens no secret");
    }

    #[test]
    fn fingerprints_agree_on_equal_secrets_only_and_differ_between_installations() {
        let (one, two) = (Keyring::generate(), Keyring::generate());
        assert_eq!(one.fingerprint(&Secret::from("a")), one.fingerprint(&Secret::from("a")));
        assert_ne!(one.fingerprint(&Secret::from("a")).value, one.fingerprint(&Secret::from("b")).value);
        assert_ne!(one.fingerprint(&Secret::from("a")).value, two.fingerprint(&Secret::from("a")).value);
    }

    #[test]
    fn a_keyring_without_a_key_for_a_purpose_is_not_made() {
        assert_eq!(Keyring::new(Vec::new()).unwrap_err(), MissingKey(Purpose::Data));
    }
}
