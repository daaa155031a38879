//! Credentials sealed in a database, handed out one counted use at a time, with an audit trail.
//!
//! ```
//! use strongroom::{Actor, NewCredential, Options, Provider, Strongroom};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let database = format!("sqlite:{}", folder.path().join("strongroom.db").display());
//! let master_key = strongroom::MasterKey::generate().to_hex();
//! let room = Strongroom::open(Options::new(database, master_key)).await?;
//! let credentials = room.credentials(Actor::library());
//! credentials.create(NewCredential::new("gemini-primary", Provider::parse("gemini")?, "AIzaSy0123456789")).await?;
//!
//! if let Some(credential) = credentials.get_credential_by_provider("gemini", None).await? {
//!     assert_eq!(credential.api_key.expose(), "AIzaSy0123456789");
//!     assert_eq!(credential.usage_count, 1);
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless))]

mod admission;
pub mod ai;
pub mod alert;
pub mod audit;
pub mod backup;
mod cache;
pub mod call;
mod canary;
mod cooldown;
pub mod credential;
mod crossing;
mod custody;
mod database_timeout;
mod drain;
pub mod environment;
mod event;
pub mod health;
mod job;
pub mod key;
pub mod leak;
pub mod limit;
mod master_keys;
pub mod me;
pub mod open;
mod options;
pub mod prices;
pub mod pulse;
mod settings;
pub mod sign_in;
mod supervision;
pub mod token;
pub mod usage;
pub mod user;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use credential::{CredentialService, RevealedCredential};
pub use custody::Counters;
pub use custody::counters::Count;
pub use environment::Environment;
pub use open::Opened;
pub use options::{KeySource, Options};
pub use strongroom_connectors::endpoint_guard::EndpointGuard;
pub use strongroom_crypto::MasterKey;
pub use strongroom_model::credential::{
    Credential, CredentialFilter, CredentialPatch, NewCredential, Source,
};
pub use strongroom_model::limit::{Unit, Window};
pub use strongroom_model::price::PriceTable;
pub use strongroom_model::usage::{CallBound, Metering, TokenUsage};
pub use strongroom_model::{
    Actor, Amount, Clock, CredentialId, Millis, Problem, ProblemKind, Provider, RawUsage, Role, Secret,
    UserId,
};
pub use strongroom_store::legacy_source as legacy;

use strongroom_crypto::token::NewToken;
use strongroom_model::audit::{Outcome, Target};

use admission::AdmissionBatcher;
use alert::Alerts;
use backup::Proof;
use cache::Cache;
use call::{Calls, FailureReason};
use cooldown::Cooldowns;
use credential::ReadBatcher;
use custody::Custody;
use health::CredentialHealth;
use key::{Heartbeat, ResealTask};
use settings::Settings;

/// An open strongroom. Clones share everything.
#[derive(Debug, Clone)]
pub struct Strongroom(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    custody: Arc<Custody>,
    cache: Arc<Cache>,
    admission: Arc<AdmissionBatcher>,
    reads: Arc<ReadBatcher>,
    calls: Arc<Calls>,
    heartbeat: Heartbeat,
    reseal: Arc<ResealTask>,
    cooldowns: Arc<Cooldowns>,
    settings: Arc<Settings>,
    prices: Arc<PriceTable>,
    alerts: Arc<Alerts>,
    is_stopping: AtomicBool,
}

/// The services, each of which holds the parts that it works with.
impl Strongroom {
    /// The credentials, as this actor sees them.
    #[must_use]
    pub fn credentials(&self, actor: Actor) -> CredentialService {
        CredentialService {
            custody: Arc::clone(&self.0.custody),
            cache: Arc::clone(&self.0.cache),
            admission: Arc::clone(&self.0.admission),
            reads: Arc::clone(&self.0.reads),
            settings: Arc::clone(&self.0.settings),
            actor,
        }
    }

    /// Calls to providers, as this actor makes them.
    #[must_use]
    pub fn calls(&self, actor: impl Into<Arc<Actor>>) -> call::CallService {
        call::CallService { calls: Arc::clone(&self.0.calls), actor: actor.into() }
    }

    /// The tokens, as this actor manages them.
    #[must_use]
    pub fn tokens(&self, actor: Actor) -> token::TokenService {
        token::TokenService { custody: Arc::clone(&self.0.custody), cache: Arc::clone(&self.0.cache), actor }
    }

