//! Keyed fingerprints: they tell whether two secrets are the same without opening either.

/// HMAC-SHA-256 of a secret under a fingerprint key, 64 lower-case hex digits, and which key that was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretFingerprint {
    /// The uid of the fingerprint key.
    pub key_id: String,
    /// The fingerprint.
    pub value: String,
}
