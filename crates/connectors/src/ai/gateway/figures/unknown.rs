//! Values under names that are not known: the largest count of tokens within.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Words of a name beside tokens that make it one of something else.
const OTHER_WORDS: [&str; 8] = ["sec", "secs", "second", "seconds", "per", "s", "max", "remaining"];
/// The same at its end.
const OTHER_ENDS: [&str; 8] = ["time", "limit", "price", "cost", "rate", "budget", "type", "ms"];
/// Words that make it a count all the same.
const USED: [&str; 4] = ["used", "spent", "billed", "consumed"];

/// The words of a name, whatever stands between them: `output_tokens` and `outputTokens` have the same two.
fn words_of(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.split(|sign: char| !sign.is_ascii_alphanumeric()).flat_map(|part| {
        let begins = |place: &usize| {
            let before = place.checked_sub(1).and_then(|before| part.as_bytes().get(before));
            part.as_bytes()[*place].is_ascii_uppercase() && before.is_some_and(u8::is_ascii_lowercase)
        };
        // Names have one or two of them.
        let second = (1..part.len()).find(begins).unwrap_or(part.len());
        let (first, rest) = part.split_at(second);
        let third = (1..rest.len()).find(|place| begins(&(second + place))).unwrap_or(rest.len());
        let (rest, last) = rest.split_at(third);
        [first, rest, last].into_iter().filter(|word| !word.is_empty())
    })
}

/// Tells whether a name says that its value counts tokens, in whatever case it is written.
pub(super) fn is_of_tokens(name: &str) -> bool {
    let has = |wanted: &[&str]| {
        words_of(name).any(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
    };
    // Not of a tokenizer.
    let is_token = |word: &str| {
        let end = |end: &str| {
            word.len()
                .checked_sub(end.len())
                .and_then(|at| word.get(at..))
                .is_some_and(|it| it.eq_ignore_ascii_case(end))
        };
        end("token") || end("tokens")
    };
    let is_figure = words_of(name).any(is_token) || has(&["usage"]) || (has(&["billed"]) && has(&["units"]));
    let ends_otherwise = || {
        words_of(name)
            .next_back()
            .is_some_and(|word| OTHER_ENDS.iter().any(|end| word.eq_ignore_ascii_case(end)))
    };
    is_figure && (has(&USED) || !(has(&OTHER_WORDS) || ends_otherwise()))
}

/// The largest number that a text may mean, however it is grouped and whatever stands around it.
fn number_of(text: &str) -> Option<f64> {
    let start = text.find(|sign: char| sign.is_ascii_digit())?;
    let number = &text[start..];
    if let Some(digits) = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")) {
        let end = digits.find(|sign: char| !sign.is_ascii_hexdigit()).unwrap_or(digits.len());
        return u64::from_str_radix(&digits[..end], 16).ok().map(|number| number as f64);
    }
    let is_part = |sign: char| sign.is_ascii_digit() || ".,_' eE+-".contains(sign);
    let end = number.find(|sign: char| !is_part(sign)).unwrap_or(number.len());
    let number = number[..end].trim_end_matches(|sign: char| !sign.is_ascii_digit());
    let without = |signs: &str| {
        let plain: String = number.chars().filter(|sign| !signs.contains(*sign)).collect();
        plain.parse::<f64>().ok()
    };
    // A point may be one before thousands.
    let thousands = number.split(['.', ',', '_', '\'', ' ']).skip(1).all(|group| group.len() == 3);
    let grouped = if thousands { without(".,_' ") } else { None };
    [without(",_' "), grouped].into_iter().flatten().reduce(f64::max)
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
pub(in super::super) fn largest_within(value: &Value) -> i64 {
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
