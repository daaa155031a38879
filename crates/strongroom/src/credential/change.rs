//! Changes of which version is handed out: back to an older one, forward to a staged one, and the end of one.

use serde_json::{Value, json};
use strongroom_crypto::authority::CredentialGrant;
use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::credential::{Credential, Field, Staged, check_secret};
use strongroom_model::version::{Ending, Erasure, Origin, Version};
use strongroom_model::{CredentialId, Millis, Problem, Secret, Uid};
use strongroom_store::alert::incident::Subject;
use strongroom_store::version::Provenance;
use strongroom_store::{Write, credential, version};

use super::{ATTEMPTS, CredentialService, passed, target};
use crate::custody::seal::{Fault, SealBinding};
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;
use crate::event::{Seen, note_lasting};

/// Change of a credential's versions.
pub(super) enum Change {
    /// The values of this version are in use again, as a new version.
    RollBack { to: i64 },
    /// The values of this version are erased.
    Destroy { number: i64 },
    /// A version with this key waits; a second secret that is not given stays the one in use.
    Stage { api_key: Secret, api_secret: Option<Secret>, provider_key: Option<String> },
    /// So many of a hundred calls go to the staged version.
    Canary { percent: i64 },
    /// The staged version comes into use.
    Promote,
    /// The staged version is taken back.
    Abort,
    /// The provider refuses calls with this staged version.
    Refuse { version: Uid, reason: String },
}

impl Change {
    fn action(&self) -> &'static str {
        match self {
            Self::RollBack { .. } => "credential.rollback",
            Self::Destroy { .. } => "credential.destroy",
            Self::Stage { .. } => "credential.stage",
            Self::Canary { .. } => "credential.canary",
            Self::Promote => "credential.promote",
            Self::Abort => "credential.abort",
            Self::Refuse { .. } => "credential.canary_refused",
        }
    }
}

pub(super) fn no_version(number: i64) -> Problem {
    Problem::not_found(format!("there is no version {number} of this credential"))
}

pub(super) fn nothing_staged() -> Problem {
    Problem::conflict("no version of this credential is staged: stage a new key first")
}

fn gone(version: &Version, erasure: Erasure) -> Problem {
    Problem::conflict(format!(
        "the values of version {} are gone: it was {}",
        version.number,
        erasure.as_str()
    ))
}

/// A credential as it is to be, and the older version that the change is about.
struct Planned {
    after: Credential,
    older: Option<Version>,
}

impl CredentialService {
    /// Makes a change, with `if_match` only when the revision is still that one.
    pub(super) async fn change(
        &self,
        id: CredentialId,
        change: &Change,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        if let Change::Stage { api_key, api_secret, .. } = change {
            check_secret("apiKey", api_key)?;
            api_secret.as_ref().map_or(Ok(()), |secret| check_secret("apiSecret", secret))?;
        }
        for _ in 0..ATTEMPTS {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let before = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            if if_match.is_some_and(|revision| revision != before.revision) {
                return Err(passed());
            }
            self.require_genuine(&before)?;
            let Planned { mut after, older } = self.planned(&mut tx, &before, change).await?;
            after.mac = self.custody.sign_credential(&CredentialGrant::from(&after));
            // The row is written first: it is locked then, and of two changes at once the slower one stops here.
            if !credential::update(&mut tx, &after, now).await? {
                tx.roll_back().await?;
                continue;
            }
            let mut detail = self.carry_out(&mut tx, &before, &after, older.as_ref(), change, now).await?;
            let after = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            let pruned = self.prune(&mut tx, &after, now).await?;
            if !pruned.is_empty() {
                detail["pruned"] = json!(pruned);
            }
            detail["version"] = json!(after.version_number);
            let entry = entry(&self.actor, change.action(), target(&after), now, &detail);
            self.custody.append(&mut tx, vec![entry]).await?;
            tx.commit().await?;
            return Ok(after);
        }
        Err(passed())
    }

