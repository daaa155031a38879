//! Versions of credentials, staged ones, and credentials that are deleted.

use http::Method;

use super::{Client, ClientError};
use crate::wire::credential::{Credential, HealthChange, ListHealthChanges, LiveTest};
use crate::wire::problem::Message;
use crate::wire::version::{
    CompareVersions, DeletedCredential, PromoteQuery, SetCanary, StageVersion, UnusedQuery, Version,
    VersionComparison,
};

const PATH: &str = "/api/admin/credentials";

impl Client {
    /// What became of a credential's health, the newest change first.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is no such credential.
    pub async fn list_health_changes(
        &self,
        id: i64,
        query: &ListHealthChanges,
    ) -> Result<Vec<HealthChange>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{id}/health")).query(query)?.fetch().await
    }

    /// All versions of a credential, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_versions(&self, id: i64) -> Result<Vec<Version>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{id}/versions")).fetch().await
    }

    /// Returns the differences between two versions.
    ///
    /// # Errors
    /// [`ClientError`]; not found when one is not there.
    pub async fn compare_versions(
        &self,
        id: i64,
        query: &CompareVersions,
    ) -> Result<VersionComparison, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{id}/versions/diff")).query(query)?.fetch().await
    }

    /// Brings the values of an older version back into use.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when that version is in use or its values are gone.
    pub async fn roll_back_credential(
        &self,
        id: i64,
        to: i64,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let path = format!("{PATH}/{id}/versions/{to}/rollback");
        self.draft(Method::POST, path).if_match(if_match)?.fetch().await
    }

    /// Erases the values of a version for good.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when that version is in use or its values are gone.
    pub async fn destroy_version(
        &self,
        id: i64,
        number: i64,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let path = format!("{PATH}/{id}/versions/{number}");
        self.draft(Method::DELETE, path).if_match(if_match)?.fetch().await
    }

    /// Asks the provider about one version.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn test_version(&self, id: i64, number: i64) -> Result<LiveTest, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/versions/{number}/test")).fetch().await
    }

    /// Stores a key that waits to come into use.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when one is staged already.
    pub async fn stage_version(
        &self,
        id: i64,
        body: &StageVersion,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let path = format!("{PATH}/{id}/versions");
        self.draft(Method::POST, path).body(body)?.if_match(if_match)?.fetch().await
    }

    /// Sends a share of the gateway's calls to the staged version.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when nothing is staged.
    pub async fn set_canary(
        &self,
        id: i64,
        body: &SetCanary,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let path = format!("{PATH}/{id}/canary");
        self.draft(Method::POST, path).body(body)?.if_match(if_match)?.fetch().await
    }

    /// Brings the staged version into use.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when nothing is staged.
    pub async fn promote_version(
        &self,
        id: i64,
        skip_test: bool,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let path = format!("{PATH}/{id}/promote");
        self.draft(Method::POST, path).query(&PromoteQuery { skip_test })?.if_match(if_match)?.fetch().await
    }

    /// Has the provider make a new key and brings it into use.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when nothing is set to mint with.
    pub async fn rotate_credential(&self, id: i64, if_match: Option<i64>) -> Result<Credential, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/rotate")).if_match(if_match)?.fetch().await
    }

    /// Takes the staged version back.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when nothing is staged.
    pub async fn abort_version(&self, id: i64, if_match: Option<i64>) -> Result<Credential, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/abort")).if_match(if_match)?.fetch().await
    }

    /// Credentials that are deleted and can be taken back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_deleted_credentials(&self) -> Result<Vec<DeletedCredential>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/deleted")).fetch().await
    }

    /// Takes a deletion back.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when the name is another's meanwhile.
    pub async fn undelete_credential(
        &self,
        id: i64,
        if_match: Option<i64>,
    ) -> Result<Credential, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/undelete")).if_match(if_match)?.fetch().await
    }

    /// Erases the values of a deleted credential for good.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn purge_credential(&self, id: i64, if_match: Option<i64>) -> Result<Message, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{id}/purge")).if_match(if_match)?.fetch().await
    }

    /// Credentials that were not used in so many days.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_unused_credentials(&self, days: i64) -> Result<Vec<Credential>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/unused")).query(&UnusedQuery { days })?.fetch().await
    }
}