    /// The users, as this actor manages them.
    #[must_use]
    pub fn users(&self, actor: Actor) -> user::UserService {
        user::UserService { custody: Arc::clone(&self.0.custody), actor }
    }

    /// The limits, as this actor manages them.
    #[must_use]
    pub fn limits(&self, actor: Actor) -> limit::LimitService {
        limit::LimitService {
            custody: Arc::clone(&self.0.custody),
            admission: Arc::clone(&self.0.admission),
            prices: Arc::clone(&self.0.prices),
            actor,
        }
    }

    /// This actor itself.
    #[must_use]
    pub fn me(&self, actor: Actor) -> me::MeService {
        me::MeService {
            custody: Arc::clone(&self.0.custody),
            admission: Arc::clone(&self.0.admission),
            actor,
        }
    }

    /// The usage, as this actor looks at it.
    #[must_use]
    pub fn usage(&self, actor: Actor) -> usage::UsageService {
        usage::UsageService {
            custody: Arc::clone(&self.0.custody),
            admission: Arc::clone(&self.0.admission),
            prices: Arc::clone(&self.0.prices),
            actor,
        }
    }

    /// The alerts, as this actor looks at them and answers them.
    #[must_use]
    pub fn alerts(&self, actor: Actor) -> alert::AlertService {
        alert::AlertService { alerts: Arc::clone(&self.0.alerts), actor }
    }

    /// Work on alerts that servers do beside requests.
    #[must_use]
    pub fn alert_work(&self) -> alert::AlertWork {
        alert::AlertWork { alerts: Arc::clone(&self.0.alerts) }
    }

    /// Leaks, as this actor handles them.
    #[must_use]
    pub fn leaks(&self, actor: Actor) -> leak::LeakService {
        leak::LeakService {
            custody: Arc::clone(&self.0.custody),
            admission: Arc::clone(&self.0.admission),
            credentials: self.credentials(actor.clone()),
            actor,
        }
    }

    /// The AI service, as this actor uses it.
    #[must_use]
    pub fn ai(&self, actor: Actor) -> ai::AiService {
        ai::AiService {
            calls: self.calls(actor),
            settings: Arc::clone(&self.0.settings),
            models: ai::Models::default(),
        }
    }

    /// Sessions of people in a browser, and the codes that begin them.
    #[must_use]
    pub fn sign_ins(&self) -> sign_in::SignInService {
        sign_in::SignInService { custody: Arc::clone(&self.0.custody), cache: Arc::clone(&self.0.cache) }
    }

    /// What has been written since.
    #[must_use]
    pub fn pulse(&self) -> pulse::PulseService {
        pulse::PulseService { custody: Arc::clone(&self.0.custody) }
    }

    /// The audit trail.
    #[must_use]
    pub fn audit(&self) -> audit::AuditService {
        audit::AuditService { custody: Arc::clone(&self.0.custody) }
    }

    /// The encryption keys.
    #[must_use]
    pub fn keys(&self) -> key::KeyService {
        key::KeyService { custody: Arc::clone(&self.0.custody), reseal: Arc::clone(&self.0.reseal) }
    }

    /// Backups, as this actor makes them.
    #[must_use]
    pub fn backups(&self, actor: Actor) -> backup::BackupService {
        backup::BackupService { custody: Arc::clone(&self.0.custody), actor }
    }
}

/// Authentication.
impl Strongroom {
    /// The actor that a token is.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated`, in the same words and on the same path for every reason.
    pub async fn authenticate(&self, token: &Secret) -> Result<Actor, Problem> {
        token::authenticate(&self.0.custody, &self.0.cache, token).await
    }

    /// The actor that an active user is.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated` for an unknown or disabled user, `Integrity` for a row that was changed.
    pub async fn authenticate_user(&self, id: UserId) -> Result<Actor, Problem> {
        user::authenticate(&self.0.custody, id).await
    }

    /// Mints the first admin token, once per database: of several nodes that start at once exactly one does.
    /// `given` is used in place of a fresh one.
    ///
    /// # Errors
    /// [`Problem`] when the given token has not the shape of one.
    pub async fn mint_first_token(&self, given: Option<Secret>) -> Result<Option<NewToken>, Problem> {
        token::mint_first(&self.0.custody, given).await
    }
}

