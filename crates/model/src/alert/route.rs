//! Routes: which channels are told of an incident.

use super::{Level, QuietHours, Rule};
use crate::provider::Provider;

/// A route. Routes are asked in their order, and the first that matches decides, unless it says to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Of this rule alone.
    pub rule: Option<Rule>,
    /// Of this level or a more urgent one.
    pub from_level: Option<Level>,
    /// About credentials of this provider alone.
    pub provider: Option<Provider>,
    /// The channels, by name; none tells nobody.
    pub channels: Vec<String>,
    /// When it tells only what is critical.
    pub quiet: Option<QuietHours>,
    /// True if the routes behind it are asked as well.
    pub goes_on: bool,
}

impl Route {
    /// Tells whether it is for this incident.
    #[must_use]
    pub fn matches(&self, rule: Rule, level: Level, provider: Option<&Provider>) -> bool {
        self.rule.is_none_or(|only| only == rule)
            && self.from_level.is_none_or(|from| level >= from)
            && self.provider.as_ref().is_none_or(|only| Some(only) == provider)
    }
}

/// A channel that is to be told, and when it is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The channel's name.
    pub channel: String,
    /// When it is told only what is critical.
    pub quiet: Option<QuietHours>,
}

/// The channels that are told of an incident, each once. Without any route all channels are told of everything but what is only to be
/// known.
#[must_use]
pub fn destinations(
    routes: &[Route],
    channels: &[String],
    rule: Rule,
    level: Level,
    provider: Option<&Provider>,
) -> Vec<Destination> {
    if routes.is_empty() {
        let all = channels.iter().map(|channel| Destination { channel: channel.clone(), quiet: None });
        return if level == Level::Info { Vec::new() } else { all.collect() };
    }
    let mut found: Vec<Destination> = Vec::new();
    for route in routes.iter().filter(|route| route.matches(rule, level, provider)) {
        for channel in route.channels.iter().filter(|channel| channels.contains(channel)) {
            if !found.iter().any(|it| it.channel == *channel) {
                found.push(Destination { channel: channel.clone(), quiet: route.quiet });
            }
        }
        if !route.goes_on {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(channels: &[&str]) -> Route {
        Route { channels: channels.iter().map(ToString::to_string).collect(), ..Route::default() }
    }

    fn told(routes: &[Route], level: Level) -> Vec<String> {
        let channels = ["ops", "night", "mail"].map(str::to_owned);
        let found = destinations(routes, &channels, Rule::LimitThreshold, level, None);
        found.into_iter().map(|one| one.channel).collect()
    }

    #[test]
    fn without_routes_everybody_is_told_of_what_is_to_be_looked_at() {
        assert_eq!(told(&[], Level::Info), [""; 0]);
        assert_eq!(told(&[], Level::Warn), ["ops", "night", "mail"]);
    }

    #[test]
    fn the_first_route_decides_unless_it_goes_on() {
        let night = Route { from_level: Some(Level::Critical), goes_on: true, ..to(&["night"]) };
        let routes = [night, to(&["ops", "gone", "ops"]), to(&["mail"])];
        assert_eq!(told(&routes, Level::Critical), ["night", "ops"]);
        assert_eq!(told(&routes, Level::Warn), ["ops"]);
        assert_eq!(told(&[to(&[])], Level::Critical), [""; 0], "a route to nowhere tells nobody");
    }

    #[test]
    fn a_route_may_be_for_one_provider_or_rule() {
        let openai = Provider::parse("openai").unwrap();
        let route = Route { provider: Some(openai.clone()), ..to(&["ops"]) };
        assert!(route.matches(Rule::UnusedKey, Level::Info, Some(&openai)));
        assert!(!route.matches(Rule::UnusedKey, Level::Info, None));
        let route = Route { rule: Some(Rule::UnusedKey), ..to(&["ops"]) };
        assert!(!route.matches(Rule::Expires, Level::Info, None));
    }
}
