//! Rules that rest on figures: each fires once, on however many servers, and is over by itself.

use std::collections::BTreeMap;

use strongroom::alert::{IncidentFilter, IncidentView, Level, Rule, Settings};
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, Strongroom};

use super::ground::{Ground, ground, new};

/// 2026-01-15T12:00:00Z, a Thursday: neither the month nor the day ends within a test.
const NOON: Millis = Millis(1_768_478_400_000);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn limited(name: &str, limit: i64) -> NewCredential {
    NewCredential { rate_limit: Some(limit), ..new(name) }
}

async fn read(ground: &Ground, name: &str, times: usize) {
    for _ in 0..times {
        ground.service().get_credential(name, None).await.expect("an answer").expect("a credential");
    }
}

async fn of(room: &Strongroom, rule: Rule) -> Vec<IncidentView> {
    let filter = IncidentFilter { rule: Some(rule), ..IncidentFilter::default() };
    let mut all = room.alerts(Actor::library()).list(&filter, 100).await.expect("a list");
    all.sort_by_key(|it| it.incident.mark);
    all
}

async fn states(room: &Strongroom, rule: Rule) -> Vec<(i64, Level, &'static str)> {
    of(room, rule).await.iter().map(|it| (it.incident.mark, it.incident.level, it.state)).collect()
}

impl Ground {
    async fn later(&self, milliseconds: i64) {
        let now = self.room.now().await.expect("an instant");
        self.clock.set(Millis(now.0 + milliseconds));
    }
}

/// Writes a row whose figures are all nothing but these.
async fn row(ground: &Ground, table: &str, named: &[(&str, String)], figures: &[&str]) {
    let is_named = |column: &&&str| !named.iter().any(|(name, _)| name == *column);
    let rest: Vec<&str> = figures.iter().filter(is_named).copied().collect();
    let columns: Vec<&str> = named.iter().map(|(name, _)| *name).chain(rest.iter().copied()).collect();
    let values: Vec<String> =
        named.iter().map(|(_, value)| value.clone()).chain(rest.iter().map(|_| "0".to_owned())).collect();
    let sql = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", "));
    assert_eq!(ground.database.execute(&sql).await, 1);
}

const SUMS: [&str; 15] = [
    "requests",
    "client_requests",
    "errors_client",
    "errors_provider",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "unpriced",
    "first_byte_ms_sum",
    "first_byte_count",
    "total_ms_sum",
    "total_count",
];

async fn hour_of(ground: &Ground, (dim, subject): (&str, &str), start: i64, figure: &str, value: i64) {
    let named = [
        ("dim", format!("'{dim}'")),
        ("subject", format!("'{subject}'")),
        ("hour_start_ms", start.to_string()),
        ("region", "'main'".to_owned()),
        (figure, value.to_string()),
    ];
    row(ground, "usage_subject_hours", &named, &SUMS).await;
}

#[tokio::test]
async fn a_limit_that_refuses_again_and_again_is_told_of_once() {
    let ground = ground().await;
    ground.clock.set(NOON);
    ground.make(limited("one", 3)).await;
    read(&ground, "one", 3).await;
    let refuse = async |times: usize| {
        for _ in 0..times {
            ground.service().get_credential("one", None).await.unwrap_err();
        }
        ground.room.write_observations().await.unwrap();
        ground.room.watch_limits().await.unwrap();
    };
    refuse(19).await;
    assert_eq!(states(&ground.room, Rule::Denials).await, []);
    refuse(1).await;
    assert_eq!(states(&ground.room, Rule::Denials).await, [(0, Level::Warn, "firing")]);
    refuse(30).await;
    ground.node().await.watch_limits().await.unwrap();
    let told = of(&ground.room, Rule::Denials).await;
    assert_eq!(told.len(), 1, "once");
    assert!(
        told[0].says.contains("credential \"one\": its limit of 3 requests per month has refused 20 uses"),
        "{}",
        told[0].says
    );
    ground.later(11 * MINUTE).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::Denials).await, [(0, Level::Warn, "firing")], "for 15 minutes");
    ground.later(16 * MINUTE).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::Denials).await, [(0, Level::Warn, "resolved")]);
    // It is told once more when it begins once more.
    refuse(20).await;
    assert_eq!(of(&ground.room, Rule::Denials).await.len(), 2);
}

