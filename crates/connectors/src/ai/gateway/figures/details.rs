//! Parts of a count, which some providers tell beside it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use strongroom_model::Amount;

use super::unknown::{Largest, is_of_tokens, largest_within};
use super::{amount, count, fill, is_count, word};

/// Parts of a count.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct Details {
    pub(in super::super) cached_tokens: Option<i64>,
    pub(in super::super) cache_write_tokens: Option<i64>,
    pub(in super::super) reasoning_tokens: Option<i64>,
    pub(in super::super) ephemeral_5m_input_tokens: Option<i64>,
    pub(in super::super) ephemeral_1h_input_tokens: Option<i64>,
    pub(in super::super) audio_tokens: Option<i64>,
    pub(in super::super) image_tokens: Option<i64>,
    /// Lifetimes of what was written to a cache, among them `ttl_12h_tokens`.
    pub(in super::super) cache_write_tokens_details: Value,
    /// The sum of what is told of other kinds of tokens: text, video, documents.
    pub(in super::super) other_kinds: i64,
    /// `true` when text is among these.
    pub(in super::super) has_text: bool,
    /// The larger of what was taken of a prediction of the caller's and what was not: OpenAI bills both, and its figures of them are
    /// together more than the answer at times.
    pub(in super::super) predicted: i64,
    /// The largest count of tokens under other names.
    pub(in super::super) largest_unknown: i64,
    /// In US dollars, of a cost that is told in parts (Perplexity).
    pub(super) total_cost: Option<f64>,
    /// The sum of those parts.
    pub(super) parts_cost: f64,
}

impl Details {
    pub(super) fn read<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut details = Self::default();
        let it = &mut details;
        while let Some(slot) = entries.next_key_seed(DetailsName(it))? {
            entries.next_value_seed(slot)?;
        }
        Ok(details)
    }

    fn slot(&mut self, name: &str) -> DetailsSlot<'_> {
        DetailsSlot::Count(match name {
            "cached_tokens" => &mut self.cached_tokens,
            "cache_write_tokens" => &mut self.cache_write_tokens,
            "reasoning_tokens" => &mut self.reasoning_tokens,
            "ephemeral_5m_input_tokens" => &mut self.ephemeral_5m_input_tokens,
            "ephemeral_1h_input_tokens" => &mut self.ephemeral_1h_input_tokens,
            "audio_tokens" => &mut self.audio_tokens,
            "image_tokens" => &mut self.image_tokens,
            "text_tokens" => {
                self.has_text = true;
                return DetailsSlot::Sum(&mut self.other_kinds);
            }
            "video_tokens" | "document_tokens" => return DetailsSlot::Sum(&mut self.other_kinds),
            "accepted_prediction_tokens" | "rejected_prediction_tokens" => {
                return DetailsSlot::Larger(&mut self.predicted);
            }
            "cache_write_tokens_details" => return DetailsSlot::Word(&mut self.cache_write_tokens_details),
            "total_cost" => return DetailsSlot::Cost(&mut self.total_cost),
            part if part.ends_with("_cost") && !part.contains("cache") => {
                return DetailsSlot::PartOfCost(&mut self.parts_cost);
            }
            _ => return DetailsSlot::Unknown(&mut self.largest_unknown, is_of_tokens(name)),
        })
    }
}

/// Destination of a part.
enum DetailsSlot<'f> {
    Count(&'f mut Option<i64>),
    /// Added to others; what is no count is more than any.
    Sum(&'f mut i64),
    Larger(&'f mut i64),
    Word(&'f mut Value),
    Cost(&'f mut Option<f64>),
    PartOfCost(&'f mut f64),
    Unknown(&'f mut i64, bool),
}

impl<'de> DeserializeSeed<'de> for DetailsSlot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match self {
            Self::Count(slot) => fill(slot, count(from)?)?,
            Self::Sum(sum) => {
                let count = count(from)?.unwrap_or(0);
                *sum = if count < 0 { i64::MAX } else { sum.saturating_add(count) };
            }
            Self::Larger(largest) => {
                let count = count(from)?.unwrap_or(0);
                *largest = if count < 0 { i64::MAX } else { count.max(*largest) };
            }
            Self::Word(place) => *place = word(from)?,
            Self::Cost(slot) => fill(slot, amount(from)?)?,
            Self::PartOfCost(sum) => *sum += amount(from)?.unwrap_or_default().max(0.0),
            Self::Unknown(largest, is_count) => from.deserialize_any(Largest { largest, is_count })?,
        }
        Ok(())
    }
}

/// Finds the slot of a part's name.
struct DetailsName<'f>(&'f mut Details);

impl<'de, 'f> DeserializeSeed<'de> for DetailsName<'f> {
    type Value = DetailsSlot<'f>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<DetailsSlot<'f>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for DetailsName<'f> {
    type Value = DetailsSlot<'f>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<DetailsSlot<'f>, E> {
        Ok(self.0.slot(name))
    }
}

impl Details {
    /// Returns every count of tokens that has a name of its own.
    fn counts(&self) -> [Option<i64>; 7] {
        // Taken apart whole, so that none is forgotten here.
        let Self {
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            ephemeral_5m_input_tokens,
            ephemeral_1h_input_tokens,
            audio_tokens,
            image_tokens,
            cache_write_tokens_details: _,
            other_kinds: _,
            has_text: _,
            predicted: _,
            largest_unknown: _,
            total_cost: _,
            parts_cost: _,
        } = self;
        [
            *cached_tokens,
            *cache_write_tokens,
            *reasoning_tokens,
            *ephemeral_5m_input_tokens,
            *ephemeral_1h_input_tokens,
            *audio_tokens,
            *image_tokens,
        ]
    }

    pub(super) fn are_counts(&self) -> bool {
        self.counts().iter().all(is_count)
    }

    /// The sum of all kinds of tokens that are told: none of them is another.
    pub(in super::super) fn kinds(&self) -> Amount {
        let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
        of(self.audio_tokens).plus(of(self.image_tokens)).plus(Amount::of(self.other_kinds))
    }

    /// The larger of two sums of which each has parts that are apart from each other: the kinds of tokens, and where those of an
    /// answer come from.
    pub(in super::super) fn largest_sum(&self) -> Amount {
        let reasoning = Amount::of(self.reasoning_tokens.unwrap_or(0));
        self.kinds().max(reasoning.plus(Amount::of(self.predicted)))
    }

    /// The largest count of tokens among them, under whatever name.
    pub(in super::super) fn largest(&self) -> i64 {
        let within = largest_within(&self.cache_write_tokens_details);
        self.counts()
            .into_iter()
            .flatten()
            .fold(self.largest_unknown.max(within).max(self.other_kinds).max(self.predicted), i64::max)
    }
}
