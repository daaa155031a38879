//! Figures that are told more than once: of each the largest counts, also within details.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::answer_terms::is_usual;

/// Figures that lower a bill: of these the last one counts, as the largest would be the cheapest.
const DISCOUNTS: [&str; 4] =
    ["cached_tokens", "prompt_cache_hit_tokens", "cachedContentTokenCount", "cacheTokensDetails"];

/// Wholes, and where the parts of them stand that lower a bill.
const PARTS: [(&str, &str); 5] = [
    ("prompt_tokens", "prompt_tokens_details"),
    ("prompt_tokens", "prompt_cache_hit_tokens"),
    ("input_tokens", "input_tokens_details"),
    ("promptTokenCount", "cachedContentTokenCount"),
    ("promptTokenCount", "cacheTokensDetails"),
];

fn is_discount(name: &str) -> bool {
    DISCOUNTS.contains(&name)
}

/// Oddities that were seen while values were read and put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// A name stands in an object twice.
    pub(super) is_twice: bool,
    /// A figure was told, and elsewhere in its place something that is none.
    pub(super) has_misfit: bool,
}

/// Reads an object of figures.
pub(super) fn read(json: &[u8], seen: &mut Seen) -> Option<Map<String, Value>> {
    let mut from = serde_json::Deserializer::from_slice(json);
    let figures = Parsed(seen).deserialize(&mut from).ok()?;
    from.end().ok()?;
    match figures {
        Value::Object(figures) => Some(figures),
        _ => None,
    }
}

/// Adds what was told later.
pub(super) fn add(all: &mut Map<String, Value>, mut more: Map<String, Value>, seen: &mut Seen) {
    // What lowers a bill holds only as long as it is told of the whole that it is a part of, which is the largest one.
    for (whole, part) in PARTS {
        let of = |figures: &Map<String, Value>| figures.get(whole).and_then(number);
        let Some(now) = of(&more) else { continue };
        if of(all).is_some_and(|before| before > now) {
            drop_discount(&mut more, part);
        } else if !more.get(part).is_some_and(|it| tells_discount(part, it)) {
            drop_discount(all, part);
        }
    }
    for (name, value) in more {
        add_one(all, name, value, seen);
    }
}

fn tells_discount(part: &str, value: &Value) -> bool {
    let is_told_within =
        |it: &Map<String, Value>| it.iter().any(|(name, it)| is_discount(name) && !it.is_null());
    !value.is_null() && (is_discount(part) || value.as_object().is_some_and(is_told_within))
}

fn drop_discount(figures: &mut Map<String, Value>, part: &str) {
    match figures.get_mut(part) {
        Some(Value::Object(details)) => details.retain(|name, _| !is_discount(name)),
        Some(_) if is_discount(part) => drop(figures.remove(part)),
        _ => {}
    }
}

fn add_one(all: &mut Map<String, Value>, name: String, value: Value, seen: &mut Seen) {
    let lowers = is_discount(&name);
    match all.get_mut(&name) {
        None => drop(all.insert(name, value)),
        Some(before) if lowers && !value.is_null() => *before = value,
        Some(before) => merge(before, value, seen),
    }
}

fn merge(before: &mut Value, more: Value, seen: &mut Seen) {
    match (&mut *before, more) {
        (_, Value::Null) => {}
        (Value::Null, more) => *before = more,
        (Value::Object(all), Value::Object(more)) => add(all, more, seen),
        (Value::Array(all), Value::Array(more)) => add_list(all, more, seen),
        (Value::Bool(is_so), Value::Bool(more)) => *is_so |= more,
        (Value::String(word), Value::String(more)) if !is_number(word) && !is_number(&more) => {
            // Of a class of service, a speed and a place the one that is not the usual: it may be the dearer.
            if is_usual(word) {
                *word = more;
            } else if !is_usual(&more) && *word != more {
                seen.has_misfit = true;
            }
        }
        (_, more) => match (number(before), number(&more)) {
            (Some(number), Some(other)) => {
                seen.has_misfit |= number < 0.0 || other < 0.0;
                if other > number {
                    *before = more;
                }
            }
            (told, other) => {
                seen.has_misfit = true;
                if told.is_none() && other.is_some() {
                    *before = more;
                }
            }
        },
    }
}

/// Gemini's counts by modality stand in any order; steps of an answer stand in theirs.
fn add_list(all: &mut Vec<Value>, more: Vec<Value>, seen: &mut Seen) {
    for (place, value) in more.into_iter().enumerate() {
        let place = match value.get("modality") {
            Some(modality) => all.iter().position(|one| one.get("modality") == Some(modality)),
            None => Some(place),
        };
        match place.and_then(|place| all.get_mut(place)) {
            Some(before) => merge(before, value, seen),
            None => all.push(value),
        }
    }
}

/// Google's JSON writes whole numbers of 64 bits as texts: <https://protobuf.dev/programming-guides/json/>.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number, to be compared: what counts is far below where such a one becomes inexact.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if is_number(text) => text.parse().ok(),
        _ => None,
    }
}

/// Reads a value in which of a name that stands in an object twice the largest counts.
pub(super) struct Parsed<'s>(pub(super) &'s mut Seen);

impl<'de> DeserializeSeed<'de> for Parsed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parsed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Value, E> {
        Ok(Value::Bool(is_so))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Parsed(&mut *self.0))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Parsed(&mut *self.0))?;
            self.0.is_twice |= all.contains_key(&name);
            add_one(&mut all, name, value, self.0);
        }
        Ok(Value::Object(all))
    }
}
