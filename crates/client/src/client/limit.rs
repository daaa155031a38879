//! Limits: setting, listing, changing, removing and testing them.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::limit::{
    ChangeLimit, Limit, LimitHistory, LimitsTest, SetLimit, ShowLimitHistory, TestLimits,
};
use crate::wire::problem::Message;

const PATH: &str = "/api/admin/limits";

impl Client {
    /// All limits.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_limits(&self) -> Result<Vec<Limit>, ClientError> {
        self.draft(Method::GET, PATH).fetch().await
    }

    /// Sets a limit; one for the same scope, unit and window gets the new amount.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_limit(&self, body: &SetLimit) -> Result<Limit, ClientError> {
        self.draft(Method::POST, PATH).body(body)?.fetch().await
    }

    /// The limit with this id.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn get_limit(&self, id: &str) -> Result<Limit, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{}", encode(id))).fetch().await
    }

    /// How a limit came to where it stands.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn limit_history(
        &self,
        id: &str,
        query: &ShowLimitHistory,
    ) -> Result<LimitHistory, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{}/history", encode(id))).query(query)?.fetch().await
    }

    /// Changes the amount of a limit.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn change_limit(&self, id: &str, amount: i64) -> Result<Limit, ClientError> {
        self.draft(Method::PATCH, format!("{PATH}/{}", encode(id)))
            .body(&ChangeLimit { amount })?
            .fetch()
            .await
    }

    /// Removes a limit.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn remove_limit(&self, id: &str) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/{}", encode(id))).fetch().await
    }

    /// Returns the limits that a call would meet.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn test_limits(&self, body: &TestLimits) -> Result<LimitsTest, ClientError> {
        self.draft(Method::POST, format!("{PATH}/test")).body(body)?.fetch().await
    }
}
