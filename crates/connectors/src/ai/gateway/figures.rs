//! The figures in which providers tell what an answer consumed, all of them side by side.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Counts of tokens; absent where the answer has none, or something else in their place.
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
    /// In US dollars.
    #[serde(deserialize_with = "amount")]
    pub(super) cost: Option<f64>,
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
}

/// What stands in the place of a figure.
enum Found {
    Integer(i64),
    Float(f64),
    Details(Details),
    Other,
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Integer(count) => Some(count),
        // What is larger than any number of 64 bits becomes the largest of them, and not no figure at all.
        Found::Float(count) => Some(count.ceil() as i64),
        _ => None,
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
        _ => Details::default(),
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

    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Found, A::Error> {
        Details::deserialize(serde::de::value::MapAccessDeserializer::new(entries)).map(Found::Details)
    }
}
