//! A question about usage, as it stands in the address, and the addresses of its answers.

use strongroom::usage::{Dim, Order};
use strongroom_model::Millis;

use crate::frame::Place;
use crate::measure::Measure;
use crate::range::{Range, part};

/// A question about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The range of time.
    pub range: Range,
    /// The figure.
    pub measure: Measure,
    /// The dimension.
    pub by: Dim,
    /// Filters by their names, in the order in which they were given.
    pub filters: Vec<(&'static str, String)>,
}

/// Names of the dimensions in addresses, and in words.
pub static SPLITS: [(&str, Dim, &str); 8] = [
    ("nothing", Dim::Nothing, "in one"),
    ("provider", Dim::Provider, "provider"),
    ("model", Dim::Model, "model"),
    ("credential", Dim::Credential, "credential"),
    ("version", Dim::Version, "version"),
    ("actor", Dim::Actor, "token or person"),
    ("user", Dim::User, "user"),
    ("source", Dim::Source, "source"),
];
/// What stands before the key of a tag in addresses.
pub const TAG: &str = "tag:";

pub(super) fn name_of(by: &Dim) -> String {
    match by {
        Dim::Tag(key) => format!("{TAG}{key}"),
        by => SPLITS.iter().find(|(_, it, _)| it == by).map_or("nothing", |(name, _, _)| name).to_owned(),
    }
}

pub(super) fn words_of(by: &Dim) -> &str {
    match by {
        Dim::Tag(key) => key,
        by => SPLITS.iter().find(|(_, it, _)| it == by).map_or("", |(_, _, words)| words),
    }
}

impl Asked {
    /// Everything over the usual range.
    #[must_use]
    pub fn new(measure: Measure, by: Dim) -> Self {
        Self { range: Range::default(), measure, by, filters: Vec::new() }
    }

    /// Over this range.
    #[must_use]
    pub fn over(self, range: &Range) -> Self {
        Self { range: range.clone(), ..self }
    }

    /// With a filter.
    #[must_use]
    pub fn only(mut self, name: &'static str, value: &str) -> Self {
        self.filters.retain(|(other, _)| *other != name);
        self.filters.push((name, value.to_owned()));
        self
    }

    /// The value of a filter; empty without one.
    #[must_use]
    pub fn filter(&self, name: &str) -> &str {
        self.filters.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value.as_str())
    }

    /// The address below a path.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let mut path = path.to_owned();
        self.range.put_into(&mut path);
        part(&mut path, "measure", self.measure.as_str());
        part(&mut path, "by", &name_of(&self.by));
        for (name, value) in &self.filters {
            part(&mut path, name, value);
        }
        path
    }

    /// The address of the page.
    #[must_use]
    pub fn page(&self) -> String {
        self.address(Place::Usage.path())
    }

    /// The address of the same as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        self.address("/dashboard/usage.csv")
    }

    /// The address of the single uses that begin within a time; `None` where they cannot be told by these filters.
    #[must_use]
    pub fn records(&self, from: Millis, to: Millis) -> Option<String> {
        if !self.filter("tag").is_empty() {
            return None;
        }
        let mut path = super::super::record_list::PATH.to_owned();
        part(&mut path, "from", &from.to_string());
        part(&mut path, "to", &to.to_string());
        for (name, value) in &self.filters {
            part(&mut path, name, value);
        }
        let is_of_errors = matches!(
            self.measure,
            Measure::Errors | Measure::ErrorShare | Measure::ClientErrors | Measure::ProviderErrors
        );
        part(&mut path, "status", if is_of_errors { "failed" } else { "" });
        Some(path)
    }
}

/// The order that goes with a figure.
#[must_use]
pub const fn order_of(measure: Measure) -> Order {
    match measure {
        Measure::Spend => Order::Cost,
        Measure::Tokens | Measure::TokensPerSecond | Measure::CachedShare => Order::Tokens,
        Measure::Errors | Measure::ClientErrors | Measure::ProviderErrors | Measure::ErrorShare => {
            Order::Errors
        }
        Measure::Calls | Measure::FirstByte | Measure::FirstByteHalf | Measure::FirstByteMost => Order::Calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_everything_that_was_asked_for() {
        let asked = Asked::new(Measure::Calls, Dim::Model).only("credential", "a&b=c");
        assert_eq!(asked.page(), "/dashboard/usage?range=30d&measure=calls&by=model&credential=a%26b%3Dc");
        let range = Range::of(String::new(), "2026-01-01".into(), String::new());
        let asked = asked.over(&range);
        assert!(
            asked.csv().starts_with("/dashboard/usage.csv?from=2026-01-01&measure=calls"),
            "{}",
            asked.csv()
        );
    }

    #[test]
    fn records_of_a_slot_keep_its_filters_and_none_are_offered_by_a_tag() {
        let at = |text: &str| Millis::parse(text).unwrap();
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let asked = Asked::new(Measure::ErrorShare, Dim::Model).only("provider", "openai");
        let address = asked.records(from, to).unwrap();
        assert!(
            address.contains("provider=openai&status=failed") && address.contains("from=2026-01-01T00"),
            "{address}"
        );
        assert_eq!(asked.only("tag", "project=a").records(from, to), None);
    }
}
