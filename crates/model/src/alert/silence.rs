//! What a silence covers.

use super::{Level, Rule};

/// The incidents that a silence covers; what is not named covers all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SilenceMatcher {
    /// Of this rule.
    pub rule: Option<Rule>,
    /// About a subject of this kind and identity.
    pub subject: Option<(String, String)>,
    /// At most of this level.
    pub up_to: Option<Level>,
}

impl SilenceMatcher {
    /// Tells whether it covers an incident.
    #[must_use]
    pub fn covers(&self, rule: Rule, level: Level, subject: (&str, &str)) -> bool {
        let Self { rule: only, subject: of, up_to } = self;
        only.is_none_or(|only| only == rule)
            && of.as_ref().is_none_or(|(kind, id)| (kind.as_str(), id.as_str()) == subject)
            && up_to.is_none_or(|up_to| level <= up_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_covers_all() {
        let all = SilenceMatcher::default();
        let one = SilenceMatcher {
            rule: Some(Rule::Expires),
            subject: Some(("credential".to_owned(), "c1".to_owned())),
            up_to: Some(Level::High),
        };
        let subject = ("credential", "c1");
        assert!(all.covers(Rule::UnusedKey, Level::Critical, subject));
        assert!(one.covers(Rule::Expires, Level::High, subject));
        assert!(!one.covers(Rule::Expires, Level::Critical, subject));
        assert!(!one.covers(Rule::UnusedKey, Level::High, subject));
        assert!(!one.covers(Rule::Expires, Level::High, ("credential", "c2")));
    }
}