async fn slot(ground: &Ground, start: i64, class: i64, records: i64) {
    let mut figures =
        vec!["client_requests", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"];
    figures.extend([
        "reasoning_tokens",
        "cost_nano_usd",
        "unpriced",
        "first_byte_ms_sum",
        "first_byte_count",
    ]);
    figures.extend(["total_ms_sum", "total_count", "streamed_ms_sum"]);
    let classes: Vec<String> =
        (0..12).flat_map(|class| [format!("first_byte_{class}"), format!("total_{class}")]).collect();
    figures.extend(classes.iter().map(String::as_str));
    let named = [
        ("start_ms", start.to_string()),
        ("region", "'main'".to_owned()),
        ("shard", "0".to_owned()),
        ("kind", "'call'".to_owned()),
        ("provider", "'openai'".to_owned()),
        ("model", "'m'".to_owned()),
        ("source", "'database'".to_owned()),
        ("status_class", class.to_string()),
        ("records", records.to_string()),
        ("requests", records.to_string()),
    ];
    row(ground, "usage_5m", &named, &figures).await;
}

#[tokio::test]
async fn a_provider_that_fails_too_often_is_told_of_until_it_is_well_for_ten_minutes() {
    let ground = ground().await;
    ground.clock.set(NOON);
    // The caller's own errors are none of the provider.
    slot(&ground, NOON.0, 4, 30).await;
    slot(&ground, NOON.0, 5, 9).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::ErrorShare).await, [], "few calls");
    slot(&ground, NOON.0 - 5 * MINUTE, 0, 11).await;
    ground.room.watch_limits().await.unwrap();
    ground.node().await.watch_limits().await.unwrap();
    let told = of(&ground.room, Rule::ErrorShare).await;
    assert_eq!((told.len(), told[0].state, told[0].kind.as_str()), (1, "firing", "provider"));
    assert!(
        told[0].says.contains("provider \"openai\" has failed in 40.0 % of its calls"),
        "{}",
        told[0].says
    );
    ground.later(20 * MINUTE).await;
    slot(&ground, NOON.0 + 20 * MINUTE, 2, 5).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::ErrorShare).await, [(0, Level::Warn, "firing")]);
    ground.later(10 * MINUTE).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::ErrorShare).await, [(0, Level::Warn, "resolved")]);
}

#[tokio::test]
async fn keys_that_a_provider_does_not_serve_are_told_of_and_a_provider_without_any() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let made = ground.make(new("one")).await;
    let note = async |node: &str, state: &str| {
        let sql = format!(
            "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
             VALUES ('{}', '{node}', 'main', '{}', '{state}', 0, 0, 1)",
            made.uid, made.version
        );
        ground.database.execute(&sql).await;
        ground.room.watch_limits().await.unwrap();
    };
    note("a", "rate_limited").await;
    assert_eq!(states(&ground.room, Rule::CredentialUnhealthy).await, [], "for ten minutes at the least");
    ground.later(10 * MINUTE).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::CredentialUnhealthy).await, [(4, Level::Warn, "firing")]);
    assert_eq!(states(&ground.room, Rule::NoCredential).await, [], "it will serve again");
    ground.database.execute("DELETE FROM credential_health").await;
    note("a", "bad_key").await;
    ground.node().await.watch_limits().await.unwrap();
    assert_eq!(
        states(&ground.room, Rule::CredentialUnhealthy).await,
        [(1, Level::Critical, "firing"), (4, Level::Warn, "resolved")]
    );
    let told = of(&ground.room, Rule::CredentialUnhealthy).await;
    assert_eq!(told[0].says, "the provider does not accept the key of credential \"one\"");
    let alone = of(&ground.room, Rule::NoCredential).await;
    assert_eq!((alone.len(), alone[0].incident.level, alone[0].state), (1, Level::Critical, "firing"));
    assert_eq!(alone[0].says, "provider \"openai\" has no credential left that can serve");
    // Another key serves, and the first one is taken out of use on purpose.
    ground.make(new("two")).await;
    let patch = CredentialPatch { is_active: Some(false), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    for rule in [Rule::CredentialUnhealthy, Rule::NoCredential] {
        assert!(of(&ground.room, rule).await.iter().all(|it| it.state == "resolved"), "{rule:?}");
    }
}

