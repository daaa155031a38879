//! The figures in which providers tell what an answer consumed, all of them side by side.

use std::fmt;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use strongroom_model::Amount;

mod details;
mod unknown;

pub(super) use details::Details;
pub(super) use unknown::largest_within;
use unknown::{Largest, is_of_tokens};

use super::answer_terms::KEPT_AS;
use super::largest::{self, Parsed, Seen};
use super::operation::Meter;

/// Counts of tokens; absent where the answer has none, and [`NO_COUNT`] where something else stands in their place.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) prompt_tokens: Option<i64>,
    pub(super) completion_tokens: Option<i64>,
    pub(super) total_tokens: Option<i64>,
    /// The part of a prompt that was cached (DeepSeek).
    pub(super) prompt_cache_hit_tokens: Option<i64>,
    /// The rest of it.
    pub(super) prompt_cache_miss_tokens: Option<i64>,
    /// Beside the tokens of a completion (Perplexity's deep research).
    pub(super) reasoning_tokens: Option<i64>,
    pub(super) citation_tokens: Option<i64>,
    pub(super) prompt_tokens_details: Details,
    pub(super) completion_tokens_details: Details,
    pub(super) input_tokens: Option<i64>,
    pub(super) output_tokens: Option<i64>,
    pub(super) input_tokens_details: Details,
    pub(super) output_tokens_details: Details,
    pub(super) cache_creation_input_tokens: Option<i64>,
    pub(super) cache_read_input_tokens: Option<i64>,
    pub(super) cache_creation: Details,
    pub(super) prompt_token_count: Option<i64>,
    pub(super) tool_use_prompt_token_count: Option<i64>,
    pub(super) cached_content_token_count: Option<i64>,
    pub(super) candidates_token_count: Option<i64>,
    pub(super) thoughts_token_count: Option<i64>,
    pub(super) total_token_count: Option<i64>,
    /// In US dollars; below zero where something stands in its place that is none.
    pub(super) cost: Option<f64>,
    /// Cost of the call, in ten-billionths of a US dollar (xAI).
    pub(super) cost_in_usd_ticks: Option<i64>,
    /// The largest cost in US dollars under another name.
    pub(super) other_cost: f64,
    /// The name of a cost stands there, and none with it.
    pub(super) has_empty_cost: bool,
    /// Uses of the provider's tools (xAI).
    pub(super) server_side_tools_used: Option<i64>,
    pub(super) sources_used: Option<i64>,
    /// The largest count of tokens under names that are not known, wherever it stands within.
    pub(super) largest_unknown: i64,
    /// Boxed: most answers have none.
    words: Option<Box<Words>>,
}

/// Values that are no counts, as they came; null where there is none.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    // Of Anthropic:
    pub(super) service_tier: Value,
    pub(super) speed: Value,
    pub(super) inference_geo: Value,
    pub(super) server_tool_use: Value,
    pub(super) iterations: Value,
    // Of Gemini, and Vertex AI:
    pub(super) gemini_tier: Value,
    pub(super) traffic_type: Value,
    pub(super) prompt_details: Value,
    pub(super) cache_details: Value,
    pub(super) candidates_details: Value,
    pub(super) tool_details: Value,
    // Of OpenRouter:
    pub(super) is_byok: Value,
    pub(super) cost_details: Value,
    pub(super) server_tools: Value,
    // Of xAI:
    pub(super) tool_usage: Value,
    pub(super) tool_usage_details: Value,
    /// Values that stood beside the figures.
    pub(super) beside: Value,
}

