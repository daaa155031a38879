//! Values of a request that decide its price beside its tokens. A word that is not known has no price.

use serde::Deserialize;
use strongroom_model::usage::{AskedFor, Geography, Tier, Unpriced, Use};

use super::rule::{Effect, Field, Object, Rule, bytes, field, window};

const WINDOW: Effect = Effect::Window;
const LONGEST: Effect = Effect::Longest;
const LOOP: Effect = Effect::Loop;

/// The prompt may hold audio.
pub(super) const HEARD: Effect = Effect::Priced(AskedFor::AudioInput, &WINDOW);
/// The answer may hold audio.
pub(super) const SPOKEN: Effect = Effect::Priced(AskedFor::AudioOutput, &LONGEST);
/// The answer may hold images.
pub(super) const PICTURED: Effect = Effect::Priced(AskedFor::ImageOutput, &LONGEST);
/// A tool of Google's, which searches within one run of the model as often as that likes.
pub(super) const GOOGLE_SEARCH: Effect = Effect::Priced(AskedFor::Uses(Use::SearchQuery, None), &WINDOW);
pub(super) const GOOGLE_MAPS: Effect = Effect::Priced(AskedFor::Uses(Use::MapsPrompt, None), &WINDOW);
/// A tool of OpenAI's, as often as `max_tool_calls` lets it.
pub(super) const WEB_SEARCH: Effect = Effect::Priced(AskedFor::Uses(Use::WebSearch, None), &LOOP);
pub(super) const WEB_SEARCH_PREVIEW: Effect =
    Effect::Priced(AskedFor::Uses(Use::WebSearchPreview, None), &LOOP);
pub(super) const FILE_SEARCH: Effect = Effect::Priced(AskedFor::Uses(Use::FileSearch, None), &LOOP);
/// Its container is billed by the minute.
pub(super) const CODE_SESSION: Effect = Effect::Priced(AskedFor::Unpriced(Unpriced::CodeSession), &LOOP);
/// Pages that OpenRouter has read by a service of its own: <https://openrouter.ai/docs/features/multimodal/pdfs>.
pub(super) const FILE_PARSER: Effect = Effect::Priced(AskedFor::Unpriced(Unpriced::OtherUse), &WINDOW);

/// `service_tier` of OpenAI, Groq and OpenRouter, and Gemini's `serviceTier`:
/// <https://platform.openai.com/docs/api-reference/responses/create#responses_create-service_tier>,
/// <https://console.groq.com/docs/service-tiers>, <https://openrouter.ai/docs/guides/features/service-tiers>,
/// <https://ai.google.dev/gemini-api/docs/optimization>.
fn tier(word: &str) -> Option<AskedFor> {
    // Google writes some of its words in capitals.
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["", "default", "standard", "on_demand", "unspecified", "service_tier_unspecified"]) {
        None
    } else if word == "auto" {
        // What the project is set to.
        Some(AskedFor::AnyTier)
    } else if is(&["flex"]) {
        Some(AskedFor::Tier(Tier::Flex))
    } else if is(&["priority", "fast"]) {
        Some(AskedFor::Tier(Tier::Priority))
    } else if is(&["ultrafast"]) {
        Some(AskedFor::Tier(Tier::Ultrafast))
    } else {
        Some(AskedFor::Unpriced(Unpriced::Tier))
    }
}

/// Anthropic's `service_tier`; `auto` is what every call has:
/// <https://platform.claude.com/docs/en/api/service-tiers>.
fn anthropic_tier(word: &str) -> Option<AskedFor> {
    match word {
        "auto" | "standard_only" => None,
        _ => Some(AskedFor::Unpriced(Unpriced::Tier)),
    }
}

/// <https://platform.claude.com/docs/en/build-with-claude/fast-mode>
fn speed(word: &str) -> Option<AskedFor> {
    match word {
        "standard" => None,
        "fast" => Some(AskedFor::Tier(Tier::Fast)),
        _ => Some(AskedFor::Unpriced(Unpriced::Tier)),
    }
}

/// <https://platform.claude.com/docs/en/manage-claude/data-residency>
fn place(word: &str) -> Option<AskedFor> {
    match word {
        "global" => Some(AskedFor::Geography(Geography::Global)),
        "us" => Some(AskedFor::Geography(Geography::Us)),
        _ => Some(AskedFor::Unpriced(Unpriced::Geography)),
    }
}

/// Tells whether a `cache_control` may have the prompt kept for longer than the usual five minutes, at a higher price:
/// <https://platform.claude.com/docs/en/build-with-claude/prompt-caching#1-hour-cache-duration>.
pub(super) fn may_keep_for_long(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct CacheControl {
        #[serde(default)]
        ttl: Option<String>,
    }
    let read: Result<CacheControl, _> = serde_json::from_slice(json);
    read.map_or(true, |control| control.ttl.is_some_and(|ttl| ttl != "5m"))
}

/// The media type of what a prompt holds; video may have a sound track.
fn media_type(word: &str) -> Option<AskedFor> {
    let is_silent = ["image/", "text/", "application/"]
        .iter()
        .any(|start| word.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)));
    (!is_silent).then_some(AskedFor::AudioInput)
}

/// `ttl` of OpenAI's `prompt_cache_options`: <https://platform.openai.com/docs/guides/prompt-caching>.
fn lifetime(word: &str) -> Option<AskedFor> {
    (word != "30m").then_some(AskedFor::LongCache)
}

