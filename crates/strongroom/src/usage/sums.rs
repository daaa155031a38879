//! Sums of usage, as people ask for them: by one or two dimensions, under conditions, beside the period before.

use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::usage_sums;

use super::UsageService;

pub use strongroom_store::usage_record::Whose;
pub use strongroom_store::usage_sums::{Dim, GroupSums, SumsFilter, SumsQuery};

/// Groups of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The credential's name, of a deleted one with the beginning of its identity, as `openai-primary (deleted, 63818d8e)`: another
    /// one may have its name by now. Empty for the environment.
    Credential,
    /// The same with the number of the version, as `openai-primary v3`; empty for the environment.
    Version,
    /// The provider.
    Provider,
    /// The provider's name of the model; empty for keys that were handed out.
    Model,
    /// The public id of the token; what others than tokens did is left out.
    Token,
    /// The user's number; empty for those without one.
    User,
    /// The first instant of the day.
    Day,
}

/// Sums of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// The group.
    pub group_key: String,
    /// Requests of clients.
    pub client_requests: i64,
    /// How often keys were used for it.
    pub requests: i64,
    /// Those that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
    /// The cost as far as it is known, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// Records of which no price is known.
    pub unpriced: i64,
}

/// Sums of a day and of a series within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySums {
    /// The first instant of the day.
    pub day_start_ms: i64,
    /// The provider, or the model.
    pub series: String,
    /// What clients asked for.
    pub client_requests: i64,
    /// How often keys were used for it.
    pub requests: i64,
    /// Those that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// What is known of the cost, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// Records of which no price is known.
    pub unpriced: i64,
}

impl From<GroupBy> for Dim {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Credential => Self::Credential,
            GroupBy::Version => Self::Version,
            GroupBy::Provider => Self::Provider,
            GroupBy::Model => Self::Model,
            GroupBy::Token => Self::Token,
            GroupBy::User => Self::User,
            GroupBy::Day => Self::Day,
        }
    }
}

impl From<GroupSums> for Sums {
    fn from(GroupSums { group_key, figures, .. }: GroupSums) -> Self {
        Self {
            group_key,
            client_requests: figures.client_requests,
            requests: figures.requests,
            errors: figures.errors_client.saturating_add(figures.errors_provider),
            input_tokens: figures.input_tokens,
            cached_input_tokens: figures.cached_input_tokens,
            output_tokens: figures.output_tokens,
            reasoning_tokens: figures.reasoning_tokens,
            cost_nano_usd: figures.cost_nano_usd,
            unpriced: figures.unpriced,
        }
    }
}

impl From<GroupSums> for DaySums {
    fn from(GroupSums { group_key, split_key, figures }: GroupSums) -> Self {
        Self {
            day_start_ms: group_key.parse().unwrap_or(0),
            series: split_key,
            client_requests: figures.client_requests,
            requests: figures.requests,
            errors: figures.errors_client.saturating_add(figures.errors_provider),
            cost_nano_usd: figures.cost_nano_usd,
            unpriced: figures.unpriced,
        }
    }
}

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
    /// Sums of the days (UTC) that begin within `[from, to)`.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn sums(&self, by: GroupBy, from: Millis, to: Millis) -> Result<Vec<Sums>, Problem> {
        let groups = self.groups(SumsRequest::new(by.into(), from, to)).await?;
        Ok(groups.into_iter().map(Sums::from).collect())
    }

    /// Sums what the actor itself used on the days that begin within `[from, to)`, by provider.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn own_sums(&self, from: Millis, to: Millis) -> Result<Vec<Sums>, Problem> {
        let groups = self.own_groups(SumsRequest::new(Dim::Provider, from, to)).await?;
        Ok(groups.into_iter().map(Sums::from).collect())
    }

    /// Sums of the days that begin within `[from, to)`, by provider, in the order of time.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn days_by_provider(&self, from: Millis, to: Millis) -> Result<Vec<DaySums>, Problem> {
        self.days(Dim::Provider, SumsFilter::default(), from, to).await
    }

    /// Sums of the days that begin within `[from, to)` of what was done with a credential, by model, in the order of time.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn days_of_credential(
        &self,
        credential: Uid,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<DaySums>, Problem> {
        let filter = SumsFilter { credential: Some(credential), ..SumsFilter::default() };
        self.days(Dim::Model, filter, from, to).await
    }

    async fn days(
        &self,
        series: Dim,
        filter: SumsFilter,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<DaySums>, Problem> {
        let mut request = SumsRequest::new(Dim::Day, from, to);
        (request.query.split, request.query.filter) = (Some(series), filter);
        let mut days: Vec<DaySums> = self.groups(request).await?.into_iter().map(DaySums::from).collect();
        // Days are ordered as texts by the database.
        days.sort_by_key(|day| day.day_start_ms);
        Ok(days)
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
