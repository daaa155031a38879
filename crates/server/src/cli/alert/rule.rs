//! `strongroom alert rule`: at how much of a limit people are told.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use strongroom_client::wire::alert::{AlertRule, AlertRuleTest, SetAlertRule, TestAlertRule};
use strongroom_model::alert::Rule;

use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Table, or_dash, properties};
use crate::cli::session::Session;

/// `strongroom alert rule …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RuleCommand {
    /// List the rules that somebody has set
    #[command(visible_alias = "ls")]
    List,
    /// Set the percentages of limits at which people are told, or the figures of another rule
    Set(SetOptions),
    /// Remove a rule
    #[command(visible_alias = "rm")]
    Remove(RuleId),
    /// Report when people would have been told in the last days; this tells nobody
    Test(TestOptions),
}

/// The rule that is meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct RuleId {
    /// The rule's id
    id: String,
}

/// The limits that a rule is for; all when none of these is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Whose {
    /// One limit, by id
    #[arg(long, value_name = "ID", add = names::limits())]
    limit: Option<String>,

    /// All limits of a credential, by name
    #[arg(long, value_name = "NAME", add = names::credentials())]
    credential: Option<String>,

    /// All limits of a token, by id
    #[arg(long, value_name = "ID", add = names::tokens())]
    token: Option<String>,

    /// All limits of a user, by id
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,
}

/// Options of `alert rule set`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SetOptions {
    /// The rule
    #[arg(value_parser = settable(), default_value = "limit_threshold")]
    rule: String,

    #[command(flatten)]
    whose: Whose,

    /// Percentages with commas between, at most four
    #[arg(long, value_name = "PERCENT", value_delimiter = ',')]
    at: Option<Vec<i64>>,

    /// Figures of another rule, such as usd=50 of spend_spike
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = figure)]
    figures: Vec<(String, i64)>,

    /// Tell nobody
    #[arg(long, conflicts_with_all = ["at", "figures"])]
    never: bool,
}

/// Options of `alert rule test`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestOptions {
    /// The rule
    #[arg(value_parser = ["limit_threshold", "limit_burn", "denials", "spend_spike"], default_value = "limit_threshold")]
    rule: String,

    #[command(flatten)]
    whose: Whose,

    /// Percentages in place of those that are set
    #[arg(long, value_name = "PERCENT", value_delimiter = ',')]
    at: Option<Vec<i64>>,

    /// Figures of another rule in place of those that are set
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = figure)]
    figures: Vec<(String, i64)>,

    /// Days to look back
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=366))]
    days: i64,
}

pub(super) async fn run(command: RuleCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    match command {
        RuleCommand::List => output.list(client.list_alert_rules().await?.as_slice(), table)?,
        RuleCommand::Set(SetOptions { rule, whose, at, figures, never }) => {
            let Whose { limit, credential, token, user_id } = whose;
            let is_threshold = rule == LIMIT_THRESHOLD;
            if is_threshold && at.is_none() && !never {
                return Err(CliError::usage("give percentages with --at, or --never"));
            }
            if !is_threshold && figures.is_empty() && !never {
                return Err(CliError::usage("give a figure with --set, such as --set usd=50, or --never"));
            }
            let body = SetAlertRule {
                limit,
                credential,
                token,
                user_id,
                rule: Some(rule),
                at: if never && is_threshold { Some(Vec::new()) } else { at },
                figures: given(figures),
                is_off: (never && !is_threshold).then_some(true),
            };
            output.data(&client.set_alert_rule(&body).await?, details)?;
        }
        RuleCommand::Remove(RuleId { id }) => output.note(&client.remove_alert_rule(&id).await?.message),
        RuleCommand::Test(TestOptions { rule, whose, at, figures, days }) => {
            let Whose { limit, credential, token, user_id } = whose;
            let (rule, figures) = (Some(rule), given(figures));
            let body =
                TestAlertRule { limit, credential, token, user_id, rule, at, figures, days: Some(days) };
            let tested = client.test_alert_rule(&body).await?;
            output.data(&tested, fires)?;
            if tested.left_out > 0 {
                let many = tested.left_out;
                output.note(&format!("{many} limits of other windows than a day or a month were left out"));
            }
        }
    }
    Ok(Exit::Ok)
}

const LIMIT_THRESHOLD: &str = "limit_threshold";

/// The rules that can be set.
fn settable() -> Vec<&'static str> {
    let figures = Rule::ALL.into_iter().filter(|rule| rule.has_settings()).map(Rule::as_str);
    std::iter::once(LIMIT_THRESHOLD).chain(figures).collect()
}

fn figure(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("a figure is NAME=NUMBER, such as usd=50")?;
    let value = value.parse().map_err(|_| "the figure must be a whole number".to_owned())?;
    Ok((name.to_owned(), value))
}

fn given(figures: Vec<(String, i64)>) -> Option<BTreeMap<String, i64>> {
    (!figures.is_empty()).then(|| figures.into_iter().collect())
}

fn percentages(rule: &AlertRule) -> String {
    if rule.rule != LIMIT_THRESHOLD {
        let figures = rule.figures.iter().map(|(name, value)| format!("{name}={value}"));
        let off = rule.is_off.then(|| "off".to_owned());
        return or_dash(Some(off.into_iter().chain(figures).collect::<Vec<_>>().join(" ")));
    }
    let all: Vec<String> = rule.at.iter().map(|percent| format!("{percent} %")).collect();
    or_dash((!all.is_empty()).then(|| all.join(", ")))
}

fn of(rule: &AlertRule) -> String {
    match rule.scope_kind.as_str() {
        "all" => rule.scope_name.clone(),
        kind => format!("{kind} {}", rule.scope_name),
    }
}

fn details(rule: &AlertRule) -> Table {
    properties([
        ("id", rule.id.clone()),
        ("rule", rule.rule.clone()),
        ("of", of(rule)),
        ("at", percentages(rule)),
        ("changed", rule.updated_at.to_string()),
    ])
}

fn table(rules: &[AlertRule]) -> Table {
    let mut table = Table::new(["id", "rule", "of", "at", "changed"]);
    for rule in rules {
        table.row([
            rule.id.clone(),
            rule.rule.clone(),
            of(rule),
            percentages(rule),
            rule.updated_at.to_string(),
        ]);
    }
    table
}

fn fires(tested: &AlertRuleTest) -> Table {
    let mut table = Table::new(["at", "of", "says"]);
    for fire in &tested.fires {
        table.row([fire.at.to_string(), fire.subject.clone(), fire.text.clone()]);
    }
    table
}
