//! Slack: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use serde_json::{Value, json};

use super::{Message, tone};

/// The longest plain text of a block (<https://docs.slack.dev/reference/block-kit/blocks/section-block>).
const MAX_CHARACTERS: usize = 2900;

/// A text in which nothing mentions anybody or links anywhere.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text that is shown as it is, without markup.
fn plain(text: &str) -> Value {
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

pub(super) fn body(message: &Message) -> Value {
    let (word, _) = tone(message);
    let sentence = format!("[{word}] {}", message.sentence);
    let mut blocks = vec![json!({ "type": "section", "text": plain(&sentence) })];
    let fields: Vec<Value> =
        message.facts.iter().take(10).map(|(name, value)| plain(&format!("{name}: {value}"))).collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    if let Some(link) = &message.link {
        let button = json!({ "type": "button", "text": plain("Look at it"), "url": link });
        blocks.push(json!({ "type": "actions", "elements": [button] }));
    }
    json!({ "text": escaped(&sentence), "unfurl_links": false, "unfurl_media": false, "blocks": blocks })
}
