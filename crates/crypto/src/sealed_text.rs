//! AES-256-GCM (NIST SP 800-38D) in the text form `iv:authTag:ciphertext`, three times lower-case hex.
//!
//! *Bound* texts are ours: 12-byte IV, sealed under a data key, with AAD that names the row, the version, the field,
//! the provider and the endpoint they belong to; moved anywhere else they do not open. *Unbound* texts are those of
//! the original Node application: sealed under the master key directly, without AAD, with a 16-byte IV (other
//! exporters of that format write 12 bytes). They are read when moving in and never stored.

use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use strongroom_model::credential::Field;
use strongroom_model::{Provider, Secret, Uid};
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::key::Key;
use crate::master_key::MasterKey;
use crate::{hex, random};

/// Place that a secret is sealed for. All of it stands in the AAD.
#[derive(Debug, Clone, Copy)]
pub struct SealContext<'a> {
    /// The credential.
    pub credential: Uid,
    /// The version of its values.
    pub version: Uid,
    /// The field of that version.
    pub field: Field,
    /// The provider that the credential is for.
    pub provider: &'a Provider,
    /// The base URL it may be sent to, when it is not the provider's own.
    pub endpoint: Option<&'a str>,
}

impl SealContext<'_> {
    fn aad(&self) -> Canonical {
        Canonical::of("strongroom/sealed/v1")
            .text(&self.credential.to_string())
            .text(&self.version.to_string())
            .text(self.field.as_str())
            .text(self.provider.as_str())
            .optional(self.endpoint)
    }
}

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is nothing to seal.
    #[error("Cannot encrypt empty text")]
    Empty,
    /// The cipher refused, which it does for texts of more than 64 GiB.
    #[error("the text cannot be encrypted")]
    Cipher,
}

/// Why a sealed text did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is nothing to open.
    #[error("Cannot decrypt empty text")]
    Empty,
    /// It is not three parts of hex, or a part has an impossible length.
    #[error("Invalid encrypted text format")]
    Format,
    /// It was changed, moved, or sealed under another key.
    #[error("the sealed text does not verify: it was changed or moved, or sealed under another key")]
    Tampered,
    /// It opened to something that is no text.
    #[error("the sealed text opens to bytes that are not UTF-8")]
    NotText,
    /// It was sealed under a key that is not at hand.
    #[error("the key it was sealed under is not in the keyring")]
    UnknownKey,
}

pub(crate) fn seal_bound(key: &Key, context: &SealContext<'_>, secret: &Secret) -> Result<String, SealError> {
    seal_with(key, &context.aad(), secret)
}

pub(crate) fn open_bound(key: &Key, context: &SealContext<'_>, text: &str) -> Result<Secret, OpenError> {
    open_with(key, &context.aad(), text)
}

pub(crate) fn seal_with(key: &Key, aad: &Canonical, secret: &Secret) -> Result<String, SealError> {
    if secret.is_empty() {
        return Err(SealError::Empty);
    }
    let sealed = encrypt_12(&key.0, aad.bytes(), secret.expose().as_bytes());
    sealed.ok_or(SealError::Cipher)
}

pub(crate) fn open_with(key: &Key, aad: &Canonical, text: &str) -> Result<Secret, OpenError> {
    let parts = Parts::read(text)?;
    if parts.iv.len() != 12 {
        return Err(OpenError::Format);
    }
    into_secret(decrypt(&key.0, aad.bytes(), &parts)?)
}

/// Seals in the original's form: under the master key, without AAD, with a 16-byte IV.
///
/// # Errors
/// [`SealError::Empty`] when there is nothing to seal.
pub fn seal_unbound(key: &MasterKey, secret: &Secret) -> Result<String, SealError> {
    if secret.is_empty() {
        return Err(SealError::Empty);
    }
    let iv: [u8; 16] = random::bytes();
    let cipher = AesGcm::<Aes256, U16>::new((&*key.0).into());
    let sealed = cipher.encrypt((&iv).into(), secret.expose().as_bytes()).map_err(|_| SealError::Cipher)?;
    write_parts(&iv, &sealed).ok_or(SealError::Cipher)
}

/// Opens the original's form; hex of either case, IV of 12 or 16 bytes.
///
/// # Errors
/// [`OpenError`]; the sentences for empty and malformed texts are the original's.
pub fn open_unbound(key: &MasterKey, text: &str) -> Result<Secret, OpenError> {
    let parts = Parts::read(&text.to_ascii_lowercase())?;
    into_secret(decrypt(&key.0, &[], &parts)?)
}

pub(crate) fn encrypt_12(key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Option<String> {
    let iv: [u8; 12] = random::bytes();
    let cipher = AesGcm::<Aes256, U12>::new(key.into());
    let sealed = cipher.encrypt((&iv).into(), Payload { msg: plain, aad }).ok()?;
    write_parts(&iv, &sealed)
}

pub(crate) fn decrypt_text(key: &[u8; 32], aad: &[u8], text: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    decrypt(key, aad, &Parts::read(text)?)
}

fn write_parts(iv: &[u8], sealed: &[u8]) -> Option<String> {
    let (ciphertext, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
    Some(format!("{}:{}:{}", hex::encode(iv), hex::encode(tag), hex::encode(ciphertext)))
}

fn decrypt(key: &[u8; 32], aad: &[u8], parts: &Parts) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let payload = Payload { msg: &parts.sealed, aad };
    let plain = if let Ok(iv) = <&Nonce<U12>>::try_from(parts.iv.as_slice()) {
        AesGcm::<Aes256, U12>::new(key.into()).decrypt(iv, payload)
    } else if let Ok(iv) = <&Nonce<U16>>::try_from(parts.iv.as_slice()) {
        AesGcm::<Aes256, U16>::new(key.into()).decrypt(iv, payload)
    } else {
        return Err(OpenError::Format);
    };
    plain.map(Zeroizing::new).map_err(|_| OpenError::Tampered)
}

fn into_secret(plain: Zeroizing<Vec<u8>>) -> Result<Secret, OpenError> {
    std::str::from_utf8(&plain).map(Secret::from).map_err(|_| OpenError::NotText)
}

const TAG: usize = 16;

/// The IV, and the ciphertext followed by its tag as the cipher wants them.
struct Parts {
    iv: Vec<u8>,
    sealed: Vec<u8>,
}

impl Parts {
    fn read(text: &str) -> Result<Self, OpenError> {
        if text.is_empty() {
            return Err(OpenError::Empty);
        }
        let mut parts = text.split(':').map(hex::decode);
        let (Some(Some(iv)), Some(Some(tag)), Some(Some(mut sealed)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(OpenError::Format);
        };
        if tag.len() != TAG || sealed.is_empty() {
            return Err(OpenError::Format);
        }
        sealed.extend_from_slice(&tag);
        Ok(Self { iv, sealed })
    }
}

#[cfg(test)]
mod tests;