/// Destination of a value.
enum Slot<'f> {
    Count(&'f mut Option<i64>),
    Details(&'f mut Details),
    /// A cost, and whether its name stands there without one.
    Cost(&'f mut Option<f64>, &'f mut bool),
    Ticks(&'f mut Option<i64>, &'f mut bool),
    OtherCost(&'f mut f64),
    Word(&'f mut Option<Box<Words>>, fn(&mut Words) -> &mut Value),
    /// Looked through for counts, of which the largest is kept; `true` when the name itself is one of tokens.
    Unknown(&'f mut i64, bool),
}

impl Figures {
    /// Returns the destination of the value of this name.
    fn slot(&mut self, name: &str) -> Slot<'_> {
        let words = &mut self.words;
        match name {
            "prompt_tokens" => Slot::Count(&mut self.prompt_tokens),
            "completion_tokens" => Slot::Count(&mut self.completion_tokens),
            "total_tokens" => Slot::Count(&mut self.total_tokens),
            "prompt_cache_hit_tokens" => Slot::Count(&mut self.prompt_cache_hit_tokens),
            "prompt_cache_miss_tokens" => Slot::Count(&mut self.prompt_cache_miss_tokens),
            "reasoning_tokens" => Slot::Count(&mut self.reasoning_tokens),
            "citation_tokens" => Slot::Count(&mut self.citation_tokens),
            "prompt_tokens_details" => Slot::Details(&mut self.prompt_tokens_details),
            "completion_tokens_details" => Slot::Details(&mut self.completion_tokens_details),
            "input_tokens" => Slot::Count(&mut self.input_tokens),
            "output_tokens" => Slot::Count(&mut self.output_tokens),
            "input_tokens_details" => Slot::Details(&mut self.input_tokens_details),
            "output_tokens_details" => Slot::Details(&mut self.output_tokens_details),
            "cache_creation_input_tokens" => Slot::Count(&mut self.cache_creation_input_tokens),
            "cache_read_input_tokens" => Slot::Count(&mut self.cache_read_input_tokens),
            "cache_creation" => Slot::Details(&mut self.cache_creation),
            "promptTokenCount" => Slot::Count(&mut self.prompt_token_count),
            "toolUsePromptTokenCount" => Slot::Count(&mut self.tool_use_prompt_token_count),
            "cachedContentTokenCount" => Slot::Count(&mut self.cached_content_token_count),
            "candidatesTokenCount" => Slot::Count(&mut self.candidates_token_count),
            "thoughtsTokenCount" => Slot::Count(&mut self.thoughts_token_count),
            "totalTokenCount" => Slot::Count(&mut self.total_token_count),
            "cost" => Slot::Cost(&mut self.cost, &mut self.has_empty_cost),
            "cost_in_usd_ticks" => Slot::Ticks(&mut self.cost_in_usd_ticks, &mut self.has_empty_cost),
            "num_server_side_tools_used" => Slot::Count(&mut self.server_side_tools_used),
            "num_sources_used" => Slot::Count(&mut self.sources_used),
            "service_tier" => Slot::Word(words, |words| &mut words.service_tier),
            "speed" => Slot::Word(words, |words| &mut words.speed),
            "inference_geo" => Slot::Word(words, |words| &mut words.inference_geo),
            "server_tool_use" => Slot::Word(words, |words| &mut words.server_tool_use),
            "iterations" => Slot::Word(words, |words| &mut words.iterations),
            "serviceTier" => Slot::Word(words, |words| &mut words.gemini_tier),
            "trafficType" => Slot::Word(words, |words| &mut words.traffic_type),
            "promptTokensDetails" => Slot::Word(words, |words| &mut words.prompt_details),
            "cacheTokensDetails" => Slot::Word(words, |words| &mut words.cache_details),
            "toolUsePromptTokensDetails" => Slot::Word(words, |words| &mut words.tool_details),
            "candidatesTokensDetails" => Slot::Word(words, |words| &mut words.candidates_details),
            "is_byok" => Slot::Word(words, |words| &mut words.is_byok),
            "cost_details" => Slot::Word(words, |words| &mut words.cost_details),
            "server_side_tool_usage" => Slot::Word(words, |words| &mut words.tool_usage),
            "server_side_tool_usage_details" => Slot::Word(words, |words| &mut words.tool_usage_details),
            "server_tool_use_details" => Slot::Word(words, |words| &mut words.server_tools),
            KEPT_AS => Slot::Word(words, |words| &mut words.beside),
            other if is_of_cost(other) => Slot::OtherCost(&mut self.other_cost),
            _ => Slot::Unknown(&mut self.largest_unknown, is_of_tokens(name)),
        }
    }
}

/// Tells whether an unknown name is one of a cost.
fn is_of_cost(name: &str) -> bool {
    let name = name.strip_suffix("_usd").unwrap_or(name);
    matches!(name, "total_cost" | "costs" | "total_costs" | "billed_cost" | "estimated_cost" | "request_cost")
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match self {
            Self::Count(slot) => fill(slot, count(from)?)?,
            Self::Details(slot) => {
                let details = details(from)?;
                if *slot != Details::default() {
                    return Err(twice());
                }
                *slot = details;
            }
            Self::Cost(slot, is_empty) => {
                let cost = amount(from)?;
                *is_empty |= cost.is_none();
                fill(slot, cost)?;
            }
            Self::Ticks(slot, is_empty) => {
                let ticks = count(from)?;
                *is_empty |= ticks.is_none();
                fill(slot, ticks)?;
            }
            Self::OtherCost(largest) => *largest = largest.max(amount(from)?.unwrap_or_default()),
            Self::Word(words, of) => {
                let word = word(from)?;
                if !word.is_null() {
                    let place = of(words.get_or_insert_default());
                    if !place.is_null() {
                        return Err(twice());
                    }
                    *place = word;
                }
            }
            Self::Unknown(largest, is_count) => from.deserialize_any(Largest { largest, is_count })?,
        }
        Ok(())
    }
}

fn twice<E: serde::de::Error>() -> E {
    E::custom("a figure is told twice")
}

fn fill<T, E: serde::de::Error>(slot: &mut Option<T>, figure: Option<T>) -> Result<(), E> {
    match figure {
        None => Ok(()),
        Some(_) if slot.is_some() => Err(twice()),
        Some(_) => {
            *slot = figure;
            Ok(())
        }
    }
}

/// A value in which no name stands in an object twice.
fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    let mut seen = Seen::default();
    let word = Parsed(&mut seen).deserialize(from)?;
    if seen.is_twice { Err(twice()) } else { Ok(word) }
}

/// Finds the slot of a name.
struct Name<'f>(&'f mut Figures);

