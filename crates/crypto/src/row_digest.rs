//! Digests of moved rows: what was sent and what is stored are the same when their digests are.
//!
//! SHA-256 (FIPS 180-4) over the fields in the order of [`DigestRow`], after the name of the format. A text is its
//! length in bytes as a 64-bit big-endian number, then its UTF-8; a number is the text of its decimal form, a truth
//! value the text `true` or `false`; an optional field is the byte 0, or the byte 1 and the field. The digest of a
//! row stands for its secrets: it belongs in an answer to an admin, never in a log.

use sha2::{Digest as _, Sha256};
use strongroom_model::Secret;

use crate::hex;

/// The fields that the digest of a row is made over, secrets open.
#[derive(Debug, Clone, Copy)]
pub struct DigestRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its provider, lower case and without aliases.
    pub provider: &'a str,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<&'a str>,
    /// Lower is tried first; the provider's default where the source says none.
    pub priority: i64,
    /// `true` when it is handed out.
    pub is_active: bool,
    /// `true` when it is everybody's.
    pub is_global: bool,
    /// Its owner when it is not global.
    pub user_id: Option<i64>,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// The provider's key.
    pub api_key: Option<&'a Secret>,
    /// The second secret.
    pub api_secret: Option<&'a Secret>,
}

/// The digest of one row, 64 lower-case hex digits.
#[must_use]
pub fn row_digest(row: &DigestRow<'_>) -> String {
    let mut hash = Fields::of("strongroom/row-digest/v1");
    hash.text(row.name);
    hash.text(row.provider);
    hash.optional(row.endpoint);
    hash.text(&row.priority.to_string());
    hash.text(if row.is_active { "true" } else { "false" });
    hash.text(if row.is_global { "true" } else { "false" });
    hash.optional(row.user_id.map(|id| id.to_string()).as_deref());
    hash.optional(row.rate_limit.map(|limit| limit.to_string()).as_deref());
    hash.optional(row.api_key.map(Secret::expose));
    hash.optional(row.api_secret.map(Secret::expose));
    hash.finish()
}

/// One digest for many rows, 64 lower-case hex digits. Their order does not matter, their number does.
pub fn combine<'a>(digests: impl Iterator<Item = &'a str>) -> String {
    let mut digests: Vec<&str> = digests.collect();
    digests.sort_unstable();
    let mut hash = Fields::of("strongroom/row-digests/v1");
    digests.into_iter().for_each(|digest| hash.text(digest));
    hash.finish()
}

/// Hashed as they come, so that no buffer ever holds a secret.
struct Fields(Sha256);

impl Fields {
    fn of(format: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.text(format);
        fields
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn finish(self) -> String {
        hex::encode(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ROW: DigestRow<'_> = DigestRow {
        name: "openai-primary",
        provider: "openai",
        endpoint: None,
        priority: 40,
        is_active: true,
        is_global: true,
        user_id: None,
        rate_limit: Some(10_000),
        api_key: None,
        api_secret: None,
    };

    #[test]
    fn a_change_of_any_field_changes_the_digest() {
        let (key, other, empty) = (Secret::from("sk-1"), Secret::from("sk-2"), Secret::from(""));
        let rows = [
            ROW,
            DigestRow { name: "openai-2", ..ROW },
            DigestRow { name: "openai", provider: "-primaryopenai", ..ROW },
            DigestRow { provider: "groq", ..ROW },
            DigestRow { endpoint: Some(""), ..ROW },
            DigestRow { endpoint: Some("https://llm.example.com"), ..ROW },
            DigestRow { priority: 41, ..ROW },
            DigestRow { is_active: false, ..ROW },
            DigestRow { is_global: false, ..ROW },
            DigestRow { user_id: Some(7), ..ROW },
            DigestRow { rate_limit: Some(0), ..ROW },
            DigestRow { rate_limit: None, ..ROW },
            DigestRow { user_id: Some(10_000), rate_limit: None, ..ROW },
            DigestRow { api_key: Some(&key), ..ROW },
            DigestRow { api_key: Some(&other), ..ROW },
            DigestRow { api_key: Some(&empty), ..ROW },
            DigestRow { api_secret: Some(&key), ..ROW },
            DigestRow { api_secret: Some(&empty), ..ROW },
        ];
        let digests: HashSet<_> = rows.iter().map(row_digest).collect();
        assert_eq!(digests.len(), rows.len());
        assert_eq!(row_digest(&ROW), row_digest(&ROW.clone()));
    }

    /// Computed independently from the layout above, so that the layout cannot change unseen.
    #[test]
    fn the_layout_is_the_documented_one() {
        let key = Secret::from("sk-proj-abc123");
        let row = DigestRow { endpoint: Some("https://é"), user_id: Some(-1), api_key: Some(&key), ..ROW };
        assert_eq!(row_digest(&row), "4035cf7821962eb6fd06a6b7afe017c7cb88f0d7a65068a83ff6aad0af797ce8");
        assert_eq!(
            combine(["b", "a"].into_iter()),
            "8034dfc3229bc20fa56b1d13bb4a9165cc19d721f76e1835b53102544696692e"
        );
    }

    #[test]
    fn combining_ignores_the_order_and_sees_every_row() {
        let combined = |digests: &[&str]| combine(digests.iter().copied());
        assert_eq!(combined(&["aa", "bb", "cc"]), combined(&["cc", "aa", "bb"]));
        let distinct: HashSet<_> =
            [&["aa", "bb"][..], &["aa"], &["aa", "aa"], &["a", "abb"], &["aabb"], &[]].map(combined).into();
        assert_eq!(distinct.len(), 6);
    }
}
