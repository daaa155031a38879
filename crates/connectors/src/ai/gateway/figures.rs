//! The figures in which providers tell what an answer consumed, all of them side by side.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Counts of tokens; absent where the answer has none, and [`NO_COUNT`] where something else stands in their place.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Figures {
    #[serde(deserialize_with = "count")]
    pub(super) prompt_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) completion_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) total_tokens: Option<i64>,
    #[serde(deserialize_with = "details")]
    pub(super) prompt_tokens_details: Details,
    #[serde(deserialize_with = "details")]
    pub(super) completion_tokens_details: Details,
    #[serde(deserialize_with = "count")]
    pub(super) input_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) output_tokens: Option<i64>,
    #[serde(deserialize_with = "details")]
    pub(super) input_tokens_details: Details,
    #[serde(deserialize_with = "details")]
    pub(super) output_tokens_details: Details,
    #[serde(deserialize_with = "count")]
    pub(super) cache_creation_input_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) cache_read_input_tokens: Option<i64>,
    #[serde(deserialize_with = "details")]
    pub(super) cache_creation: Details,
    #[serde(rename = "promptTokenCount", deserialize_with = "count")]
    pub(super) prompt_token_count: Option<i64>,
    #[serde(rename = "toolUsePromptTokenCount", deserialize_with = "count")]
    pub(super) tool_use_prompt_token_count: Option<i64>,
    #[serde(rename = "cachedContentTokenCount", deserialize_with = "count")]
    pub(super) cached_content_token_count: Option<i64>,
    #[serde(rename = "candidatesTokenCount", deserialize_with = "count")]
    pub(super) candidates_token_count: Option<i64>,
    #[serde(rename = "thoughtsTokenCount", deserialize_with = "count")]
    pub(super) thoughts_token_count: Option<i64>,
    #[serde(rename = "totalTokenCount", deserialize_with = "count")]
    pub(super) total_token_count: Option<i64>,
    /// In US dollars.
    #[serde(deserialize_with = "amount")]
    pub(super) cost: Option<f64>,
    // What is no count, as it came; null where there is none. Of Anthropic:
    pub(super) service_tier: Value,
    pub(super) speed: Value,
    pub(super) inference_geo: Value,
    pub(super) server_tool_use: Value,
    pub(super) iterations: Value,
    // Of Gemini, and Vertex AI:
    #[serde(rename = "serviceTier")]
    pub(super) gemini_tier: Value,
    #[serde(rename = "trafficType")]
    pub(super) traffic_type: Value,
    #[serde(rename = "promptTokensDetails")]
    pub(super) prompt_details: Value,
    #[serde(rename = "cacheTokensDetails")]
    pub(super) cache_details: Value,
    #[serde(rename = "candidatesTokensDetails")]
    pub(super) candidates_details: Value,
    // Of OpenRouter:
    pub(super) is_byok: Value,
    pub(super) cost_details: Value,
    #[serde(rename = "server_tool_use_details")]
    pub(super) server_tools: Value,
    /// What stood beside the figures.
    #[serde(rename = "_terms")]
    pub(super) beside: Value,
}

/// Stands for what is there and is no count of anything, such as a text or a number below zero.
const NO_COUNT: i64 = -1;

impl Figures {
    /// With what stood beside them.
    pub(super) fn with(self, beside: Value) -> Self {
        if beside.is_null() { self } else { Self { beside, ..self } }
    }

    /// Whether everything that stands in the place of a count is one.
    pub(super) fn are_counts(&self) -> bool {
        // Taken apart whole, so that no figure is forgotten here.
        let Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            prompt_tokens_details,
            completion_tokens_details,
            input_tokens,
            output_tokens,
            input_tokens_details,
            output_tokens_details,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            cache_creation,
            prompt_token_count,
            tool_use_prompt_token_count,
            cached_content_token_count,
            candidates_token_count,
            thoughts_token_count,
            total_token_count,
            cost: _,
            service_tier: _,
            speed: _,
            inference_geo: _,
            server_tool_use: _,
            iterations: _,
            gemini_tier: _,
            traffic_type: _,
            prompt_details: _,
            cache_details: _,
            candidates_details: _,
            is_byok: _,
            cost_details: _,
            server_tools: _,
            beside: _,
        } = self;
        let counts = [
            prompt_tokens,
            completion_tokens,
            total_tokens,
            input_tokens,
            output_tokens,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            prompt_token_count,
            tool_use_prompt_token_count,
            cached_content_token_count,
            candidates_token_count,
            thoughts_token_count,
            total_token_count,
        ];
        let parts = [
            prompt_tokens_details,
            completion_tokens_details,
            input_tokens_details,
            output_tokens_details,
            cache_creation,
        ];
        counts.into_iter().all(is_count) && parts.into_iter().all(Details::are_counts)
    }
}

fn is_count(figure: &Option<i64>) -> bool {
    figure.is_none_or(|count| count >= 0)
}

impl Details {
    fn are_counts(&self) -> bool {
        let Self {
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            ephemeral_1h_input_tokens,
            audio_tokens,
            image_tokens,
            cache_write_tokens_details: _,
        } = self;
        let counts = [
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            ephemeral_1h_input_tokens,
            audio_tokens,
            image_tokens,
        ];
        counts.into_iter().all(is_count)
    }
}

/// Parts of a count.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    #[serde(deserialize_with = "count")]
    pub(super) cached_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) cache_write_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) reasoning_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) ephemeral_1h_input_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) audio_tokens: Option<i64>,
    #[serde(deserialize_with = "count")]
    pub(super) image_tokens: Option<i64>,
    /// Lifetimes of what was written to a cache, among them `ttl_12h_tokens`.
    pub(super) cache_write_tokens_details: Value,
}

/// What stands in the place of a figure.
enum Found {
    Integer(i64),
    Float(f64),
    Details(Details),
    /// `null`.
    Nothing,
    Other,
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Integer(count) if count >= 0 => Some(count),
        // What is larger than any number of 64 bits becomes the largest of them, and not no figure at all.
        Found::Float(count) if count >= 0.0 => Some(count.ceil() as i64),
        Found::Nothing => None,
        _ => Some(NO_COUNT),
    })
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Integer(amount) => Some(amount as f64),
        Found::Float(amount) => Some(amount),
        _ => None,
    })
}

fn details<'de, D: Deserializer<'de>>(from: D) -> Result<Details, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Details(details) => details,
        Found::Nothing => Details::default(),
        _ => Details { cached_tokens: Some(NO_COUNT), ..Details::default() },
    })
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_i64<E>(self, count: i64) -> Result<Found, E> {
        Ok(Found::Integer(count))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Found, E> {
        Ok(Found::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, amount: f64) -> Result<Found, E> {
        Ok(Found::Float(amount))
    }

    /// Google's JSON writes whole numbers of 64 bits as texts: <https://protobuf.dev/programming-guides/json/>.
    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(if is_number { Found::Integer(text.parse().unwrap_or(i64::MAX)) } else { Found::Other })
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Found, A::Error> {
        Details::deserialize(serde::de::value::MapAccessDeserializer::new(entries)).map(Found::Details)
    }
}
