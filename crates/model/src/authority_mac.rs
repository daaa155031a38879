//! MACs over rows that grant something.

/// An HMAC-SHA-256 under a token key, and which key that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityMac {
    /// The uid of the token key.
    pub key_id: String,
    /// 64 lower-case hex digits.
    pub mac: String,
}
