//! A version's row and the fingerprints of its values, under a MAC: it is checked before anything is built on it
//! and written again with each change.

use serde_json::{Value, json};
use strongroom_crypto::version::VersionFacts;
use strongroom_model::audit::{Filter, Target};
use strongroom_model::credential::Field;
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_model::version::{Ending, Erasure, Version};
use strongroom_model::{Actor, Millis, Problem, Uid};
use strongroom_store::{REGION, Session, Write, audit, meta, value, version};

use super::Custody;
use super::trail::entry;

/// Versions that are read at a time.
const BATCH: i64 = 500;
/// That all versions have a MAC: a fact of the installation, and an entry of the audit trail, which cannot be taken out of it
/// unseen. What has none from then on was changed.
const SIGNED: &str = "version_macs";
const ACTION: &str = "versions.sign";
pub(crate) const CREATED: &str = "installation.create";

/// Detail of the first entry of a new installation's trail.
pub(crate) fn detail_of_new() -> Value {
    json!({ SIGNED: true })
}

/// Notes of a new installation that its versions are signed from the first on.
pub(crate) async fn begin(tx: &mut Write) -> Result<(), Problem> {
    meta::claim(tx, SIGNED, REGION).await?;
    Ok(())
}

/// A step in the life of a version.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate<'a> {
    /// It comes into use.
    Activated,
    /// Another one takes its place.
    Replaced,
    /// No call uses it any more.
    Retired,
    /// Its try ends, for this reason.
    Ended(Ending, &'a str),
    /// Its values are gone.
    Erased(Erasure),
    /// The provider has said this of it.
    Probed(&'a str),
    /// The provider has revoked its key.
    Revoked,
    /// A version of the next number was made.
    Followed,
}

fn changed(number: i64) -> Problem {
    Problem::integrity(format!(
        "version {number}, or the fingerprint of its key, was changed outside strongroom; restore the tables \
         credential_versions and credential_values from a backup, or delete the credential and create it again"
    ))
}

impl Custody {
    /// A version that is to be built on: its row and fingerprints are what we wrote.
    pub(crate) async fn require_version(
        &self,
        session: &mut Session,
        credential: Uid,
        version: &Version,
    ) -> Result<(), Problem> {
        if self.is_genuine(session, credential, version).await? {
            return Ok(());
        }
        self.counters.integrity_failures.add_one();
        Err(changed(version.number))
    }

    /// Tells whether a version's row and fingerprints are what we wrote.
    pub(crate) async fn is_genuine(
        &self,
        session: &mut Session,
        credential: Uid,
        version: &Version,
    ) -> Result<bool, Problem> {
        let fingerprints = value::fingerprints(session, version.uid).await?;
        let facts = VersionFacts { credential, version, fingerprints: &fingerprints };
        Ok(facts.verify(&self.keyring()))
    }

    /// Writes what becomes of a version. `false` when it has come to that before. One that was changed outside strongroom does not
    /// come into use; all else takes something away and is done, and what was changed stays without a MAC that verifies.
    pub(crate) async fn change_version(
        &self,
        tx: &mut Write,
        uid: Uid,
        fate: Fate<'_>,
        now: Millis,
    ) -> Result<bool, Problem> {
        let found = version::get_by_uid(tx, uid).await?;
        let (credential, before) = found.ok_or_else(|| Problem::not_found("Version not found"))?;
        // What somebody else wrote into the row is not to be signed along with a change.
        let is_genuine = self.is_genuine(tx, credential, &before).await?;
        if !is_genuine && matches!(fate, Fate::Activated) {
            self.counters.integrity_failures.add_one();
            return Err(changed(before.number));
        }
        let is_new = match fate {
            Fate::Activated => version::activate(tx, uid, now).await.map(|()| true)?,
            Fate::Replaced => version::replace(tx, uid, now).await.map(|()| true)?,
            Fate::Retired => strongroom_store::drain::retire(tx, uid, now).await?,
            Fate::Ended(ending, reason) => version::end(tx, uid, ending, reason, now).await.map(|()| true)?,
            Fate::Erased(erasure) => version::erase(tx, uid, erasure, now).await?,
            Fate::Probed(outcome) => version::probed(tx, uid, outcome, now).await.map(|()| true)?,
            Fate::Revoked => version::revoked(tx, uid, now).await?,
            Fate::Followed => version::follow(tx, uid).await.map(|()| true)?,
        };
        if is_new && is_genuine {
            self.sign_version(tx, uid).await?;
        }
        Ok(is_new)
    }

    /// Signs a version that has just been made with its values, by this transaction, and that the one before it is followed.
    pub(crate) async fn sign_new_version(
        &self,
        tx: &mut Write,
        uid: Uid,
        now: Millis,
    ) -> Result<(), Problem> {
        let found = version::get_by_uid(tx, uid).await?;
        let (credential, version) = found.ok_or_else(|| Problem::not_found("Version not found"))?;
        if let Some(before) = version::get(tx, credential, version.number - 1).await? {
            self.change_version(tx, before.uid, Fate::Followed, now).await?;
        }
        self.sign_version(tx, uid).await
    }

    /// Signs a version as it is now.
    async fn sign_version(&self, tx: &mut Write, uid: Uid) -> Result<(), Problem> {
        let found = version::get_by_uid(tx, uid).await?;
        let (credential, version) = found.ok_or_else(|| Problem::not_found("Version not found"))?;
        let fingerprints = value::fingerprints(tx, uid).await?;
        let facts = VersionFacts { credential, version: &version, fingerprints: &fingerprints };
        Ok(version::sign(tx, uid, &facts.mac(&self.keyring())).await?)
    }

    /// Tells whether the database says that all versions have MACs.
    pub(crate) async fn are_versions_signed(&self) -> Result<bool, Problem> {
        Ok(meta::get(&mut self.store.read().await?, SIGNED).await?.is_some())
    }

    /// Signs the versions of a database that was made before versions had MACs: once, by whoever opens it first with its keys.
    pub(crate) async fn sign_versions_once(&self, is_trail_whole: bool) -> Result<(), Problem> {
        // An entry that is not there just now says nothing: what is missing would be asked for.
        if !is_trail_whole {
            self.counters.integrity_failures.add_one();
            tracing::error!(
                "the audit trail was changed outside strongroom, so that versions get no MACs; run `strongroom audit verify`"
            );
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        if !meta::claim(&mut tx, SIGNED, REGION).await? {
            return Ok(tx.roll_back().await?);
        }
        if self.says_that_versions_are_signed(&mut tx).await? {
            self.counters.integrity_failures.add_one();
            tracing::error!(
                "that versions have MACs was removed from the database outside strongroom: none is made again; run \
                 `strongroom audit verify`"
            );
            return Ok(tx.commit().await?);
        }
        let now = tx.now().await?;
        version::say_what_is_followed(&mut tx).await?;
        let (mut signed, mut after) = (0, String::new());
        loop {
            let batch = Facts::next(&mut tx, &mut after).await?;
            if batch.is_empty() {
                break;
            }
            for facts in &batch {
                version::sign(&mut tx, facts.version.uid, &facts.borrowed().mac(&self.keyring())).await?;
                signed += 1;
            }
        }
        let detail = json!({ "versions": signed });
        let entry = entry(&Actor::system(), ACTION, Target::kind("installation"), now, &detail);
        self.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }

    async fn says_that_versions_are_signed(&self, session: &mut Session) -> Result<bool, Problem> {
        let new = detail_of_new().to_string();
        for (action, is_enough) in [(ACTION, true), (CREATED, false)] {
            let filter = Filter { action: Some(action.to_owned()), ..Filter::default() };
            let first = audit::list(session, REGION, &filter, false, None, 1).await?;
            let says = |found: &audit::Found| match found {
                audit::Found::Entry(first) => is_enough || first.entry.detail == new,
                audit::Found::Unreadable { .. } => true,
            };
            if first.iter().any(says) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The versions that are not what we wrote, by the names of their credentials: keys of theirs may be hidden, or not theirs.
    /// None before they are signed for the first time.
    pub(crate) async fn changed_versions(
        &self,
        session: &mut Session,
    ) -> Result<Vec<ChangedVersion>, Problem> {
        let is_signed = meta::get(session, SIGNED).await?.is_some();
        if !is_signed && !self.says_that_versions_are_signed(session).await? {
            return Ok(Vec::new());
        }
        let (mut changed, mut after) = (Vec::new(), String::new());
        loop {
            let batch = Facts::next(session, &mut after).await?;
            if batch.is_empty() {
                break;
            }
            for facts in batch.iter().filter(|facts| !facts.borrowed().verify(&self.keyring())) {
                let name = strongroom_store::credential::name_of(session, facts.credential).await?;
                let number = Some(facts.version.number);
                changed.push(ChangedVersion { name: name.unwrap_or_default(), number });
            }
        }
        let gone = version::incomplete(session).await?;
        changed.extend(gone.into_iter().map(|name| ChangedVersion { name, number: None }));
        if !changed.is_empty() {
            self.counters.integrity_failures.add_one();
        }
        Ok(changed)
    }
}

/// A version that is not what we wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedVersion {
    /// Its credential.
    pub name: String,
    /// Its number; `None` when its row is gone.
    pub number: Option<i64>,
}

impl std::fmt::Display for ChangedVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            Some(number) => write!(f, "version {number} of credential {:?} was changed", self.name),
            None => write!(f, "a version of credential {:?} was removed", self.name),
        }
    }
}

/// A version and its fingerprints, as they were read.
struct Facts {
    credential: Uid,
    version: Version,
    fingerprints: Vec<(Field, SecretFingerprint)>,
}

impl Facts {
    /// The next ones in the order of their identities.
    async fn next(session: &mut Session, after: &mut String) -> Result<Vec<Self>, Problem> {
        let versions = version::list_all(session, after, BATCH).await?;
        let Some(last) = versions.last().map(|(_, version)| version.uid) else { return Ok(Vec::new()) };
        let fingerprints = value::fingerprints_between(session, after, last).await?;
        *after = last.to_string();
        let mut fingerprints = fingerprints.into_iter().peekable();
        let mut all = Vec::with_capacity(versions.len());
        for (credential, version) in versions {
            let mut own = Vec::new();
            while let Some((_, field, fingerprint)) = fingerprints.next_if(|(of, ..)| *of == version.uid) {
                own.push((field, fingerprint));
            }
            all.push(Self { credential, version, fingerprints: own });
        }
        Ok(all)
    }

    fn borrowed(&self) -> VersionFacts<'_> {
        VersionFacts { credential: self.credential, version: &self.version, fingerprints: &self.fingerprints }
    }
}
