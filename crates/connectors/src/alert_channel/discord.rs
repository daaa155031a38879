//! Discord: <https://docs.discord.com/developers/resources/webhook#execute-webhook>.

use serde_json::{Value, json};

use super::{Message, tone};

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\*_~`|[]()<>@#:".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

pub(super) fn body(message: &Message) -> Value {
    let (word, color) = tone(message);
    let fields: Vec<Value> = message
        .facts
        .iter()
        .take(25)
        .map(|(name, value)| json!({ "name": name, "value": escaped(value), "inline": true }))
        .collect();
    let text: String = escaped(&message.sentence).chars().take(4000).collect();
    let mut embed = json!({ "title": word, "description": text, "color": color, "fields": fields });
    if let Some(link) = &message.link {
        embed["url"] = json!(link);
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}
