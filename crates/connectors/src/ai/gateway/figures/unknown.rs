//! Values under names that are not known: the largest count of tokens within.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::largest;

/// Tells whether a name says that its value counts tokens.
pub(super) fn is_of_tokens(name: &str) -> bool {
    ["tokens", "Tokens", "token_count", "tokenCount", "TokenCount"].iter().any(|end| name.ends_with(end))
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

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        if largest::is_number(text) {
            self.note(text.parse().unwrap_or(i64::MAX));
        }
        Ok(())
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
        while let Some(is_count) = entries.next_key_seed(IsOfTokens)? {
            entries.next_value_seed(Largest { largest: self.largest, is_count })?;
        }
        Ok(())
    }
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
