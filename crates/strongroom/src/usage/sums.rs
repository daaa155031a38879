//! Sums of usage, as people ask for them: by one or two dimensions, under conditions, beside the period before.

use strongroom_model::{Millis, Problem};
use strongroom_store::usage_sums;

use super::UsageService;

pub use strongroom_store::usage_figures::Figures;
pub use strongroom_store::usage_record::Whose;
pub use strongroom_store::usage_sums::{Dim, GroupSums, SumsFilter, SumsQuery};

/// Sums that somebody asks for, as people name things.
#[derive(Debug, Clone)]
pub struct SumsRequest {
    /// What is asked for, but for names.
    pub query: SumsQuery,
    /// The name of the credential; its identity names one that was deleted.
    pub credential: Option<String>,
}

impl SumsRequest {
    /// Sums of all that was used on the days that begin within `[from, to)`.
    #[must_use]
    pub fn new(by: Dim, from: Millis, to: Millis) -> Self {
        let query = SumsQuery { by, split: None, filter: SumsFilter::default(), from, to };
        Self { query, credential: None }
    }
}

impl UsageService {
    /// Sums of the days (UTC) that begin within `[from, to)`, by one dimension.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn sums(&self, by: Dim, from: Millis, to: Millis) -> Result<Vec<GroupSums>, Problem> {
        self.groups(SumsRequest::new(by, from, to)).await
    }

    /// The sum of everything on the days that begin within `[from, to)`.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn total(&self, from: Millis, to: Millis) -> Result<Figures, Problem> {
        let groups = self.sums(Dim::Nothing, from, to).await?;
        Ok(groups.into_iter().next().map(|all| all.figures).unwrap_or_default())
    }

    /// Sums what the actor itself used on the days that begin within `[from, to)`, by provider.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn own_sums(&self, from: Millis, to: Millis) -> Result<Vec<GroupSums>, Problem> {
        self.own_groups(SumsRequest::new(Dim::Provider, from, to)).await
    }

    /// Sums by the groups that are asked for.
    ///
    /// # Errors
    /// [`Problem`] when there is no such credential.
    pub async fn groups(&self, request: SumsRequest) -> Result<Vec<GroupSums>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let SumsRequest { mut query, credential } = request;
        if let Some(name) = credential {
            query.filter.credential = Some(super::credential_named(&mut session, &name).await?);
        }
        Ok(usage_sums::of_days(&mut session, &query).await?)
    }

    /// The same of what the actor itself used.
    ///
    /// # Errors
    /// [`Problem`] when there is no such credential.
    pub async fn own_groups(&self, mut request: SumsRequest) -> Result<Vec<GroupSums>, Problem> {
        request.query.filter.whose = self.own();
        self.groups(request).await
    }
}
