//! Webhooks as Standard Webhooks says: <https://github.com/standard-webhooks/standard-webhooks>.

use http::{HeaderMap, HeaderValue};
use serde_json::json;
use strongroom_crypto::alert_channel::webhook_signature;
use strongroom_model::Secret;

use super::Message;

/// Headers and body of a message.
pub(super) fn request(message: &Message, secrets: &[Secret]) -> (HeaderMap, String) {
    let data = match message.incidents.as_slice() {
        [one] if message.more == 0 => json!(one),
        some => {
            let count = i64::try_from(some.len()).unwrap_or(i64::MAX).saturating_add(message.more);
            json!({ "count": count, "level": message.level.as_str(), "incidents": some })
        }
    };
    let body = json!({ "type": message.event_type, "timestamp": message.at, "text": message.sentence, "data": data });
    let body = body.to_string();
    let timestamp = message.at.0.div_euclid(1000);
    let signature = webhook_signature(secrets, &message.id, timestamp, &body);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", message.id.as_str()),
        ("webhook-timestamp", &timestamp.to_string()),
        ("webhook-signature", &signature),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    (headers, body)
}