    /// Refuses a row that was changed outside strongroom: it would be signed along with the change.
    pub(super) fn require_genuine(&self, credential: &Credential) -> Result<(), Problem> {
        if self.custody.verify_row_mac(credential) {
            return Ok(());
        }
        self.custody.counters.integrity_failures.add_one();
        let mend = Fault::Row.remedy();
        Err(Problem::integrity(format!("credential {:?} cannot be changed: {mend}", credential.name)))
    }

    async fn planned(
        &self,
        tx: &mut Write,
        before: &Credential,
        change: &Change,
    ) -> Result<Planned, Problem> {
        let mut after = before.clone();
        let mut older = None;
        let staged = before.staged.ok_or_else(nothing_staged);
        match change {
            Change::RollBack { to } => {
                let found = self.older(tx, before, *to, "rolled back to").await?;
                after.version = random::uid();
                older = Some(found);
            }
            Change::Destroy { number } => older = Some(self.older(tx, before, *number, "destroyed").await?),
            Change::Stage { .. } => {
                if let Some(staged) = before.staged {
                    return Err(Problem::conflict(format!(
                        "version {} is staged already: promote it or abort it first",
                        staged.number
                    )));
                }
                after.staged = Some(Staged { version: random::uid(), number: 0, percent: 0 });
            }
            Change::Canary { percent } => {
                if !(0..=100).contains(percent) {
                    return Err(Problem::invalid("percent", "percent must be 0 to 100"));
                }
                after.staged = Some(Staged { percent: *percent, ..staged? });
            }
            Change::Promote => (after.version, after.staged) = (staged?.version, None),
            Change::Abort => {
                staged?;
                after.staged = None;
            }
            Change::Refuse { version, .. } => {
                if staged?.version != *version {
                    return Err(nothing_staged());
                }
                after.staged = None;
            }
        }
        Ok(Planned { after, older })
    }

    /// A version that is neither in use nor staged and has its values.
    async fn older(
        &self,
        tx: &mut Write,
        before: &Credential,
        number: i64,
        what: &str,
    ) -> Result<Version, Problem> {
        let found = version::get(tx, before.uid, number).await?.ok_or_else(|| no_version(number))?;
        if found.uid == before.version {
            return Err(Problem::conflict(format!(
                "version {number} is the one in use and cannot be {what}: give the credential a new key first"
            )));
        }
        if before.staged.is_some_and(|staged| staged.version == found.uid) {
            return Err(Problem::conflict(format!(
                "version {number} is staged and cannot be {what}: promote it or abort it"
            )));
        }
        match found.erased {
            Some((erasure, _)) => Err(gone(&found, erasure)),
            None if found.revoked_at.is_some() && what != "destroyed" => Err(Problem::conflict(format!(
                "the provider has revoked the key of version {number}: give the credential a new one"
            ))),
            None => {
                self.custody.require_version(tx, before.uid, &found).await?;
                Ok(found)
            }
        }
    }

