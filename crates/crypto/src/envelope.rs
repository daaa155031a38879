//! Wrapping: a key sealed under a master key, bound to its identity and purpose.

use strongroom_model::Uid;
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::key::{Key, Purpose};
use crate::master_key::MasterKey;
use crate::sealed_text::{OpenError, decrypt_text, encrypt_12};

fn aad(master: &MasterKey, id: Uid, purpose: Purpose) -> Canonical {
    Canonical::of("strongroom/wrap/v1")
        .text(&id.to_string())
        .text(purpose.as_str())
        .text(&master.fingerprint())
}

/// Wraps a key; the text has the form of a sealed text.
///
/// # Panics
/// Never: the cipher takes 32 bytes.
#[must_use]
pub fn wrap(master: &MasterKey, id: Uid, purpose: Purpose, key: &Key) -> String {
    encrypt_12(&master.0, aad(master, id, purpose).bytes(), &*key.0).expect("the cipher takes 32 bytes")
}

/// Unwraps a key.
///
/// # Errors
/// [`OpenError`] when the wrap was changed, or made for another key, purpose or master.
pub fn unwrap_key(master: &MasterKey, id: Uid, purpose: Purpose, wrapped: &str) -> Result<Key, OpenError> {
    let bytes = decrypt_text(&master.0, aad(master, id, purpose).bytes(), wrapped)?;
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| OpenError::Format)?;
    Ok(Key(Zeroizing::new(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_comes_back_only_as_what_it_was() {
        let (master, id, key) = (MasterKey::generate(), Uid::from_bytes([7; 16]), Key::generate());
        let wrapped = wrap(&master, id, Purpose::Data, &key);
        assert!(unwrap_key(&master, id, Purpose::Data, &wrapped).unwrap().is(&key));
        assert!(!Key::generate().is(&key));
        assert!(unwrap_key(&master, id, Purpose::Audit, &wrapped).is_err());
        assert!(unwrap_key(&master, Uid::from_bytes([8; 16]), Purpose::Data, &wrapped).is_err());
        assert!(unwrap_key(&MasterKey::generate(), id, Purpose::Data, &wrapped).is_err());
    }
}
