//! Handing out keys: who may have which, in which order they are tried, and when the environment stands in.

use serde_json::json;
use strongroom_model::audit::Target;
use strongroom_model::credential::Source;
use strongroom_model::{CredentialId, Problem, ProblemKind, Provider, UserId};
use strongroom_store::credential::{self, ChoicePlace};
use strongroom_store::usage::{self, Kind};
use strongroom_store::value;

use super::CredentialService;
use super::read_batcher::Wanted;
use super::revealed::RevealedCredential;
use super::visibility::{is_seen, out_of_reach, unserved, unserved_of, within_reach};
use crate::admission::{Plan, immediate};
use crate::custody::trail::entry;

/// Candidates that are looked up at a time: nearly always the first one serves.
const CANDIDATES: i64 = 8;

fn passes_on(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::LimitReached | ProblemKind::Unprocessable | ProblemKind::Integrity)
}

/// That a limit is reached is the best answer when none is left; else the first problem is.
fn best_answer(before: Option<Problem>, problem: Problem) -> Problem {
    match before {
        Some(before)
            if before.kind == ProblemKind::LimitReached || problem.kind != ProblemKind::LimitReached =>
        {
            before
        }
        _ => problem,
    }
}

impl CredentialService {
    /// The key of the credential with this name, counted as one use; `None` when there is none that is active.
    /// Without a user it must be global, with one it must be that user's own.
    ///
    /// ```
    /// # use strongroom::{Actor, NewCredential, Options, Provider, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let database = format!("sqlite:{}", folder.path().join("strongroom.db").display());
    /// # let room = Strongroom::open(Options::new(database, strongroom::MasterKey::generate().to_hex())).await?;
    /// # let service = room.credentials(Actor::library());
    /// service.create(NewCredential::new("gemini-primary", Provider::parse("google")?, "AIzaSy0123456789")).await?;
    /// let credential = service.get_credential("gemini-primary", None).await?.ok_or("no such credential")?;
    /// assert_eq!((credential.api_key.expose(), credential.usage_count), ("AIzaSy0123456789", 1));
    /// assert!(service.get_credential("no-such-name", None).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Problem`] of kind `LimitReached` when its monthly limit is used up, `Integrity` when it does not open.
    pub async fn get_credential(
        &self,
        name: &str,
        user: Option<UserId>,
    ) -> Result<Option<RevealedCredential>, Problem> {
        self.read_by_name(name, &[user]).await
    }

    /// The key of the provider's first credential that is within its limit, counted as one use: by priority, among
    /// equals the lowest id. When the database knows nothing of the provider, the environment's.
    ///
    /// # Errors
    /// [`Problem`] of kind `LimitReached` when all are used up, `Integrity` when one does not open.
    pub async fn get_credential_by_provider(
        &self,
        provider: &str,
        user: Option<UserId>,
    ) -> Result<Option<RevealedCredential>, Problem> {
        self.read_by_provider(&Provider::parse(provider)?, &[user]).await
    }

    /// As [`Self::get_credential`], with the views that the actor has: its own credentials, then the global ones.
    ///
    /// # Errors
    /// As [`Self::get_credential`].
    pub async fn get_own_credential(&self, name: &str) -> Result<Option<RevealedCredential>, Problem> {
        self.read_by_name(name, &self.own_views()).await
    }

    /// As [`Self::get_credential_by_provider`], with the views that the actor has.
    ///
    /// # Errors
    /// As [`Self::get_credential_by_provider`].
    pub async fn get_own_credential_by_provider(
        &self,
        provider: &str,
    ) -> Result<Option<RevealedCredential>, Problem> {
        self.read_by_provider(&Provider::parse(provider)?, &self.own_views()).await
    }

    /// Why there was no credential of this name to read: one that the actor sees is frozen or inactive, or there is none. Without
    /// a user the actor's own views count.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be told.
    pub async fn absence_of(&self, name: &str, user: Option<UserId>) -> Result<Problem, Problem> {
        let views = user.map_or_else(|| self.own_views(), |user| vec![Some(user)]);
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let found = credential::get_by_name(&mut session, name, now).await?;
        let found = within_reach(&self.actor, found.as_ref())?.filter(|found| is_seen(found, &views));
        Ok(found.and_then(unserved).unwrap_or_else(super::not_found))
    }

    /// Why there was no credential of this provider to read, as [`Self::absence_of`].
    ///
    /// # Errors
    /// [`Problem`] when it cannot be told.
    pub async fn absence_at(&self, provider: &str, user: Option<UserId>) -> Result<Problem, Problem> {
        let views = user.map_or_else(|| self.own_views(), |user| vec![Some(user)]);
        let found = unserved_of(&self.custody, &self.actor, &Provider::parse(provider)?, &views).await?;
        Ok(found.unwrap_or_else(super::not_found))
    }

