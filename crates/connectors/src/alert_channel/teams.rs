//! Microsoft Teams: a workflow that is started by a webhook, with an Adaptive Card
//! (<https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>).

use serde_json::{Value, json};

use super::{Message, tone};

/// The largest message that Teams takes is 28 KB; our texts are cut well before.
const MAX_CHARACTERS: usize = 4000;

/// Runs of text, in which nothing is markup.
fn plain(text: &str, is_bold: bool) -> Value {
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    let weight = if is_bold { "Bolder" } else { "Default" };
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight }] })
}

pub(super) fn body(message: &Message) -> Value {
    let (word, _) = tone(message);
    let mut card = vec![plain(&format!("[{word}] {}", message.sentence), true)];
    card.extend(message.facts.iter().map(|(name, value)| plain(&format!("{name}: {value}"), false)));
    let actions: Vec<Value> = message
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Look at it", "url": link }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": card,
                "actions": actions,
            },
        }],
    })
}
