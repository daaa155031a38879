//! The credential service: reads that programs make, and what admins do with credentials.

mod change;
mod create;
mod delete;
mod fallen_canary;
mod from_environment;
mod import;
mod new_place;
mod offboard;
mod read;
mod read_batcher;
mod recovery;
mod reminder;
mod reset;
mod reveal;
mod revealed;
mod rotate;
mod stage;
mod test;
mod update;
mod version;
pub(crate) mod visibility;

use std::sync::Arc;

use strongroom_crypto::random;
use strongroom_model::audit::Target;
use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::limit::{LimitScope, RateLimitStatus, Unit, Window};
use strongroom_model::page::Page;
use strongroom_model::{Actor, CredentialId, Millis, Problem, ProblemKind, month};
use strongroom_store::StoreError;
use strongroom_store::limit::LimitChange;

pub(crate) use read_batcher::ReadBatcher;

pub use create::{Created, Once};
pub use import::{ImportOptions, ImportRow, Imported, Imports};
pub(crate) use offboard::used_here;
pub use offboard::{Offboarding, Standing};
pub use reminder::Due;
pub use reveal::RevealReason;
pub use revealed::RevealedCredential;
pub use stage::VersionProbe;
pub use test::TestReport;
pub use version::{Comparison, Difference, SameKey};

pub use crate::custody::version_facts::ChangedVersion;

use crate::admission::AdmissionBatcher;
use crate::cache::Cache;
use crate::custody::Custody;
use crate::settings::Settings;

/// The credentials, as one actor sees them.
#[derive(Debug, Clone)]
pub struct CredentialService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    pub(crate) reads: Arc<ReadBatcher>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) actor: Actor,
}

/// How often a change starts over when another one was faster.
const ATTEMPTS: usize = 8;
/// The limit on a credential's requests a month, as it is to be.
fn monthly_limit(scope: &LimitScope, amount: Option<i64>, at: Millis) -> LimitChange<'_> {
    LimitChange { scope, unit: Unit::Requests, window: Window::Month, amount, uid: random::uid(), at }
}

fn target(credential: &Credential) -> Target {
    Target::named("credential", credential.uid, &credential.name)
}

fn taken(error: StoreError) -> Problem {
    match error {
        StoreError::Taken(_) => Problem {
            field: Some("name".into()),
            ..Problem::conflict("a credential of that name is already there")
        },
        StoreError::Dangling(_) => Problem::invalid("userId", "there is no such user"),
        other => other.into(),
    }
}

fn passed() -> Problem {
    Problem::new(
        ProblemKind::PreconditionFailed,
        "the credential was changed meanwhile: read it again and repeat the change with its new revision",
    )
}

fn not_found() -> Problem {
    Problem::not_found("Credential not found")
}

impl CredentialService {
    /// All credentials, by id.
    ///
    /// ```
    /// # use strongroom::{Actor, NewCredential, Options, Provider, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let database = format!("sqlite:{}", folder.path().join("strongroom.db").display());
    /// # let room = Strongroom::open(Options::new(database, strongroom::MasterKey::generate().to_hex())).await?;
    /// # let service = room.credentials(Actor::library());
    /// # let mut new = NewCredential::new("gemini-primary", Provider::parse("gemini")?, "AIzaSy0123456789");
    /// # new.rate_limit = Some(10);
    /// # service.create(new).await?;
    /// # for _ in 0..9 { service.get_credential("gemini-primary", None).await?; }
    /// let threshold = 0.8; // 80 % of the limit
    /// let mut warnings = Vec::new();
    /// for credential in service.list_credentials().await? {
    ///     let Some(limit) = credential.rate_limit.filter(|limit| *limit > 0) else { continue };
    ///     let usage = credential.current_month_usage as f64 / limit as f64;
    ///     if usage > threshold {
    ///         warnings.push(format!("{} at {:.0}% of rate limit", credential.name, usage * 100.0));
    ///     }
    /// }
    /// assert_eq!(warnings, ["gemini-primary at 90% of rate limit"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list_credentials(&self) -> Result<Vec<Credential>, Problem> {
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let page =
                self.list(&CredentialFilter::default(), after, strongroom_model::page::MAX_LIMIT).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    /// A page of credentials behind the one with the id `after`: by id, or with a name prefix by name.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(
        &self,
        filter: &CredentialFilter,
        after: i64,
        limit: i64,
    ) -> Result<Page<Credential>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let found = strongroom_store::credential::list(&mut session, filter, after, limit + 1, now).await?;
        Ok(Page::cut(found, limit, |credential| credential.id.0))
    }

    /// The metadata of a credential.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn require(&self, id: CredentialId) -> Result<Credential, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        strongroom_store::credential::get(&mut session, id, now).await?.ok_or_else(not_found)
    }

    /// Tells whether one more use of a credential is within its monthly limit. Counts nothing.
    ///
    /// ```
    /// # use strongroom::{Actor, NewCredential, Options, Provider, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let database = format!("sqlite:{}", folder.path().join("strongroom.db").display());
    /// # let room = Strongroom::open(Options::new(database, strongroom::MasterKey::generate().to_hex())).await?;
    /// # let service = room.credentials(Actor::library());
    /// let mut new = NewCredential::new("openai-primary", Provider::parse("openai")?, "sk-0123456789");
    /// new.rate_limit = Some(1);
    /// let credential = service.create(new).await?;
    /// assert!(service.check_rate_limit(credential.id).await?);
    /// service.get_credential("openai-primary", None).await?;
    /// assert!(!service.check_rate_limit(credential.id).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn check_rate_limit(&self, id: CredentialId) -> Result<bool, Problem> {
        let credential = self.require(id).await?;
        // Whether a use is allowed does not depend on when the month ends.
        Ok(credential.rate_limit_status(strongroom_model::Millis(0)).allowed())
    }

    /// Where a credential stands against its monthly limit, by name, within the actor's reach.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `Denied`.
    pub async fn rate_limit_status(&self, name: &str) -> Result<RateLimitStatus, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let found = strongroom_store::credential::get_by_name(&mut session, name, now).await?;
        let credential = visibility::within_reach(&self.actor, found.as_ref())?
            .filter(|it| it.is_served())
            .ok_or_else(not_found)?;
        Ok(credential.rate_limit_status(month::next(now)))
    }
}