/// The trail of what failed.
impl Strongroom {
    /// Commits an entry of its own: for what was denied or failed, and changed nothing.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be written.
    pub async fn note(
        &self,
        actor: &Actor,
        action: &str,
        target: Target,
        outcome: Outcome,
        detail: &serde_json::Value,
    ) -> Result<(), Problem> {
        self.0.custody.note(actor, action, target, outcome, detail).await
    }

    /// The target of a failed request: the credential, token or user that its path names, if it exists. A name that
    /// nothing has is not repeated, for it may be a secret in the wrong place.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read.
    pub async fn failed_target(
        &self,
        noun: &str,
        named: Option<(&'static str, String)>,
    ) -> Result<Target, Problem> {
        audit::failed_target(&self.0.custody, noun, named).await
    }
}

/// A server's jobs.
impl Strongroom {
    /// Says which replaced versions calls on this server still hold, and retires those that no server holds. Tells how
    /// many were retired.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn drain_versions(&self) -> Result<usize, Problem> {
        drain::drain_versions(&self.0.custody, &self.0.cache).await
    }

    /// Settles what servers hold whose lease has lapsed, as if it had been consumed: a call of theirs may have left. Tells
    /// how many servers that were. A command that runs for a moment never judges about others.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn recover_holds(&self) -> Result<usize, Problem> {
        admission::recover_holds(&self.0.custody).await
    }

    /// Asks providers again about keys that they refused, once their cooldown is over: with a call that spends nothing.
    /// Tells how many it asked about.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn recheck_health(&self) -> Result<usize, Problem> {
        health::recheck(&self.0.custody, &self.0.cache, &self.0.settings, &self.0.cooldowns).await
    }

    /// Writes down what limits refused and what is known against credentials, as far as it is not. Nothing rests on it but pages and
    /// alerts.
    ///
    /// # Errors
    /// [`Problem`]; it is tried again with the next.
    pub async fn write_observations(&self) -> Result<(), Problem> {
        limit::history::write_refusals(&self.0.custody).await?;
        health::write_down(&self.0.custody, &self.0.cooldowns).await
    }

    /// Tells whether a limit has counted or refused something within the last minutes.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn have_limits_moved(&self) -> Result<bool, Problem> {
        limit::history::have_moved(&self.0.custody).await
    }

    /// Notes where limits stand that have moved within the last minutes. Tells how many.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn sample_limits(&self) -> Result<usize, Problem> {
        limit::history::sample(&self.0.custody).await
    }

    /// Deletes samples of limits, refusals and changes of health that were kept for long enough.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn retire_observations(&self) -> Result<(), Problem> {
        limit::history::retire(&self.0.custody).await?;
        health::retire(&self.0.custody).await
    }

    /// Does a job that one server does for all and that is due at these intervals, if no other server has it. Tells whether it
    /// was this one. What it does has to do no harm when it is done twice.
    ///
    /// # Errors
    /// [`Problem`] of the job, or when it cannot be claimed.
    pub async fn run_claimed(
        &self,
        job: &str,
        every: Duration,
        work: impl Future<Output = Result<(), Problem>>,
    ) -> Result<bool, Problem> {
        job::run_claimed(&self.0.custody, job, every, work).await
    }

    /// Gives back the jobs of [`Strongroom::run_claimed`], so that other servers need not wait until they are due.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn release_jobs(&self) -> Result<(), Problem> {
        job::release(&self.0.custody).await
    }

    /// Tells whether an alert is to be told or sent, which is asked often: it only reads.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn has_alerts_to_tell(&self) -> Result<bool, Problem> {
        self.0.alerts.have_work().await
    }

    /// Tells whether something was to be told for so long that the server that has that job must be gone.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn are_alerts_overdue(&self) -> Result<bool, Problem> {
        self.0.alerts.are_overdue().await
    }

    /// Decides who is told of what was seen. Tells of how many incidents.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn fan_out_alerts(&self) -> Result<usize, Problem> {
        self.0.alerts.fan_out().await
    }

    /// Sends the alerts that are due. Tells how many messages.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn deliver_alerts(&self) -> Result<usize, Problem> {
        self.0.alerts.deliver().await
    }

    /// Writes down the limits that refused a use in this process. Tells how many.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn note_refusals(&self) -> Result<usize, Problem> {
        self.0.alerts.flush_refusals().await
    }

    /// Looks at limits, and at alerts that are to be told once more or are over. Tells how much there was.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn watch_limits(&self) -> Result<usize, Problem> {
        self.0.alerts.watch().await
    }

    /// Looks at how fast limits are used, what they come to, and what subjects spend by the hour. Tells how much there was.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn watch_figures(&self) -> Result<usize, Problem> {
        self.0.alerts.watch_figures().await
    }

    /// Looks at credentials that expire, are to be replaced or are not used. Tells how much there was.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn watch_credentials(&self) -> Result<usize, Problem> {
        self.0.alerts.watch_credentials().await
    }

    /// Everything that calls have consumed so far in this process is written down.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable` when the database cannot be written to.
    pub async fn settle_now(&self) -> Result<(), Problem> {
        self.0.admission.settle_now().await
    }
}

