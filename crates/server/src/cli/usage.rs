//! `strongroom usage`: what every credential has spent, and which are close to their limit.

mod chart;
mod records;
mod report;

use clap::{Args, Subcommand};
use serde::Serialize;
use strongroom_client::wire::credential::{Credential, ListCredentials};
use strongroom_model::Millis;

use super::completion::names;
use super::exit::{CliResult, Exit};
use super::output::{Table, or_dash};
use super::session::Session;

/// Options of `usage`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct UsageOptions {
    #[command(subcommand)]
    command: Option<UsageCommand>,

    #[command(flatten)]
    report: report::ReportOptions,

    /// Warn of credentials that have used more than this share of their monthly limit
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = share)]
    threshold: f64,

    /// Only of this provider
    #[arg(long, short, add = names::providers())]
    provider: Option<String>,
}

/// `strongroom usage …`
#[derive(Debug, Subcommand)]
enum UsageCommand {
    /// List single uses, the newest first
    Records(records::RecordsOptions),
    /// Show the uses of one request
    Show(records::ShowOptions),
    /// Prove that all counters and sums equal the ledger
    Verify,
    /// Make every sum of hours, and of single credentials, tokens and users, again from the records and the days
    Rebuild,
    /// Price uses again, by the current price table
    Reprice(report::RepriceOptions),
}

fn share(text: &str) -> Result<f64, String> {
    let wrong = || "expected a number from 0 to 1, such as 0.8".to_owned();
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(wrong)
}

/// The usage of one credential.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    id: i64,
    name: String,
    provider: String,
    usage_count: i64,
    current_month_usage: i64,
    rate_limit: Option<i64>,
    /// `currentMonthUsage / rateLimit`; absent without a limit.
    share: Option<f64>,
    above_threshold: bool,
    last_used: Option<Millis>,
}

impl Usage {
    fn of(credential: Credential, threshold: f64) -> Self {
        let share = credential.rate_limit.map(|limit| share_of(credential.current_month_usage, limit));
        Self {
            id: credential.id,
            name: credential.name,
            provider: credential.provider,
            usage_count: credential.usage_count,
            current_month_usage: credential.current_month_usage,
            rate_limit: credential.rate_limit,
            share,
            above_threshold: share.is_some_and(|share| share > threshold),
            last_used: credential.last_used,
        }
    }

    fn percent(&self) -> Option<String> {
        self.share.map(|share| format!("{}%", (share * 100.0).round()))
    }
}

/// A limit of 0 allows nothing, so it is used up from the start.
fn share_of(used: i64, limit: i64) -> f64 {
    if limit == 0 { 1.0 } else { used as f64 / limit as f64 }
}

/// Runs the command.
pub(super) async fn run(options: UsageOptions, session: &Session) -> CliResult {
    match options.command {
        Some(UsageCommand::Records(options)) => return records::list(options, session).await,
        Some(UsageCommand::Show(options)) => return records::show(options, session).await,
        Some(UsageCommand::Verify) => return report::verify(session).await,
        Some(UsageCommand::Rebuild) => return report::rebuild(session).await,
        Some(UsageCommand::Reprice(options)) => return report::reprice(options, session).await,
        None if options.report.is_asked_for() => {
            return report::run(options.report, options.provider, session).await;
        }
        None => {}
    }
    let query = ListCredentials { provider: options.provider, ..ListCredentials::default() };
    let credentials = session.client.all_credentials(query).await?;
    let usage: Vec<Usage> =
        credentials.into_iter().map(|credential| Usage::of(credential, options.threshold)).collect();
    session.output.list(usage.as_slice(), table)?;
    for near in usage.iter().filter(|usage| usage.above_threshold) {
        session.output.warn(&format!("{} at {} of rate limit", near.name, or_dash(near.percent())));
    }
    Ok(Exit::Ok)
}

fn table(usage: &[Usage]) -> Table {
    let mut table = Table::new(["name", "provider", "total", "this month", "used", "last used", "alert"]);
    for row in usage {
        let limit = row.rate_limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
        table.row([
            row.name.clone(),
            row.provider.clone(),
            row.usage_count.to_string(),
            format!("{}/{limit}", row.current_month_usage),
            or_dash(row.percent()),
            or_dash(row.last_used),
            if row.above_threshold { "near limit" } else { "" }.to_owned(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(used: i64, limit: Option<i64>) -> Credential {
        let at = Millis(0);
        Credential {
            id: 1,
            uid: String::new(),
            name: "openai-primary".to_owned(),
            provider: "openai".to_owned(),
            endpoint: None,
            priority: 40,
            is_active: true,
            frozen_at: None,
            is_global: true,
            user_id: None,
            usage_count: 1250,
            current_month_usage: used,
            rate_limit: limit,
            last_used: None,
            created_at: at,
            updated_at: at,
            revision: 1,
            version: 1,
            staged: None,
            expires_at: None,
            rotate_after_days: None,
            rotation_due: None,
            rotate_with: None,
            tags: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_is_above_the_threshold_is_marked() {
        for (used, limit, percent, marked) in [
            (80, Some(100), Some("80%"), false),
            (81, Some(100), Some("81%"), true),
            (1, Some(3), Some("33%"), false),
            (0, Some(0), Some("100%"), true),
            (5000, None, None, false),
        ] {
            let usage = Usage::of(credential(used, limit), 0.8);
            assert_eq!(
                (usage.percent().as_deref(), usage.above_threshold),
                (percent, marked),
                "{used}/{limit:?}"
            );
        }
    }

    #[test]
    fn the_table_shows_total_month_and_limit() {
        let shown = table(&[Usage::of(credential(45, Some(50)), 0.8)]).to_string();
        let row = shown.lines().nth(1).unwrap();
        assert_eq!(row, "openai-primary  openai    1250   45/50       90%   -          near limit");
    }

    #[test]
    fn a_threshold_is_a_share() {
        assert!(share("0.8").is_ok() && share("80").is_err() && share("x").is_err() && share("NaN").is_err());
    }
}
