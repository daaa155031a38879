//! Alerts: looking at them, answering them, and managing whom they are told.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::alert::{
    AcknowledgeAlert, Alert, AlertChannel, AlertChannelTest, AlertDelivery, AlertDetails, AlertRoutes,
    AlertRule, AlertRuleTest, ListAlerts, ListDeliveries, ListSilences, MakeAlertChannel, MakeSilence,
    SetAlertRule, Silence, TestAlertRule, UpdateAlertChannel,
};
use crate::wire::problem::Message;

const PATH: &str = "/api/admin/alerts";

impl Client {
    /// Alerts, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_alerts(&self, query: &ListAlerts) -> Result<Vec<Alert>, ClientError> {
        self.draft(Method::GET, PATH).query(query)?.fetch().await
    }

    /// The alert with this id, and what was sent of it.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn get_alert(&self, id: &str) -> Result<AlertDetails, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{}", encode(id))).fetch().await
    }

    /// Takes an alert upon oneself.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn acknowledge_alert(&self, id: &str, body: &AcknowledgeAlert) -> Result<Alert, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{}/acknowledge", encode(id))).body(body)?.fetch().await
    }

    /// Ends an alert by hand.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn resolve_alert(&self, id: &str) -> Result<Alert, ClientError> {
        self.draft(Method::POST, format!("{PATH}/{}/resolve", encode(id))).fetch().await
    }

    /// Silences.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_silences(&self, query: &ListSilences) -> Result<Vec<Silence>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/silences")).query(query)?.fetch().await
    }

    /// Has nobody told of some alerts for a while.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn make_silence(&self, body: &MakeSilence) -> Result<Silence, ClientError> {
        self.draft(Method::POST, format!("{PATH}/silences")).body(body)?.fetch().await
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn end_silence(&self, id: &str) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/silences/{}", encode(id))).fetch().await
    }

    /// The rules that somebody has set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_alert_rules(&self) -> Result<Vec<AlertRule>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/rules")).fetch().await
    }

    /// Sets thresholds of limits.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_alert_rule(&self, body: &SetAlertRule) -> Result<AlertRule, ClientError> {
        self.draft(Method::POST, format!("{PATH}/rules")).body(body)?.fetch().await
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove_alert_rule(&self, id: &str) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/rules/{}", encode(id))).fetch().await
    }

    /// Tells what thresholds would have done.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn test_alert_rule(&self, body: &TestAlertRule) -> Result<AlertRuleTest, ClientError> {
        self.draft(Method::POST, format!("{PATH}/rules/test")).body(body)?.fetch().await
    }

    /// All channels.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_alert_channels(&self) -> Result<Vec<AlertChannel>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/channels")).fetch().await
    }

    /// Makes a channel.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn make_alert_channel(&self, body: &MakeAlertChannel) -> Result<AlertChannel, ClientError> {
        self.draft(Method::POST, format!("{PATH}/channels")).body(body)?.fetch().await
    }

    /// Turns a channel off or on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn update_alert_channel(
        &self,
        name: &str,
        body: &UpdateAlertChannel,
    ) -> Result<AlertChannel, ClientError> {
        self.draft(Method::PATCH, format!("{PATH}/channels/{}", encode(name))).body(body)?.fetch().await
    }

    /// Removes a channel.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove_alert_channel(&self, name: &str) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/channels/{}", encode(name))).fetch().await
    }

    /// Sends a message that says that it is a test.
    ///
    /// # Errors
    /// [`ClientError`]; that the channel did not take it is no error but an answer.
    pub async fn test_alert_channel(&self, name: &str) -> Result<AlertChannelTest, ClientError> {
        self.draft(Method::POST, format!("{PATH}/channels/{}/test", encode(name))).fetch().await
    }

    /// Replaces the secret of a webhook by a new one, which comes with the answer this once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate_alert_channel_secret(&self, name: &str) -> Result<AlertChannel, ClientError> {
        self.draft(Method::POST, format!("{PATH}/channels/{}/rotate-secret", encode(name))).fetch().await
    }

    /// The routes, in the order in which they are asked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_alert_routes(&self) -> Result<AlertRoutes, ClientError> {
        self.draft(Method::GET, format!("{PATH}/routes")).fetch().await
    }

    /// Puts these in the place of all routes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_alert_routes(&self, body: &AlertRoutes) -> Result<AlertRoutes, ClientError> {
        self.draft(Method::POST, format!("{PATH}/routes")).body(body)?.fetch().await
    }

    /// What was sent or is to be sent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_alert_deliveries(
        &self,
        query: &ListDeliveries,
    ) -> Result<Vec<AlertDelivery>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/deliveries")).query(query)?.fetch().await
    }

    /// Has a message that was given up be tried again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn retry_alert_delivery(&self, id: &str) -> Result<AlertDelivery, ClientError> {
        self.draft(Method::POST, format!("{PATH}/deliveries/{}/retry", encode(id))).fetch().await
    }
}
