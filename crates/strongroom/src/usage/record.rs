//! Single records of usage, looked up: by an admin all of them, by everybody else their own.

use strongroom_model::{ActorKind, Problem, Uid};
use strongroom_store::usage_record;

use super::UsageService;

pub use strongroom_model::credential::Source;
pub use strongroom_store::usage::Kind;
pub use strongroom_store::usage_record::{FoundPage, FoundRecord, RecordFilter, Whose};

/// Records that somebody asks for, as people name things.
#[derive(Debug, Clone, Default)]
pub struct RecordQuery {
    /// The conditions, but for names.
    pub filter: RecordFilter,
    /// The name of the credential; its identity names one that was deleted.
    pub credential: Option<String>,
    /// Behind this record.
    pub before: Option<Uid>,
    /// At most so many.
    pub count: usize,
}

impl UsageService {
    /// The records that match, the newest first.
    ///
    /// # Errors
    /// [`Problem`] when there is no such credential.
    pub async fn records(&self, query: RecordQuery) -> Result<FoundPage, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let RecordQuery { mut filter, credential, before, count } = query;
        if let Some(name) = credential {
            filter.credential = Some(super::credential_named(&mut session, &name).await?);
        }
        Ok(usage_record::list(&mut session, &filter, before, count).await?)
    }

    /// The same of what the actor itself used.
    ///
    /// # Errors
    /// [`Problem`] when there is no such credential.
    pub async fn own_records(&self, query: RecordQuery) -> Result<FoundPage, Problem> {
        let filter = RecordFilter { whose: self.own(), ..query.filter };
        self.records(RecordQuery { filter, ..query }).await
    }

    /// The records of a request, by its id or by that of one of them, in the order of time.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn record(&self, id: Uid) -> Result<Vec<FoundRecord>, Problem> {
        self.records_of_request(id, &Whose::All).await
    }

    /// The same of a request of the actor's own.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn own_record(&self, id: Uid) -> Result<Vec<FoundRecord>, Problem> {
        self.records_of_request(id, &self.own()).await
    }

    async fn records_of_request(&self, id: Uid, whose: &Whose) -> Result<Vec<FoundRecord>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let found = usage_record::find(&mut session, id, whose).await?;
        if found.is_empty() {
            return Err(not_found());
        }
        Ok(found)
    }

    /// What is the actor's own: of a user all that was done for them, of a token what was done with this one.
    pub(crate) fn own(&self) -> Whose {
        match &self.actor.kind {
            ActorKind::User(id) => Whose::User(id.0),
            _ => Whose::Actor(self.actor.label()),
        }
    }
}

/// The problem of a request that has no record, or none that the caller may see.
#[must_use]
pub fn not_found() -> Problem {
    Problem::not_found("there is no usage record of this request")
}