/// OpenRouter's `usage`, which asks for the cost:
/// <https://openrouter.ai/docs/use-cases/usage-accounting>.
pub(super) const COST: Rule = Rule::Any(Effect::Priced(AskedFor::Cost, &Effect::Bytes));
pub(super) const LIFETIME: Rule = Rule::Term(lifetime);
pub(super) const TIER: Rule = Rule::Term(tier);
pub(super) const ANTHROPIC_TIER: Rule = Rule::Term(anthropic_tier);
pub(super) const SPEED: Rule = Rule::Term(speed);
pub(super) const PLACE: Rule = Rule::Term(place);

/// Gemini's `Blob`: <https://ai.google.dev/api/caching#Blob>.
pub(super) static BLOB: Object = Object { without: Some((&["mimeType"], HEARD)), fields: BLOB_FIELDS };
const BLOB_FIELDS: &[Field] =
    &[field("mimeType", Rule::Term(media_type)), window("data"), bytes("displayName")];
/// Gemini's `FileData`. What stands at an address is not what the caller calls it: a video of YouTube is heard whatever its
/// media type is said to be: <https://ai.google.dev/gemini-api/docs/video-understanding#youtube>.
pub(super) static FILE_DATA: Object =
    Object { without: Some((&["fileUri"], HEARD)), fields: FILE_DATA_FIELDS };
const FILE_DATA_FIELDS: &[Field] =
    &[bytes("mimeType"), field("fileUri", Rule::Any(HEARD)), bytes("displayName")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_ask_for_what_providers_bill_by_them() {
        for (word, asked) in [
            ("default", None),
            ("on_demand", None),
            ("STANDARD", None),
            ("auto", Some(AskedFor::AnyTier)),
            ("flex", Some(AskedFor::Tier(Tier::Flex))),
            ("priority", Some(AskedFor::Tier(Tier::Priority))),
            ("PRIORITY", Some(AskedFor::Tier(Tier::Priority))),
            ("fast", Some(AskedFor::Tier(Tier::Priority))),
            ("ultrafast", Some(AskedFor::Tier(Tier::Ultrafast))),
            ("scale", Some(AskedFor::Unpriced(Unpriced::Tier))),
            ("performance", Some(AskedFor::Unpriced(Unpriced::Tier))),
        ] {
            assert_eq!(tier(word), asked, "{word}");
        }
        assert_eq!([anthropic_tier("auto"), anthropic_tier("standard_only")], [None; 2]);
        assert_eq!(speed("fast"), Some(AskedFor::Tier(Tier::Fast)));
        assert_eq!(place("us"), Some(AskedFor::Geography(Geography::Us)));
        for odd in [anthropic_tier("priority"), speed("warp"), place("moon")] {
            assert!(matches!(odd, Some(AskedFor::Unpriced(_))));
        }
        for (word, may_be_heard) in [
            ("image/png", false),
            ("application/pdf", false),
            ("Text/plain", false),
            ("audio/mp3", true),
            ("", true),
        ] {
            assert_eq!(media_type(word).is_some(), may_be_heard, "{word}");
        }
        assert!(media_type("video/mp4").is_some());
        assert_eq!([lifetime("30m"), lifetime("12h")], [None, Some(AskedFor::LongCache)]);
        for (control, is_long) in [
            (r#"{"type":"ephemeral"}"#, false),
            (r#"{"type":"ephemeral","ttl":"5m"}"#, false),
            (r#"{"type":"ephemeral","ttl":null,"scope":"global"}"#, false),
            (r#"{"type":"ephemeral","ttl":"1h"}"#, true),
            (r#"{"type":"ephemeral","\u0074tl":"1h"}"#, true),
            (r#"{"ttl":"5m","ttl":"1h"}"#, true),
            (r#"{"ttl":3600}"#, true),
            (r#""1h""#, true),
        ] {
            assert_eq!(may_keep_for_long(control.as_bytes()), is_long, "{control}");
        }
    }

    #[test]
    fn a_long_cache_is_asked_for_wherever_a_cache_is() {
        use crate::ai::gateway::request::{anthropic, openai, responses, walk};
        let tables = [
            (&anthropic::MESSAGES, r#"{"messages":[{"content":[{"type":"text","text":"x",CACHE}]}]}"#),
            (&anthropic::MESSAGES, r#"{"system":[{"type":"text","text":"x",CACHE}]}"#),
            (&anthropic::MESSAGES, r#"{"tools":[{"name":"x",CACHE}]}"#),
            (&anthropic::MESSAGES, "{CACHE}"),
            (&openai::CHAT, r#"{"messages":[{"content":[{"type":"text","text":"x",CACHE}]}]}"#),
            (&openai::CHAT, r#"{"messages":[{"content":"x",CACHE}]}"#),
            (&openai::CHAT, "{CACHE}"),
            (&responses::RESPONSES, r#"{"input":[{"content":[{"type":"input_text","text":"x",CACHE}]}]}"#),
        ];
        for (table, body) in tables {
            let asked = |control: &str| {
                let body = body.replace("CACHE", &format!("\"cache_control\":{control}"));
                walk::read(table, "x", body.as_bytes()).unwrap().asked
            };
            assert_eq!(asked(r#"{"type":"ephemeral"}"#), [], "{body}");
            let long = asked(r#"{"type":"ephemeral","ttl":"1h"}"#);
            assert!(matches!(&long[..], [one] if one.what == AskedFor::LongCache), "{body} {long:?}");
        }
    }
}
