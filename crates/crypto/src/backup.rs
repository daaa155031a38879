//! The key of a backup file, and the stream of chunks that is sealed under it.
//!
//! The stream is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance, 2015) over AES-256-GCM: the nonce of a chunk is 7 random bytes of the file, the number of
//! the chunk in 4, and 1 byte that says whether it is the last. So no chunk can be left out, moved, or put behind the end.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use strongroom_model::Uid;
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::key::Key;
use crate::master_key::MasterKey;
use crate::sealed_text::{OpenError, decrypt_text, encrypt_12};
use crate::{hex, random};

fn aad(master: &MasterKey, backup: Uid) -> Canonical {
    Canonical::of("strongroom/backup-key/v1").text(&backup.to_string()).text(&master.fingerprint())
}

/// Wraps the key of a backup; the text has the form of a sealed text.
///
/// # Panics
/// Never: the cipher takes 32 bytes.
#[must_use]
pub fn wrap(master: &MasterKey, backup: Uid, key: &Key) -> String {
    encrypt_12(&master.0, aad(master, backup).bytes(), &*key.0).expect("the cipher takes 32 bytes")
}

/// Unwraps the key of a backup.
///
/// # Errors
/// [`OpenError`] when the wrap was changed, or made for another backup or master.
pub fn unwrap_key(master: &MasterKey, backup: Uid, wrapped: &str) -> Result<Key, OpenError> {
    let bytes = decrypt_text(&master.0, aad(master, backup).bytes(), wrapped)?;
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| OpenError::Format)?;
    Ok(Key(Zeroizing::new(bytes)))
}

/// Both ends of a stream count alike.
struct Chunks {
    cipher: AesGcm<Aes256, U12>,
    prefix: [u8; 7],
    number: u32,
    is_over: bool,
}

impl Chunks {
    fn new(key: &Key, prefix: [u8; 7]) -> Self {
        Self { cipher: AesGcm::new((&*key.0).into()), prefix, number: 0, is_over: false }
    }

    /// The nonce of the next chunk; `None` behind the last one, or when there are as many as a number of 32 bits counts.
    fn next(&mut self, is_last: bool) -> Option<[u8; 12]> {
        if self.is_over {
            return None;
        }
        let mut nonce = [0; 12];
        nonce[..7].copy_from_slice(&self.prefix);
        nonce[7..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(is_last);
        match self.number.checked_add(1) {
            Some(number) if !is_last => self.number = number,
            _ => self.is_over = true,
        }
        Some(nonce)
    }
}

/// Seals the chunks of one file.
pub struct Sealer(Chunks);

impl Sealer {
    /// The sealer of a new file. A key seals one file.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self(Chunks::new(key, random::bytes()))
    }

    /// Prefix that an [`Opener`] needs beside the key, 14 lower-case hex digits.
    #[must_use]
    pub fn prefix(&self) -> String {
        hex::encode(&self.0.prefix)
    }

    /// The ciphertext of the next chunk, and its tag behind it. `None` when the file has more chunks than a key may seal.
    pub fn seal(&mut self, aad: &[u8], plain: &[u8], is_last: bool) -> Option<Vec<u8>> {
        let nonce = self.0.next(is_last)?;
        self.0.cipher.encrypt((&nonce).into(), Payload { msg: plain, aad }).ok()
    }
}

/// Opens the chunks of one file, in their order.
pub struct Opener(Chunks);

impl Opener {
    /// The opener of a file, by its key and the prefix of its nonces.
    ///
    /// # Errors
    /// [`OpenError::Format`] when that is no prefix.
    pub fn new(key: &Key, prefix: &str) -> Result<Self, OpenError> {
        let bytes = hex::decode(prefix).ok_or(OpenError::Format)?;
        Ok(Self(Chunks::new(key, bytes.as_slice().try_into().map_err(|_| OpenError::Format)?)))
    }

    /// The plaintext of the next chunk.
    ///
    /// # Errors
    /// [`OpenError::Tampered`] when it was changed, is not the next one, or is not the last one where that is asked for.
    pub fn open(
        &mut self,
        aad: &[u8],
        sealed: &[u8],
        is_last: bool,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let nonce = self.0.next(is_last).ok_or(OpenError::Tampered)?;
        let nonce: &Nonce<U12> = (&nonce).into();
        let plain = self.0.cipher.decrypt(nonce, Payload { msg: sealed, aad });
        plain.map(Zeroizing::new).map_err(|_| OpenError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Sealer, impl Fn() -> Opener) {
        let key = Key::generate();
        let sealer = Sealer::new(&key);
        let prefix = sealer.prefix();
        (sealer, move || Opener::new(&key, &prefix).unwrap())
    }

    #[test]
    fn chunks_open_in_their_order_and_in_no_other() {
        let (mut sealer, opener) = pair();
        let one = sealer.seal(b"a", b"one", false).unwrap();
        let two = sealer.seal(b"a", b"two", false).unwrap();
        let end = sealer.seal(b"a", b"", true).unwrap();
        assert!(sealer.seal(b"a", b"more", false).is_none(), "behind the last one there is nothing");

        let mut whole = opener();
        assert_eq!(&**whole.open(b"a", &one, false).unwrap(), b"one");
        assert_eq!(&**whole.open(b"a", &two, false).unwrap(), b"two");
        assert_eq!(&**whole.open(b"a", &end, true).unwrap(), b"");
        assert_eq!(whole.open(b"a", &end, true), Err(OpenError::Tampered));

        assert_eq!(opener().open(b"a", &two, false), Err(OpenError::Tampered), "the first was left out");
        assert_eq!(opener().open(b"b", &one, false), Err(OpenError::Tampered), "other data beside it");
        assert_eq!(opener().open(b"a", &one, true), Err(OpenError::Tampered), "it is not the last");
        let mut cut = opener();
        cut.open(b"a", &one, false).unwrap();
        assert_eq!(cut.open(b"a", &end, true), Err(OpenError::Tampered), "one in the middle was left out");
        let mut edited = one.clone();
        edited[0] ^= 1;
        assert_eq!(opener().open(b"a", &edited, false), Err(OpenError::Tampered));
        let (_, other) = pair();
        assert_eq!(other().open(b"a", &one, false), Err(OpenError::Tampered), "another file's key");
    }

    #[test]
    fn the_key_of_a_backup_comes_back_only_for_that_backup_and_master() {
        let (master, backup, key) = (MasterKey::generate(), Uid::from_bytes([7; 16]), Key::generate());
        let wrapped = wrap(&master, backup, &key);
        assert_eq!(*unwrap_key(&master, backup, &wrapped).unwrap().0, *key.0);
        assert!(unwrap_key(&master, Uid::from_bytes([8; 16]), &wrapped).is_err());
        assert!(unwrap_key(&MasterKey::generate(), backup, &wrapped).is_err());
        assert!(Opener::new(&key, "00").is_err() && Opener::new(&key, "no hex").is_err());
    }
}
