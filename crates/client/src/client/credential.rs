//! Credentials: making, listing, changing, testing and deleting them.

use http::Method;

use super::page::PAGE_SIZE;
use super::{Client, ClientError, Page};
use crate::wire::credential::{
    CreateCredential, Credential, ListCredentials, TestQuery, TestResult, UpdateCredential,
};
use crate::wire::problem::Message;

const PATH: &str = "/api/admin/credentials";

impl Client {
    /// One page of the credentials that match. Without a `limit` the list is whole.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_credentials(&self, query: &ListCredentials) -> Result<Page<Credential>, ClientError> {
        Page::read(&self.draft(Method::GET, PATH).query(query)?.send().await?)
    }

    /// All credentials that match, fetched page by page.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn all_credentials(&self, mut query: ListCredentials) -> Result<Vec<Credential>, ClientError> {
        query.limit = Some(PAGE_SIZE);
        let mut all = Vec::new();
        loop {
            let page = self.list_credentials(&query).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// The credential with exactly this name, if there is one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn find_credential(&self, name: &str) -> Result<Option<Credential>, ClientError> {
        let query = ListCredentials { name: Some(name.to_owned()), ..ListCredentials::default() };
        let found = self.list_credentials(&query).await?.items;
        Ok(found.into_iter().find(|credential| credential.name == name))
    }

    /// The credential with this id.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn get_credential(&self, id: i64) -> Result<Credential, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{id}")).fetch().await
    }

    /// Makes a credential. Sent twice with the same idempotency key, it is made once.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when the name is taken.
    pub async fn create_credential(
        &self,
        body: &CreateCredential,
        idempotency_key: Option<&str>,
    ) -> Result<Credential, ClientError> {
        let draft = self.draft(Method::POST, PATH).body(body)?;
        draft.header("idempotency-key", idempotency_key.map(str::to_owned))?.fetch().await
    }

    /// Changes a credential; with `if_match` only when it still has that revision.
    ///
    /// # Errors
    /// [`ClientError`]; precondition failed when the revision has passed.
    pub async fn update_credential(
        &self,
        id: i64,
        body: &UpdateCredential,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        self.draft(Method::PATCH, format!("{PATH}/{id}")).body(body)?.if_match(if_match)?.fetch().await
    }

    /// Deletes a credential; with `if_match` only when it still has that revision.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_credential(&self, id: i64, if_match: Option<i64>) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/{id}")).if_match(if_match)?.fetch().await
    }

    /// Tells how a credential stands; `live` also asks its provider. Counts no use.
    ///
    /// # Errors
    /// [`ClientError`]; limit reached when no use is left this month.
    pub async fn test_credential(&self, id: i64, live: bool) -> Result<TestResult, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/test")).query(&TestQuery { live })?.fetch().await
    }

    /// Starts this month's counters again from zero.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reset_monthly_usage(&self) -> Result<Message, ClientError> {
        self.draft(Method::POST, format!("{PATH}/reset-monthly-usage")).fetch().await
    }
}
