//! Versions, as people see them: listed, compared without showing anything, rolled back to, destroyed.

use std::collections::BTreeMap;

use strongroom_model::credential::{Credential, Field};
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_model::version::Version;
use strongroom_model::{CredentialId, Problem, Uid};
pub use strongroom_store::value::SameKey;
use strongroom_store::{Session, value, version};

use super::CredentialService;
use super::change::{Change, no_version};

/// How a field of one version stands to that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Both have the same secret.
    Same,
    /// They have different ones.
    Changed,
    /// Only the second has one.
    Added,
    /// Only the first has one.
    Removed,
    /// It cannot be told: their fingerprints were made with different keys.
    Unknown,
}

impl Difference {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Unknown => "unknown",
        }
    }

    fn between(from: Option<&SecretFingerprint>, to: Option<&SecretFingerprint>) -> Option<Self> {
        Some(match (from, to) {
            (None, None) => return None,
            (None, Some(_)) => Self::Added,
            (Some(_), None) => Self::Removed,
            (Some(from), Some(to)) if from.key_id != to.key_id => Self::Unknown,
            (Some(from), Some(to)) if from.value == to.value => Self::Same,
            _ => Self::Changed,
        })
    }
}

/// Two versions beside each other.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The first.
    pub from: Version,
    /// The second.
    pub to: Version,
    /// The fields that one of them has or had.
    pub fields: Vec<(Field, Difference)>,
}

async fn prints(
    session: &mut Session,
    version: Uid,
) -> Result<BTreeMap<&'static str, SecretFingerprint>, Problem> {
    let found = value::fingerprints(session, version).await?;
    Ok(found.into_iter().map(|(field, print)| (field.as_str(), print)).collect())
}

impl CredentialService {
    /// A credential and all its versions, the newest first.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn versions(&self, id: CredentialId) -> Result<(Credential, Vec<Version>), Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let found = strongroom_store::credential::get(&mut session, id, now).await?;
        let found = found.ok_or_else(super::not_found)?;
        let versions = version::list(&mut session, found.uid).await?;
        Ok((found, versions))
    }

    /// Which versions that serve, or may do so again, have the key of one of this credential's versions, which therefore is
    /// not to be revoked.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn same_keys(&self, credential: &Credential) -> Result<Vec<SameKey>, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(value::same_keys(&mut session, credential.uid).await?)
    }

    /// Compares two versions by their fingerprints: nothing is opened.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn compare_versions(
        &self,
        id: CredentialId,
        from: i64,
        to: i64,
    ) -> Result<Comparison, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let found = strongroom_store::credential::get(&mut session, id, now).await?;
        let uid = found.ok_or_else(super::not_found)?.uid;
        let first = version::get(&mut session, uid, from).await?.ok_or_else(|| no_version(from))?;
        let second = version::get(&mut session, uid, to).await?.ok_or_else(|| no_version(to))?;
        let (of_first, of_second) =
            (prints(&mut session, first.uid).await?, prints(&mut session, second.uid).await?);
        let fields = [Field::ApiKey, Field::ApiSecret].into_iter().filter_map(|field| {
            let name = field.as_str();
            Some((field, Difference::between(of_first.get(name), of_second.get(name))?))
        });
        Ok(Comparison { fields: fields.collect(), from: first, to: second })
    }

    /// Brings the values of an older version back into use, as a new version; the old one stays.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when that version is in use or its values are gone,
    /// `PreconditionFailed` or `Integrity`.
    pub async fn roll_back(
        &self,
        id: CredentialId,
        to: i64,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        self.change(id, &Change::RollBack { to }, if_match).await
    }

    /// Erases the values of a version that is not in use, for good; its number and what is known of it stay.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when that version is in use or its values are gone, or
    /// `PreconditionFailed`.
    pub async fn destroy_version(
        &self,
        id: CredentialId,
        number: i64,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        self.change(id, &Change::Destroy { number }, if_match).await
    }
}
