//! Values under names that are not known: the largest count of tokens within.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Parts of a name beside tokens that make it one of something else.
const OTHER_WORDS: [&str; 12] =
    ["sec", "per_", "/s", "time", "limit", "max", "remaining", "price", "cost", "rate", "budget", "type"];

/// Tells whether a name says that its value counts tokens, in whatever case it is written.
pub(super) fn is_of_tokens(name: &str) -> bool {
    let has =
        |part: &str| name.as_bytes().windows(part.len()).any(|it| it.eq_ignore_ascii_case(part.as_bytes()));
    (has("token") || name == "billed_units") && !OTHER_WORDS.into_iter().any(has)
}

/// A number that is written as a text, however it is grouped.
fn number_of(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|sign| !matches!(sign, ',' | '_' | ' ')).collect();
    plain.parse().ok().filter(|_| plain.starts_with(|first: char| first.is_ascii_digit() || first == '.'))
}

/// Looks through a value for the largest count of tokens.
pub(super) struct Largest<'f> {
    pub(super) largest: &'f mut i64,
    /// A number here is one.
    pub(super) is_count: bool,
}

impl Largest<'_> {
    fn note(&mut self, count: i64) {
        if self.is_count {
            *self.largest = count.max(*self.largest);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Largest<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Largest<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(mut self, count: i64) -> Result<(), E> {
        self.note(count);
        Ok(())
    }

    fn visit_u64<E>(mut self, count: u64) -> Result<(), E> {
        self.note(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "what is larger than any i64 becomes the largest")]
    fn visit_f64<E>(mut self, count: f64) -> Result<(), E> {
        self.note(count.ceil() as i64);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match number_of(text).filter(|_| self.is_count) {
            Some(count) => self.visit_f64(count),
            None => Ok(()),
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { largest, is_count } = self;
        while items.next_element_seed(Largest { largest, is_count })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(is_of_tokens) = entries.next_key_seed(IsOfTokens)? {
            // A name says of what everything within is, whatever that is called.
            let is_count = self.is_count || is_of_tokens;
            entries.next_value_seed(Largest { largest: self.largest, is_count })?;
        }
        Ok(())
    }
}

/// The largest count of tokens within a value.
pub(super) fn largest_within(value: &Value) -> i64 {
    let mut largest = 0;
    // A value can always be read.
    let _: Result<(), serde_json::Error> =
        value.deserialize_any(Largest { largest: &mut largest, is_count: false });
    largest
}

/// Reads a name: whether it is one of tokens.
struct IsOfTokens;

impl<'de> DeserializeSeed<'de> for IsOfTokens {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for IsOfTokens {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(is_of_tokens(name))
    }
}