    /// Writes the versions of a change beside the row; returns the detail of its audit entry.
    async fn carry_out(
        &self,
        tx: &mut Write,
        before: &Credential,
        after: &Credential,
        older: Option<&Version>,
        change: &Change,
        now: Millis,
    ) -> Result<Value, Problem> {
        let actor = self.actor.label();
        let staged = before.staged.or(after.staged);
        match (change, older, staged) {
            (Change::RollBack { to }, Some(older), _) => {
                let made =
                    Provenance { created_by: &actor, origin: Origin::RolledBack, copied_from: Some(*to) };
                version::insert_from(tx, after.uid, after.version, made, now).await?;
                self.custody.change_version(tx, before.version, Fate::Replaced, now).await?;
                self.take_over(tx, after, older.uid, after.version, &[]).await?;
                if let Some(provider_key) = &older.provider_key {
                    version::set_provider_key(tx, after.version, provider_key).await?;
                }
                self.custody.sign_new_version(tx, after.version, now).await?;
                Ok(json!({ "to": to, "from": before.version_number }))
            }
            (Change::Destroy { number }, Some(older), _) => {
                self.custody.change_version(tx, older.uid, Fate::Erased(Erasure::Destroyed), now).await?;
                Ok(json!({ "destroyed": number }))
            }
            (Change::Stage { api_key, api_secret, provider_key }, _, Some(staged)) => {
                let made = Provenance { created_by: &actor, origin: Origin::Staged, copied_from: None };
                let number = version::insert_from(tx, after.uid, staged.version, made, now).await?;
                let given = [(Field::ApiKey, Some(api_key)), (Field::ApiSecret, api_secret.as_ref())];
                let given: Vec<_> =
                    given.into_iter().filter_map(|(it, secret)| Some((it, secret?))).collect();
                self.take_over(tx, after, before.version, staged.version, &given).await?;
                if let Some(provider_key) = provider_key {
                    version::set_provider_key(tx, staged.version, provider_key).await?;
                }
                self.custody.sign_new_version(tx, staged.version, now).await?;
                Ok(json!({ "staged": number }))
            }
            (Change::Canary { percent }, _, Some(staged)) => {
                Ok(json!({ "staged": staged.number, "percent": percent }))
            }
            (Change::Promote, _, Some(staged)) => {
                self.custody.change_version(tx, staged.version, Fate::Activated, now).await?;
                self.custody.change_version(tx, before.version, Fate::Replaced, now).await?;
                Ok(json!({ "from": before.version_number, "to": staged.number }))
            }
            (Change::Abort, _, Some(staged)) => {
                let reason = format!("taken back by {actor}");
                let fate = Fate::Ended(Ending::Aborted, &reason);
                self.custody.change_version(tx, staged.version, fate, now).await?;
                Ok(json!({ "staged": staged.number }))
            }
            (Change::Refuse { reason, .. }, _, Some(staged)) => {
                let fate = Fate::Ended(Ending::Refused, reason);
                self.custody.change_version(tx, staged.version, fate, now).await?;
                let subject = Subject::of("credential", before.uid);
                let seen = Seen::of(Rule::CanaryRefused, Level::Critical, subject);
                let seen = Seen { mark: staged.number, ..seen };
                note_lasting(&self.custody, tx, seen, now).await?;
                Ok(json!({ "staged": staged.number, "percent": staged.percent, "reason": reason }))
            }
            _ => Err(Problem::internal("a change of versions without the version that it is about")),
        }
    }

    /// Fills a version: with what is given, and with the values of another version for the rest, resealed.
    async fn take_over(
        &self,
        tx: &mut Write,
        credential: &Credential,
        from: Uid,
        to: Uid,
        given: &[(Field, &Secret)],
    ) -> Result<(), Problem> {
        let place = SealBinding::of(credential);
        for (field, secret) in given {
            self.custody.seal_into(tx, place, to, *field, secret).await?;
        }
        for kept in self.custody.values_of_version(tx, from).await? {
            if given.iter().any(|(field, _)| *field == kept.field) {
                continue;
            }
            let secret = self.custody.open_value(place, &kept).map_err(|error| {
                self.custody.counters.integrity_failures.add_one();
                Problem::integrity(format!(
                    "credential {:?}: the values of the version that is to be taken over cannot be opened: {error}; \
                     restore the row from a backup, or store the key again",
                    credential.name
                ))
            })?;
            self.custody.seal_into(tx, place, to, kept.field, &secret).await?;
        }
        Ok(())
    }

    /// Erases the values of the oldest versions, so that no more than are kept have theirs; the one in use and the staged
    /// one always do. Tells the numbers of the others.
    pub(super) async fn prune(
        &self,
        tx: &mut Write,
        credential: &Credential,
        now: Millis,
    ) -> Result<Vec<i64>, Problem> {
        let all = version::list(tx, credential.uid).await?;
        let staged = credential.staged.map(|staged| staged.version);
        let stays = |it: &Version| it.uid == credential.version || staged == Some(it.uid);
        let kept = all.iter().filter(|it| it.erased.is_none());
        let always = kept.clone().filter(|it| stays(it)).count();
        let most = (self.settings.versions_kept as usize).saturating_sub(always);
        let mut pruned = Vec::new();
        for one in kept.filter(|it| !stays(it)).skip(most) {
            self.custody.change_version(tx, one.uid, Fate::Erased(Erasure::Pruned), now).await?;
            pruned.push(one.number);
        }
        Ok(pruned)
    }
}