    /// Counts one use of a credential whose key the program has already.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `LimitReached` when its monthly limit is used up.
    pub async fn record_usage(&self, id: CredentialId) -> Result<(), Problem> {
        let mut tx = self.custody.store.write().await?;
        let snapshot = self.cache.snapshot_in(&mut tx).await?;
        let found = credential::get(&mut tx, id, snapshot.now).await?.ok_or_else(super::not_found)?;
        let plan = immediate::plan_use(&self.cache, &mut tx, &self.actor, found.uid, snapshot).await?;
        for taken in immediate::take_all(&self.custody, &mut tx, &[&plan], snapshot.now).await? {
            if let Err(refusal) = taken {
                self.custody.counters.limit_refusals.add_one();
                return Err(refusal);
            }
        }
        let record = immediate::record(
            &self.custody,
            &self.actor,
            Some(&found),
            &found.provider,
            Kind::Recorded,
            snapshot,
        );
        usage::insert_all(&mut tx, &[record]).await?;
        Ok(tx.commit().await?)
    }

    pub(super) fn own_views(&self) -> Vec<Option<UserId>> {
        match self.actor.user {
            Some(user) => vec![Some(user), None],
            None => vec![None],
        }
    }

    async fn read_by_name(
        &self,
        name: &str,
        views: &[Option<UserId>],
    ) -> Result<Option<RevealedCredential>, Problem> {
        let wanted = Wanted::Named { name: name.to_owned(), views: views.to_vec() };
        self.reads.read(self.actor.clone(), wanted).await
    }

    async fn read_by_provider(
        &self,
        provider: &Provider,
        views: &[Option<UserId>],
    ) -> Result<Option<RevealedCredential>, Problem> {
        let scope = &self.actor.scope;
        if !scope.providers.is_empty() && !scope.providers.contains(provider) {
            return Err(out_of_reach("provider"));
        }
        let mut refusal: Option<Problem> = None;
        for &view in views {
            let mut after = ChoicePlace::FIRST;
            loop {
                let candidates = {
                    let mut session = self.custody.store.read().await?;
                    let now = session.now().await?;
                    credential::list_of_provider(&mut session, provider, view, after, CANDIDATES, now).await?
                };
                let Some(last) = candidates.last() else { break };
                after = ChoicePlace::of(last);
                for candidate in candidates.iter().filter(|it| scope.permits(it.uid, provider)) {
                    // A read for each: a refused counter is not kept locked while the next one is tried.
                    let wanted = Wanted::Candidate { id: candidate.id, provider: provider.clone(), view };
                    match self.reads.read(self.actor.clone(), wanted).await {
                        Ok(None) => {}
                        // One that is used up, has no key or does not open leaves the others working.
                        Err(problem) if passes_on(problem.kind) => {
                            refusal = Some(best_answer(refusal, problem))
                        }
                        other => return other,
                    }
                }
            }
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None => self.read_environment(provider, views).await,
        }
    }

    /// The environment's key, when the database has no row for the provider, alive or not, and never held this key.
    async fn read_environment(
        &self,
        provider: &Provider,
        views: &[Option<UserId>],
    ) -> Result<Option<RevealedCredential>, Problem> {
        let Some((variable, key)) = self.settings.environment.key_of(provider) else { return Ok(None) };
        if !self.actor.scope.credentials.is_empty() {
            return Ok(None);
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        for &view in views {
            if credential::provider_has_rows(&mut tx, provider, view).await? {
                return Ok(None);
            }
        }
        let holders = value::holders(&mut tx, &self.custody.keyring().fingerprint(key)).await?;
        if let Some(holder) = holders.iter().find(|it| !it.is_served()) {
            tracing::warn!(variable, credential = %holder.name, "the key in the environment belongs to a credential \
                that was deleted, deactivated, frozen or replaced, and is not used");
            return Ok(None);
        }
        let snapshot = self.cache.snapshot_in(&mut tx).await?;
        let mut plan = Plan::default();
        immediate::plan_client_use(&self.cache, &mut tx, &mut plan, &self.actor, snapshot).await?;
        for taken in immediate::take_all(&self.custody, &mut tx, &[&plan], now).await? {
            taken?;
        }
        let record = immediate::record(&self.custody, &self.actor, None, provider, Kind::Read, snapshot);
        usage::insert_all(&mut tx, &[record]).await?;
        let detail = json!({ "provider": provider.as_str(), "source": Source::Environment.as_str() });
        let target = Target { kind: "environment".into(), id: None, name: Some(variable.to_owned()) };
        let entry = entry(&self.actor, "credential.read", target, now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        self.custody.counters.reads_from_environment.add_one();
        Ok(Some(RevealedCredential {
            id: None,
            name: variable.to_owned(),
            provider: provider.clone(),
            endpoint: None,
            api_key: key.clone(),
            api_secret: None,
            source: Source::Environment,
            version: None,
            usage_count: 0,
            current_month_usage: 0,
            rate_limit: None,
        }))
    }
}
