//! PagerDuty, Events API v2: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>.

use serde_json::{Value, json};
use strongroom_model::alert::{Level, Notice};

use super::Message;

/// The longest summary that it takes.
const MAX_CHARACTERS: usize = 1024;

pub(super) fn body(message: &Message, routing_key: &str) -> Value {
    let severity = match message.level {
        Level::Critical => "critical",
        Level::High => "error",
        Level::Warn => "warning",
        Level::Info => "info",
    };
    let action = match message.notice {
        Notice::Firing | Notice::Reminder => "trigger",
        Notice::Resolved => "resolve",
    };
    // A message about several incidents has a key of its own, for none of them ends it.
    let key = match message.incidents.as_slice() {
        [one] if message.more == 0 => &one.incident,
        _ => &message.id,
    };
    let summary: String = message.sentence.chars().take(MAX_CHARACTERS).collect();
    let details: serde_json::Map<String, Value> =
        message.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let links: Vec<Value> =
        message.link.iter().map(|link| json!({ "href": link, "text": "Look at it" })).collect();
    json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": key,
        "payload": {
            "summary": summary,
            "source": "strongroom",
            "severity": severity,
            "class": message.event_type,
            "custom_details": details,
        },
        "links": links,
    })
}
