//! Ranges of time that pages show: chosen by one click, or from one day to another; and the slots that charts divide them into.

use maud::{Markup, html};
use strongroom::usage::Grain;
use strongroom_model::Millis;

use crate::figure;
use crate::text::{self, in_query};

/// Days of a range, at the most.
pub const MAX_DAYS: i64 = 400;
/// The range that is shown when none is asked for.
pub const USUAL: &str = "30d";

/// Ranges that are chosen by one click: the name in the address, the one to click, and the one in a title.
const CHOICES: [(&str, &str, &str); 5] = [
    ("24h", "24 h", "24 hours"),
    ("7d", "7 d", "7 days"),
    ("30d", "30 d", "30 days"),
    ("90d", "90 d", "90 days"),
    ("month", "Month", "this month"),
];

/// A range as it stands in the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// `24h`, `7d`, `30d`, `90d`, `month`, or empty for `from` and `to`.
    pub name: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
}

impl Default for Range {
    fn default() -> Self {
        Self { name: USUAL.to_owned(), from: String::new(), to: String::new() }
    }
}

/// Goes on with a part of an address, unless it is empty.
pub(crate) fn part(path: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&format!("{name}={}", in_query(value)));
    }
}

impl Range {
    /// What an address says: days come before a name, and where it says neither, the usual range it is.
    #[must_use]
    pub fn of(name: String, from: String, to: String) -> Self {
        let is_known = CHOICES.iter().any(|(known, ..)| *known == name);
        match (is_known, from.is_empty() && to.is_empty()) {
            (true, true) => Self { name, from, to },
            (false, true) => Self::default(),
            (_, false) => Self { name: String::new(), from, to },
        }
    }

    /// Goes on with it in an address.
    pub(crate) fn put_into(&self, path: &mut String) {
        part(path, "range", &self.name);
        if self.name.is_empty() {
            part(path, "from", &self.from);
            part(path, "to", &self.to);
        }
    }

    /// How long it is, in the words of a title.
    pub(crate) fn words(&self) -> String {
        let known = CHOICES.iter().find(|(name, ..)| *name == self.name);
        match (known, self.from.as_str(), self.to.as_str()) {
            (Some((_, _, words)), ..) => (*words).to_owned(),
            (None, from, "") => format!("from {}", text::visible(from)),
            (None, "", to) => format!("until {}", text::visible(to)),
            (None, from, to) => format!("{} to {}", text::visible(from), text::visible(to)),
        }
    }

    /// Links to the same page with other ranges.
    pub(crate) fn choices(&self, address: impl Fn(&Self) -> String) -> Markup {
        html! {
            nav.seg aria-label="Range" { @for (name, words, _) in CHOICES {
                @let range = Self { name: name.to_owned(), from: String::new(), to: String::new() };
                a href=(address(&range)) aria-current=[(self.name == name).then_some("true")] { (words) }
            } }
        }
    }

    /// The same, and a form for two days; it keeps these fields of the address.
    pub(crate) fn choices_and_days(&self, path: &str, kept: &[(&str, &str)]) -> Markup {
        let address = |range: &Self| {
            let mut address = path.to_owned();
            for (name, value) in kept {
                part(&mut address, name, value);
            }
            range.put_into(&mut address);
            address
        };
        html! {
            (self.choices(address))
            details.change.over {
                summary { @if self.name.is_empty() { (self.words()) } @else { "From … to …" } }
                form.fields method="get" action=(path) {
                    @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
                    label.field { span { "From" } input type="date" name="from" value=(text::visible(&self.from)); }
                    label.field { span { "To, that day included" } input type="date" name="to" value=(text::visible(&self.to)); }
                    button.main type="submit" { "Show" }
                }
            }
        }
    }
}

/// The slots of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// The first instant of the first slot.
    pub from: Millis,
    /// The first instant behind the last.
    pub to: Millis,
    /// Their length.
    pub grain: Grain,
}

impl Slots {
    /// The first instant of each.
    pub fn starts(self) -> impl Iterator<Item = Millis> {
        let length = self.grain.ms();
        let count = (self.to.0 - self.from.0 + length - 1).div_euclid(length).clamp(0, MAX_DAYS);
        (0..count).map(move |number| Millis(self.from.0 + number * length))
    }

    /// The first instant behind the slot that begins then.
    #[must_use]
    pub fn end_of(self, start: Millis) -> Millis {
        Millis((start.0 + self.grain.ms()).min(self.to.0))
    }

    /// What a slot is called.
    pub(crate) const fn word(self) -> &'static str {
        match self.grain {
            Grain::Hour => "hour",
            Grain::Day => "day",
            Grain::Week => "week",
        }
    }

    /// The full name of a slot.
    pub(crate) fn name_of(self, start: Millis) -> String {
        match self.grain {
            Grain::Hour => format!("{} {}", figure::day(start), figure::clock(start)),
            Grain::Day => figure::day(start),
            Grain::Week => format!("7 days from {}", figure::day(start)),
        }
    }

    /// Its name where there is little room.
    pub(crate) fn short_name_of(self, start: Millis) -> String {
        match self.grain {
            Grain::Hour => figure::clock(start),
            Grain::Day | Grain::Week => figure::short_day(start),
        }
    }

    /// How many slots lie between two that have their names below them.
    pub(crate) const fn labelled_every(self, count: usize) -> usize {
        match (self.grain, count) {
            (_, ..=10) => 1,
            (Grain::Hour, _) => 6,
            (Grain::Day, _) => 7 * count.div_ceil(42),
            (Grain::Week, _) => count.div_ceil(6),
        }
    }

    /// Tells whether the slot that begins then is not over yet.
    pub(crate) fn is_open(self, start: Millis, now: Millis) -> bool {
        start <= now && now < self.end_of(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_names_no_range_is_the_usual_one() {
        let of = |name: &str, from: &str| Range::of(name.into(), from.into(), String::new());
        assert_eq!((of("24h", "").name, of("odd", "").name), ("24h".to_owned(), USUAL.to_owned()));
        let days = of("odd", "2026-01-01");
        assert_eq!((days.name.as_str(), days.words().as_str()), ("", "from 2026-01-01"));
        let mut path = "/x?a=1".to_owned();
        Range { to: "\"><b>".into(), ..days }.put_into(&mut path);
        assert_eq!(path, "/x?a=1&from=2026-01-01&to=%22%3E%3Cb%3E");
    }

    #[test]
    fn slots_are_named_by_their_length_and_the_last_may_be_cut() {
        let at = |text: &str| Millis::parse(text).unwrap();
        let hours =
            Slots { from: at("2026-03-01T12:00:00Z"), to: at("2026-03-02T12:00:00Z"), grain: Grain::Hour };
        let starts: Vec<_> = hours.starts().collect();
        assert_eq!((starts.len(), hours.labelled_every(starts.len())), (24, 6));
        assert_eq!(hours.name_of(starts[23]), "2026-03-02 11:00");
        assert!(
            hours.is_open(starts[23], at("2026-03-02T11:59:00Z"))
                && !hours.is_open(starts[22], at("2026-03-02T11:59:00Z"))
        );
        let weeks =
            Slots { from: at("2026-01-01T00:00:00Z"), to: at("2026-04-11T00:00:00Z"), grain: Grain::Week };
        let starts: Vec<_> = weeks.starts().collect();
        assert_eq!((starts.len(), weeks.end_of(starts[14])), (15, weeks.to));
    }
}
