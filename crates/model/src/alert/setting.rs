//! Settings of rules that rest on figures: whether people are told at all, and from which figure on.

use std::collections::BTreeMap;

use super::Rule;
use crate::problem::Problem;

/// A figure of a rule that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, with the unit where it has one.
    pub name: &'static str,
    /// Without a setting.
    pub usual: i64,
    /// The least and the most.
    pub range: (i64, i64),
}

const fn parameter(name: &'static str, usual: i64, range: (i64, i64)) -> Parameter {
    Parameter { name, usual, range }
}

const SPEND_SPIKE: &[Parameter] = &[parameter("usd", 5, (1, 1_000_000)), parameter("times", 3, (2, 1000))];
const DENIALS: &[Parameter] = &[parameter("count", 20, (1, 1_000_000))];
const ERROR_SHARE: &[Parameter] =
    &[parameter("percent", 20, (1, 100)), parameter("calls", 50, (1, 1_000_000))];
const LIMIT_BURN: &[Parameter] = &[parameter("percent", 100, (10, 1000))];
const UNUSED_KEY: &[Parameter] = &[parameter("days", 90, (1, 3650))];
const BACKUP_OLD: &[Parameter] = &[parameter("days", 7, (1, 365))];
const CLOCK_SKEW: &[Parameter] = &[parameter("seconds", 30, (2, 3600))];

/// Settings of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// True if nobody is told.
    pub is_off: bool,
    figures: BTreeMap<&'static str, i64>,
}

impl Rule {
    /// Tells whether it has settings of this kind. Thresholds of limits have percentages instead, and what happens once is told.
    #[must_use]
    pub const fn has_settings(self) -> bool {
        matches!(
            self,
            Self::LimitForecast
                | Self::LimitBurn
                | Self::SpendSpike
                | Self::Denials
                | Self::ErrorShare
                | Self::CredentialUnhealthy
                | Self::NoCredential
                | Self::Expires
                | Self::RotationDue
                | Self::UnusedKey
                | Self::ClockSkew
                | Self::BackupOld
                | Self::DbSlow
        )
    }

    /// Its figures that can be set.
    #[must_use]
    pub const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::SpendSpike => SPEND_SPIKE,
            Self::Denials => DENIALS,
            Self::ErrorShare => ERROR_SHARE,
            Self::LimitBurn => LIMIT_BURN,
            Self::UnusedKey => UNUSED_KEY,
            Self::BackupOld => BACKUP_OLD,
            Self::ClockSkew => CLOCK_SKEW,
            _ => &[],
        }
    }

    fn parameter(self, name: &str) -> Option<&'static Parameter> {
        self.parameters().iter().find(|parameter| parameter.name == name)
    }
}

impl Settings {
    /// Reads settings that somebody gives: names of figures, each with its value.
    ///
    /// # Errors
    /// [`Problem`] on the field `rule` or `figures`, naming what there is.
    pub fn of(rule: Rule, is_off: bool, given: &BTreeMap<String, i64>) -> Result<Self, Problem> {
        if !rule.has_settings() {
            let names: Vec<&str> =
                Rule::ALL.into_iter().filter(|rule| rule.has_settings()).map(Rule::as_str).collect();
            let message = format!("only these rules have settings: {}", names.join(", "));
            return Err(Problem::invalid("rule", message));
        }
        let mut figures = BTreeMap::new();
        for (name, value) in given {
            let Some(parameter) = rule.parameter(name) else {
                let names: Vec<&str> = rule.parameters().iter().map(|it| it.name).collect();
                let message = match names.as_slice() {
                    [] => "this rule has no figure that can be set; it can be turned off".to_owned(),
                    names => format!("the figures of this rule are {}", names.join(", ")),
                };
                return Err(Problem::invalid("figures", message));
            };
            let (least, most) = parameter.range;
            if !(least..=most).contains(value) {
                return Err(Problem::invalid(
                    "figures",
                    format!("{} must be {least} to {most}", parameter.name),
                ));
            }
            figures.insert(parameter.name, *value);
        }
        Ok(Self { is_off, figures })
    }

    /// A figure of a rule: as it is set, or as it is by itself.
    #[must_use]
    pub fn get(&self, rule: Rule, name: &str) -> i64 {
        let usual = rule.parameter(name).map_or(0, |parameter| parameter.usual);
        self.figures.get(name).copied().unwrap_or(usual)
    }

    /// The figures that are set.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, i64)> {
        self.figures.iter().map(|(name, value)| (*name, *value))
    }

    /// The form in the database: `off`, or `usd=50 times=5`.
    #[must_use]
    pub fn stored(&self) -> String {
        let off = self.is_off.then(|| "off".to_owned());
        let figures = self.figures().map(|(name, value)| format!("{name}={value}"));
        off.into_iter().chain(figures).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Settings::stored`] has written; `None` for anything else.
    #[must_use]
    pub fn from_stored(rule: Rule, text: &str) -> Option<Self> {
        let mut settings = Self::default();
        for part in text.split_ascii_whitespace() {
            match part.split_once('=') {
                None if part == "off" => settings.is_off = true,
                None => return None,
                Some((name, value)) => {
                    settings.figures.insert(rule.parameter(name)?.name, value.parse().ok()?);
                }
            }
        }
        Some(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn settings_read_back_and_what_is_not_set_is_usual() {
        let set = Settings::of(Rule::SpendSpike, false, &given(&[("usd", 50)])).unwrap();
        assert_eq!((set.get(Rule::SpendSpike, "usd"), set.get(Rule::SpendSpike, "times")), (50, 3));
        assert_eq!(Settings::from_stored(Rule::SpendSpike, &set.stored()), Some(set));
        let off = Settings::of(Rule::NoCredential, true, &given(&[])).unwrap();
        assert_eq!((off.stored().as_str(), off.is_off), ("off", true));
        assert_eq!(Settings::from_stored(Rule::NoCredential, "off"), Some(off));
        assert_eq!(Settings::from_stored(Rule::Denials, ""), Some(Settings::default()));
        assert_eq!(Settings::from_stored(Rule::Denials, "usd=5"), None);
    }

    #[test]
    fn figures_that_a_rule_has_not_or_that_are_out_of_range_are_refused() {
        for (rule, pairs, field) in [
            (Rule::LimitThreshold, &[][..], "rule"),
            (Rule::Leak, &[], "rule"),
            (Rule::Denials, &[("usd", 5)], "figures"),
            (Rule::Expires, &[("days", 5)], "figures"),
            (Rule::ErrorShare, &[("percent", 101)], "figures"),
            (Rule::Denials, &[("count", 0)], "figures"),
        ] {
            let problem = Settings::of(rule, false, &given(pairs)).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{rule:?}");
        }
    }
}