impl<'de, 'f> DeserializeSeed<'de> for Name<'f> {
    type Value = Slot<'f>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Slot<'f>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for Name<'f> {
    type Value = Slot<'f>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Slot<'f>, E> {
        Ok(self.0.slot(name))
    }
}

impl Figures {
    /// Reads figures as they came.
    ///
    /// # Errors
    /// [`serde::de::Error`] of what is no object, and of a figure that stands there twice.
    pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Box<Self>, D::Error> {
        // Filled where they stay: they are large.
        let mut figures = Box::<Self>::default();
        from.deserialize_map(Entries(&mut figures))?;
        Ok(figures)
    }
}

/// Writes each value where it belongs.
struct Entries<'f>(&'f mut Figures);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(slot) = entries.next_key_seed(Name(self.0))? {
            entries.next_value_seed(slot)?;
        }
        Ok(())
    }
}

/// Stands for what is there and is no count of anything, such as a text or a number below zero.
const NO_COUNT: i64 = -1;
/// Stands for what is there and is no cost.
const NO_COST: f64 = -1.0;

impl Figures {
    /// Tells whether there are none at all.
    pub(super) fn are_none(&self) -> bool {
        static NONE: LazyLock<Figures> = LazyLock::new(Figures::default);
        *self == *NONE
    }

    /// Returns the values that are no counts.
    pub(super) fn words(&self) -> &Words {
        static NONE: LazyLock<Words> = LazyLock::new(Words::default);
        self.words.as_deref().unwrap_or(&NONE)
    }

    /// Keeps what stood beside them, if there is something.
    pub(super) fn add_beside(&mut self, beside: &Value) {
        if !beside.is_null() {
            self.words.get_or_insert_default().beside.clone_from(beside);
        }
    }

