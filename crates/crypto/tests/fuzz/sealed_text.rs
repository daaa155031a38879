//! Sealed texts and wraps from anywhere: whatever is not one is refused, and nothing that opens has two spellings.

use strongroom_crypto::envelope::unwrap_key;
use strongroom_crypto::sealed_text::{open_unbound, seal_unbound};
use strongroom_crypto::{Keyring, MasterKey, OpenError, Purpose, SealContext};
use strongroom_model::credential::Field;
use strongroom_model::{Provider, Secret, Uid};

/// Keys of every run, under which nothing from outside was sealed.
pub(crate) struct Keys {
    keyring: Keyring,
    master: MasterKey,
    provider: Provider,
}

impl Keys {
    /// Fresh ones.
    pub(crate) fn generate() -> Self {
        Self {
            keyring: Keyring::generate(),
            master: MasterKey::generate(),
            provider: Provider::parse("openai").expect("a provider"),
        }
    }

    fn context(&self) -> SealContext<'_> {
        SealContext {
            credential: Uid::from_bytes([1; 16]),
            version: Uid::from_bytes([2; 16]),
            field: Field::ApiKey,
            provider: &self.provider,
            endpoint: None,
        }
    }
}

/// No text from outside opens, as what it may be taken for.
pub(crate) fn foreign(keys: &Keys, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let id = keys.keyring.current_id(Purpose::Data);
    let refused = keys.keyring.open(&keys.context(), &id, &text).expect_err("nobody has this key");
    assert_eq!(refused == OpenError::Empty, text.is_empty());
    assert_eq!(keys.keyring.open(&keys.context(), &text, &text), Err(OpenError::UnknownKey));
    open_unbound(&keys.master, &text).expect_err("nobody has this key");
    assert!(unwrap_key(&keys.master, Uid::from_bytes([3; 16]), Purpose::Data, &text).is_err());
}

/// Checks that a sealed text opens to its plain text, and with any edit not at all.
pub(crate) fn edited(keys: &Keys, plain: &str, position: usize, replacement: u8) {
    let secret = Secret::from(plain);
    let sealed = match keys.keyring.seal(&keys.context(), &secret) {
        Ok(sealed) => sealed,
        Err(_) => return assert!(plain.is_empty(), "only nothing cannot be sealed"),
    };
    assert_eq!(keys.keyring.open(&keys.context(), &sealed.key_id, &sealed.text), Ok(secret.clone()));
    let mut bytes = sealed.text.clone().into_bytes();
    let position = position % bytes.len();
    if bytes[position] != replacement {
        bytes[position] = replacement;
        let edited = String::from_utf8_lossy(&bytes);
        assert!(
            keys.keyring.open(&keys.context(), &sealed.key_id, &edited).is_err(),
            "{position}: {replacement}"
        );
    }
    let unbound = seal_unbound(&keys.master, &secret).expect("it is not empty");
    assert_eq!(open_unbound(&keys.master, &unbound), Ok(secret));
    assert!(keys.keyring.open(&keys.context(), &sealed.key_id, &unbound).is_err(), "the forms are apart");
}

/// Bytes as a text from outside, and as a secret with an edit of its sealed text: all that a fuzzer has.
pub(crate) fn any(keys: &Keys, data: &[u8]) {
    foreign(keys, data);
    if let [position, replacement, plain @ ..] = data {
        edited(keys, &String::from_utf8_lossy(plain), usize::from(*position), *replacement);
    }
}