#[tokio::test]
async fn figures_of_rules_are_set_turned_off_and_tried_against_the_past() {
    let ground = ground().await;
    ground.clock.set(NOON);
    ground.make(limited("one", 3)).await;
    read(&ground, "one", 3).await;
    for _ in 0..30 {
        ground.service().get_credential("one", None).await.unwrap_err();
    }
    ground.room.write_observations().await.unwrap();
    let alerts = ground.room.alerts(Actor::library());
    let count = |number: i64| {
        Settings::of(Rule::Denials, false, &BTreeMap::from([("count".to_owned(), number)])).unwrap()
    };
    alerts.set_rule_settings(Rule::Denials, &count(31)).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::Denials).await, []);
    let tested = alerts.backtest_figures(Rule::Denials, None, 30).await.unwrap();
    assert_eq!(tested.fires.len(), 0, "as it is set");
    let tested = alerts.backtest_figures(Rule::Denials, Some(count(30)), 30).await.unwrap();
    let says: Vec<_> = tested.fires.iter().map(|fire| format!("{}: {}", fire.subject, fire.says)).collect();
    assert_eq!(says, ["one: 30 uses refused within five minutes"]);
    assert_eq!(states(&ground.room, Rule::Denials).await, [], "a test tells nobody");
    alerts.set_rule_settings(Rule::Denials, &count(30)).await.unwrap();
    ground.node().await.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::Denials).await, [(0, Level::Warn, "firing")]);
    let off = Settings::of(Rule::Denials, true, &BTreeMap::new()).unwrap();
    alerts.set_rule_settings(Rule::Denials, &off).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    ground.later(16 * MINUTE).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(states(&ground.room, Rule::Denials).await, [(0, Level::Warn, "resolved")]);
    let rules = alerts.rules().await.unwrap();
    assert_eq!((rules.len(), rules[0].name.as_str()), (1, "denials"));
    alerts.remove_rule(rules[0].rule.uid).await.unwrap();
    assert!(alerts.rules().await.unwrap().is_empty());
    assert_eq!(ground.entries("alert.rule_set").await.len(), 3);
    for rule in [Rule::ErrorShare, Rule::LimitThreshold] {
        let problem = alerts.backtest_figures(rule, None, 30).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("rule"), "{rule:?}");
    }
}

#[tokio::test]
async fn rates_and_spikes_of_the_past_are_found_once_each() {
    const DOLLAR: i64 = 1_000_000_000;
    let ground = ground().await;
    ground.clock.set(Millis(NOON.0 + 20 * MINUTE));
    let made = ground.make(limited("one", 1000)).await;
    read(&ground, "one", 1).await;
    let limit = ground.value("SELECT uid FROM limits").await;
    let start = ground.value("SELECT window_start_ms FROM counters").await;
    // Two a day are no rate; a hundred within an hour are.
    for (ago, used) in
        [(30 * HOUR, 2), (6 * HOUR, 4), (5 * HOUR, 104), (4 * HOUR, 105), (2 * HOUR, 105), (HOUR, 106)]
    {
        let named = [
            ("limit_uid", format!("'{limit}'")),
            ("window_start_ms", start.clone()),
            ("at_ms", (NOON.0 - ago).to_string()),
            ("region", "'main'".to_owned()),
            ("amount", "1000".to_owned()),
            ("settled", used.to_string()),
        ];
        row(&ground, "limit_samples", &named, &["adjusted", "held", "carved", "refused"]).await;
    }
    let alerts = ground.room.alerts(Actor::library());
    let burns = alerts.backtest_figures(Rule::LimitBurn, None, 7).await.unwrap();
    assert_eq!(burns.fires.len(), 1, "{burns:?}");
    assert_eq!((burns.fires[0].at, burns.limits), (Millis(NOON.0 - 5 * HOUR), 1));
    assert!(burns.fires[0].says.ends_with("times as fast as it lasts"));
    let subject = made.uid.to_string();
    let first = [
        ("dim", "'credential'".to_owned()),
        ("subject", format!("'{subject}'")),
        ("day_start_ms", (NOON.0 - NOON.0 % DAY - 28 * DAY).to_string()),
        ("region", "'main'".to_owned()),
    ];
    row(&ground, "usage_subject_days", &first, &SUMS).await;
    for (start, dollars) in [(NOON.0 - 7 * DAY, 9), (NOON.0 - HOUR, 40), (NOON.0, 45)] {
        hour_of(&ground, ("credential", &subject), start, "cost_nano_usd", dollars * DOLLAR).await;
    }
    let spikes = alerts.backtest_figures(Rule::SpendSpike, None, 3).await.unwrap();
    let says: Vec<_> = spikes.fires.iter().map(|fire| format!("{}: {}", fire.subject, fire.says)).collect();
    assert_eq!(says, ["one: $40.00 spent within an hour"], "what goes on is one");
}