    /// The sum of counts in another dialect than that of the meter, which are of no whole that it knows.
    pub(super) fn of_other_meters(&self, meter: Meter) -> Amount {
        let of = |counts: &[Option<i64>]| {
            counts.iter().flatten().fold(Amount::ZERO, |sum, count| sum.plus(Amount::of(*count)))
        };
        let chat = of(&[self.prompt_tokens, self.completion_tokens]);
        let responses = of(&[self.input_tokens, self.output_tokens]);
        let gemini = of(&[self.prompt_token_count, self.candidates_token_count]);
        let total = of(&[self.total_tokens]);
        match meter {
            Meter::Chat | Meter::Embeddings => responses.max(gemini),
            Meter::Responses => chat.max(gemini),
            Meter::Messages => chat.max(gemini).max(total),
            Meter::GenerateContent => chat.max(responses).max(total),
            Meter::Free | Meter::Unmetered => Amount::ZERO,
        }
    }

    /// Returns every count of tokens that has a name of its own, and every one that has parts.
    fn counts(&self) -> ([Option<i64>; 17], [&Details; 5]) {
        // Taken apart whole, so that no figure is forgotten here.
        let Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            prompt_cache_hit_tokens,
            prompt_cache_miss_tokens,
            reasoning_tokens,
            citation_tokens,
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
            largest_unknown: _,
            cost_in_usd_ticks: _,
            other_cost: _,
            has_empty_cost: _,
            server_side_tools_used: _,
            sources_used: _,
            words: _,
        } = self;
        let counts = [
            *prompt_tokens,
            *completion_tokens,
            *total_tokens,
            *prompt_cache_hit_tokens,
            *prompt_cache_miss_tokens,
            *reasoning_tokens,
            *citation_tokens,
            *input_tokens,
            *output_tokens,
            *cache_creation_input_tokens,
            *cache_read_input_tokens,
            *prompt_token_count,
            *tool_use_prompt_token_count,
            *cached_content_token_count,
            *candidates_token_count,
            *thoughts_token_count,
            *total_token_count,
        ];
        let parts = [
            prompt_tokens_details,
            completion_tokens_details,
            input_tokens_details,
            output_tokens_details,
            cache_creation,
        ];
        (counts, parts)
    }

    /// Tells whether everything that stands in the place of a count is one.
    pub(super) fn are_counts(&self) -> bool {
        let (tokens, parts) = self.counts();
        let others = [self.cost_in_usd_ticks, self.server_side_tools_used, self.sources_used];
        tokens.iter().chain(&others).all(is_count) && parts.into_iter().all(Details::are_counts)
    }

    /// The largest count of tokens among them, under whatever name and in whatever language.
    pub(super) fn largest(&self) -> Amount {
        let (tokens, parts) = self.counts();
        let within = parts.into_iter().map(Details::largest).max().unwrap_or_default();
        let steps = largest_within(&self.words().iterations);
        let largest = self.largest_unknown.max(within).max(steps);
        Amount::of(tokens.into_iter().flatten().fold(largest, i64::max))
    }
}

fn is_count(figure: &Option<i64>) -> bool {
    figure.is_none_or(|count| count >= 0)
}

/// Value in the place of a figure.
enum Found {
    Integer(i64),
    Float(f64),
    Details(Box<Details>),
    /// `null`.
    Nothing,
    Other,
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Integer(count) if count >= 0 => Some(count),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is larger than any i64 becomes the largest"
        )]
        Found::Float(count) if count >= 0.0 => Some(count.ceil() as i64),
        Found::Nothing => None,
        _ => Some(NO_COUNT),
    })
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Integer(amount) => Some(amount as f64),
        Found::Float(amount) => Some(amount),
        // Of a sum and its parts that contradict each other the larger counts.
        Found::Details(parts) => {
            let total = parts.total_cost.filter(|total| *total >= 0.0);
            // Parts are rounded each by itself.
            let is_more = |total: f64| parts.parts_cost > total * 1.05;
            Some(total.map_or(NO_COST, |total| if is_more(total) { parts.parts_cost } else { total }))
        }
        Found::Nothing => None,
        Found::Other => Some(NO_COST),
    })
}

fn details<'de, D: Deserializer<'de>>(from: D) -> Result<Details, D::Error> {
    Ok(match from.deserialize_any(Anything)? {
        Found::Details(details) => *details,
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

    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        Ok(if largest::is_number(text) {
            Found::Integer(text.parse().unwrap_or(i64::MAX))
        } else {
            Found::Other
        })
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Found, A::Error> {
        Details::read(entries).map(|details| Found::Details(Box::new(details)))
    }
}