/// How it stands.
impl Strongroom {
    /// All credentials with their health, as this server has seen it.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn health(&self) -> Result<Vec<CredentialHealth>, Problem> {
        health::list(&self.credentials(Actor::system()), &self.0.cooldowns).await
    }

    /// What is known against credentials, by whichever server.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn known_health(&self) -> Result<health::KnownHealth, Problem> {
        health::known(&self.0.custody, &self.0.cooldowns).await
    }

    /// The number of credentials that are cooling down, by why, for metrics.
    #[must_use]
    pub fn health_counts(&self) -> [(FailureReason, u64); 4] {
        let now = self.0.cache.fresh_snapshot().map_or(Millis(0), |snapshot| snapshot.now);
        self.0.cooldowns.counts(now)
    }

    /// Opens and verifies everything that stands in the database. Nothing is counted or written down.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read.
    pub async fn prove(&self) -> Result<Proof, Problem> {
        backup::prove_database(&self.0.custody).await
    }

    /// The prices in use.
    #[must_use]
    pub fn prices(&self) -> &PriceTable {
        &self.0.prices
    }

    /// Counts of what happened in this process, for metrics.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.0.custody.counters
    }

    /// Tells whether keys from the environment may stand in.
    #[must_use]
    pub fn has_environment_fallback(&self) -> bool {
        self.0.settings.environment.is_enabled()
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn database(&self) -> &'static str {
        self.0.custody.store.backend().as_str()
    }

    /// The fingerprint of the master key that this process was given, the new one while it is being replaced.
    #[must_use]
    pub fn master_fingerprint(&self) -> &str {
        &self.0.custody.master_fingerprint
    }

    /// Tells whether the database answers, within seconds.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable`.
    pub async fn ping(&self) -> Result<(), Problem> {
        database_timeout::with_timeout(async { Ok(self.0.custody.store.read().await?.ping().await?) }).await
    }

    /// Tells whether the database could be written to when this process last did so, or tried to. Every key that is handed out and
    /// every call is written down, so that nothing is served where it could not.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.0.custody.write_health.are_refused()
    }

    /// Tells whether calls that have ended cannot be written into the ledger, again and again. They are kept in memory.
    #[must_use]
    pub fn is_ledger_stuck(&self) -> bool {
        self.0.custody.write_health.is_ledger_stuck()
    }

    /// The time by the database's clock.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable`.
    pub async fn now(&self) -> Result<Millis, Problem> {
        self.0.custody.now().await
    }

    /// From now on whoever asks is told that this process is about to end; it serves on until it is closed.
    pub fn begin_stopping(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Tells whether it is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Relaxed)
    }

    /// Closes the database. Other clones fail from then on.
    ///
    /// # Errors
    /// [`Problem`] when calls that have ended could not be written down: what they held counts as consumed.
    pub async fn close(&self) -> Result<(), Problem> {
        self.0.heartbeat.stop();
        self.0.reseal.stop();
        let settled = self.0.admission.close().await;
        if let Err(problem) = limit::history::write_refusals(&self.0.custody).await {
            tracing::warn!(code = problem.kind.code(), "failed to write down what limits refused");
        }
        if let Err(problem) = self.0.custody.write_repeats(true).await {
            tracing::error!(
                code = problem.kind.code(),
                "repeated failures could not be written to the audit trail"
            );
        }
        key::leave(&self.0.custody).await;
        self.0.custody.store.close().await;
        settled.map_err(|problem| {
            let lost = self.0.admission.unwritten();
            let message = format!(
                "{lost} calls that have ended could not be written into the ledger, or the database did not say that they \
                 were: {}; what they held counts as consumed in half a minute, and the records that are not there are lost",
                problem.message
            );
            Problem::new(problem.kind, message).caused_by(problem)
        })
    }
}
