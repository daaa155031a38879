//! What strongroom does: credentials sealed in a database, handed out one counted use at a time, with an audit trail.
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

mod admission;
pub mod ai;
pub mod audit;
pub mod backup;
mod cache;
pub mod call;
mod canary;
pub mod credential;
mod custody;
mod database_timeout;
mod drain;
pub mod environment;
pub mod health;
pub mod key;
pub mod leak;
pub mod limit;
pub mod open;
pub mod prices;
mod supervision;
pub mod token;
pub mod usage;
pub mod user;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

pub use credential::{CredentialService, RevealedCredential};
pub use custody::Counters;
pub use custody::counters::Count;
pub use environment::Environment;
pub use open::{KeySource, Opened, Options};
pub use strongroom_connectors::endpoint_guard::EndpointGuard;
pub use strongroom_crypto::MasterKey;
pub use strongroom_model::credential::{
    Credential, CredentialFilter, CredentialPatch, NewCredential, Source,
};
pub use strongroom_model::price::PriceTable;
pub use strongroom_model::{
    Actor, Clock, CredentialId, Millis, Problem, ProblemKind, Provider, Role, Secret, UserId,
};
pub use strongroom_store::legacy_source as legacy;

use custody::Custody;

/// An open strongroom. Clones share everything.
#[derive(Debug, Clone)]
pub struct Strongroom(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    custody: Arc<Custody>,
    heartbeat: key::Heartbeat,
    reseal: key::ResealTask,
    environment: Environment,
    guard: EndpointGuard,
    reads: credential::ReadBatcher,
    admission: admission::AdmissionBatcher,
    cache: Arc<cache::Cache>,
    canaries: canary::Canaries,
    health: health::Health,
    prices: PriceTable,
    model_names: call::ModelNames,
    is_stopping: std::sync::atomic::AtomicBool,
    /// Versions of a credential that keep their values, and days in which a deleted one can be taken back.
    versions_kept: u32,
    recovery_days: u32,
    /// Turns taken, to spread calls over equals.
    turns: AtomicUsize,
}

impl Strongroom {
    /// The credentials, as this actor sees them.
    #[must_use]
    pub fn credentials(&self, actor: Actor) -> CredentialService {
        CredentialService { room: self.clone(), actor }
    }

    /// The tokens, as this actor manages them.
    #[must_use]
    pub fn tokens(&self, actor: Actor) -> token::TokenService {
        token::TokenService { room: self.clone(), actor }
    }

    /// The users, as this actor manages them.
    #[must_use]
    pub fn users(&self, actor: Actor) -> user::UserService {
        user::UserService { room: self.clone(), actor }
    }

    /// The audit trail.
    #[must_use]
    pub fn audit(&self) -> audit::AuditService {
        audit::AuditService { room: self.clone() }
    }

    /// The encryption keys.
    #[must_use]
    pub fn keys(&self) -> key::KeyService {
        key::KeyService { room: self.clone() }
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

    /// Whether keys from the environment may stand in.
    #[must_use]
    pub fn has_environment_fallback(&self) -> bool {
        self.0.environment.is_enabled()
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

    /// Whether the database answers, within seconds.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable`.
    pub async fn ping(&self) -> Result<(), Problem> {
        database_timeout::with_timeout(async { Ok(self.0.custody.store.read().await?.ping().await?) }).await
    }

    /// Whether the database could be written to when this process last did so, or tried to. Every key that is handed out and
    /// every call is written down, so that nothing is served where it could not.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.0.custody.write_health.are_refused()
    }

    /// Whether calls that have ended cannot be written into the ledger, again and again. They are kept in memory and tried
    /// on.
    #[must_use]
    pub fn is_ledger_stuck(&self) -> bool {
        self.0.custody.write_health.is_ledger_stuck()
    }

    /// The time by the database's clock.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable`.
    pub async fn now(&self) -> Result<Millis, Problem> {
        Ok(self.0.custody.store.read().await?.now().await?)
    }

    /// From now on whoever asks is told that this process is about to end; it serves on until it is closed.
    pub fn begin_stopping(&self) {
        self.0.is_stopping.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether it is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Closes the database. Other clones fail from then on.
    ///
    /// # Errors
    /// [`Problem`] when calls that have ended could not be written down: what they held counts as consumed, and their
    /// records are lost.
    pub async fn close(&self) -> Result<(), Problem> {
        self.0.heartbeat.stop();
        self.0.reseal.stop();
        let settled = self.0.admission.close().await;
        if let Err(problem) = key::leave(&self.0.custody).await {
            tracing::debug!(%problem, "failed to deregister node; peers consider it alive for another minute");
        }
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