#[tokio::test]
async fn a_limit_that_is_used_far_faster_than_it_lasts_is_told_of() {
    let ground = ground().await;
    ground.clock.set(NOON);
    ground.make(limited("one", 1000)).await;
    read(&ground, "one", 1).await;
    ground.room.sample_limits().await.unwrap();
    ground.room.watch_figures().await.unwrap();
    ground.later(61 * MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitBurn).await, [], "one use is no rate");
    // 14.4 times the rate of January are 19.35 an hour.
    read(&ground, "one", 19).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitBurn).await, []);
    read(&ground, "one", 1).await;
    ground.room.watch_figures().await.unwrap();
    ground.node().await.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitBurn).await, [(144, Level::High, "firing")]);
    let told = of(&ground.room, Rule::LimitBurn).await;
    assert!(
        told[0].says.contains("uses its limit of 1000 requests per month 14.8 times as fast as it lasts"),
        "{}",
        told[0].says
    );
    ground.room.sample_limits().await.unwrap();
    ground.later(6 * MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitBurn).await, [(144, Level::High, "resolved")]);
}

#[tokio::test]
async fn a_limit_that_is_going_to_be_used_up_is_told_of_when_it_is_seen_twice() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let made = ground.make(limited("one", 3000)).await;
    read(&ground, "one", 1).await;
    ground.room.sample_limits().await.unwrap();
    // Ten an hour: almost 4,000 until the end of the month.
    for ago in 0..14 * 24 {
        hour_of(&ground, ("credential", &made.uid.to_string()), NOON.0 - ago * HOUR, "requests", 10).await;
    }
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitForecast).await, [], "once");
    ground.later(MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    ground.node().await.watch_figures().await.unwrap();
    let told = of(&ground.room, Rule::LimitForecast).await;
    assert_eq!((told.len(), told[0].incident.level, told[0].state), (1, Level::Warn, "firing"));
    assert!(
        told[0].says.contains("is going to use up its limit of 3000 requests per month"),
        "{}",
        told[0].says
    );
    let patch = CredentialPatch { rate_limit: Some(Some(100_000)), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitForecast).await, [(0, Level::Warn, "firing")], "for 2 hours");
    ground.later(2 * HOUR + MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::LimitForecast).await, [(0, Level::Warn, "resolved")]);
}

#[tokio::test]
async fn an_hour_that_costs_far_more_than_usual_is_told_of() {
    const DOLLAR: i64 = 1_000_000_000;
    let ground = ground().await;
    ground.clock.set(Millis(NOON.0 + 20 * MINUTE));
    let made = ground.make(new("one")).await;
    let subject = made.uid.to_string();
    hour_of(&ground, ("credential", &subject), NOON.0, "cost_nano_usd", 40 * DOLLAR).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::SpendSpike).await, [], "it is not known for a week");
    let first = [
        ("dim", "'credential'".to_owned()),
        ("subject", format!("'{subject}'")),
        ("day_start_ms", (NOON.0 - NOON.0 % DAY - 28 * DAY).to_string()),
        ("region", "'main'".to_owned()),
    ];
    row(&ground, "usage_subject_days", &first, &SUMS).await;
    for week in 1..=4 {
        let start = NOON.0 - week * 7 * DAY;
        hour_of(&ground, ("credential", &subject), start, "cost_nano_usd", (9 + week % 2) * DOLLAR).await;
    }
    ground.room.watch_figures().await.unwrap();
    ground.node().await.watch_figures().await.unwrap();
    let told = of(&ground.room, Rule::SpendSpike).await;
    assert_eq!((told.len(), told[0].incident.level, told[0].state), (1, Level::Warn, "firing"));
    assert!(
        told[0].says.starts_with("credential \"one\" has spent $40.00")
            && told[0].says.ends_with("usual are $9.50"),
        "{}",
        told[0].says
    );
    ground.later(HOUR).await;
    ground.room.watch_figures().await.unwrap();
    ground.later(HOUR + 59 * MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::SpendSpike).await, [(0, Level::Warn, "firing")], "for 2 hours");
    ground.later(MINUTE).await;
    ground.room.watch_figures().await.unwrap();
    assert_eq!(states(&ground.room, Rule::SpendSpike).await, [(0, Level::Warn, "resolved")]);
}
