//! `strongroom limit`: how much may be used, of whom, over which time.

mod history;

use clap::{Args, Subcommand, ValueEnum};
use strongroom_client::ClientError;
use strongroom_client::wire::alert::SetAlertRule;
use strongroom_client::wire::limit::{Limit, LimitsTest, SetLimit, TestLimits};

use super::completion::names;
use super::count::parse_count;
use super::exit::{CliError, CliResult, Exit};
use super::money::{parse_usd, usd};
use super::output::{Table, or_dash, properties, yes_no};
use super::resolve;
use super::session::Session;

/// `strongroom limit …`
#[derive(Debug, Subcommand)]
pub(super) enum LimitCommand {
    /// Set a limit on a credential, a token or a user, or change its amount
    Set(SetOptions),
    /// List limits, with what is used and left
    #[command(visible_alias = "ls")]
    List,
    /// Show a limit
    Show(LimitId),
    /// Show how a limit came to where it stands, and when it is used up
    History(history::HistoryOptions),
    /// Change the amount of a limit; what was used stays used
    Update(UpdateOptions),
    /// Remove a limit
    #[command(visible_alias = "rm")]
    Remove(LimitId),
    /// Check whether a call would pass all limits; this counts nothing, and exits with 5 if it would be refused
    Test(TestOptions),
}

/// The limit that is meant.
#[derive(Debug, Args)]
pub(super) struct LimitId {
    /// The limit's id
    #[arg(add = names::limits())]
    id: String,
}

/// The subject of a limit.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// A credential, by name
    #[arg(long, value_name = "NAME", add = names::credentials())]
    credential: Option<String>,

    /// A token, by id
    #[arg(long, value_name = "ID", add = names::tokens())]
    token: Option<String>,

    /// A user, by id
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,
}

/// The amount of a limit, in one of its units.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Amount {
    /// The number of requests
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    requests: Option<i64>,

    /// The number of tokens, of prompts and answers together
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    tokens: Option<i64>,

    /// The amount in US dollars, such as 25 or 0.5
    #[arg(long, value_name = "DOLLARS", value_parser = parse_usd)]
    usd: Option<i64>,
}

impl Amount {
    fn unit(&self) -> (&'static str, i64) {
        match (self.requests, self.tokens, self.usd) {
            (Some(amount), ..) => ("requests", amount),
            (_, Some(amount), _) => ("tokens", amount),
            (.., amount) => ("nano_usd", amount.unwrap_or(0)),
        }
    }
}

/// Over which time.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum WindowName {
    /// A minute of the clock
    Minute,
    /// An hour of the clock
    Hour,
    /// A day, UTC
    Day,
    /// A calendar month, UTC
    Month,
    /// A budget that is used up once
    Prepaid,
}

/// Options of `limit set`.
#[derive(Debug, Args)]
pub(super) struct SetOptions {
    #[command(flatten)]
    whom: Whom,

    #[command(flatten)]
    amount: Amount,

    /// The window of time
    #[arg(long, value_enum)]
    per: WindowName,

    /// Percentages at which people are told, with commas between. Default: 80,95,100 per day, per month and prepaid
    #[arg(long, value_name = "PERCENT", value_delimiter = ',')]
    alert_at: Option<Vec<i64>>,
}

/// Options of `limit update`.
#[derive(Debug, Args)]
pub(super) struct UpdateOptions {
    /// The limit's id
    #[arg(add = names::limits())]
    id: String,

    /// The new amount of a limit in requests or tokens
    #[arg(long, value_name = "COUNT", value_parser = parse_count, required_unless_present = "usd")]
    amount: Option<i64>,

    /// The new amount of a limit in US dollars
    #[arg(long, value_name = "DOLLARS", value_parser = parse_usd, conflicts_with = "amount")]
    usd: Option<i64>,
}

impl UpdateOptions {
    /// The amount, when it was given in the unit that this limit counts.
    fn amount_of(&self, unit: &str) -> CliResult<i64> {
        let (given, other) = match unit {
            "nano_usd" => (self.usd, "counts US dollars: give its amount with --usd"),
            "tokens" => (self.amount, "counts tokens: give its amount with --amount"),
            _ => (self.amount, "counts requests: give its amount with --amount"),
        };
        given.ok_or_else(|| CliError::usage(format!("limit {} {other}", self.id)))
    }
}

/// Options of `limit test`.
#[derive(Debug, Args)]
pub(super) struct TestOptions {
    /// A call with this credential
    #[arg(long, value_name = "NAME", required_unless_present_any = ["token", "user_id"], add = names::credentials())]
    credential: Option<String>,

    /// A call by the token with this id
    #[arg(long, value_name = "ID", add = names::tokens())]
    token: Option<String>,

    /// A call by this user
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,

    /// A call to this model
    #[arg(long)]
    model: Option<String>,

    /// Tokens in the prompt
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    input_tokens: Option<i64>,

    /// The most tokens in the answer
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    output_tokens: Option<i64>,
}

/// Runs the command.
pub(super) async fn run(command: LimitCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    match command {
        LimitCommand::Set(options) => {
            let (unit, amount) = options.amount.unit();
            let window = options.per.to_possible_value().map(|value| value.get_name().to_owned());
            let body = SetLimit {
                credential: options.whom.credential,
                token: options.whom.token,
                user_id: options.whom.user_id,
                unit: unit.to_owned(),
                window: window.unwrap_or_default(),
                amount,
            };
            let set = client.set_limit(&body).await;
            let whom = (body.credential.as_deref(), body.token.as_deref(), body.user_id);
            let set = set.map_err(|error| of_whom(error, whom))?;
            if let Some(at) = options.alert_at {
                let rule =
                    SetAlertRule { limit: Some(set.id.clone()), at: Some(at), ..SetAlertRule::default() };
                client.set_alert_rule(&rule).await?;
            }
            output.data(&set, details)?;
        }
        LimitCommand::List => output.list(client.list_limits().await?.as_slice(), table)?,
        LimitCommand::Show(LimitId { id }) => output.data(&client.get_limit(&id).await?, details)?,
        LimitCommand::History(options) => history::run(options, session).await?,
        LimitCommand::Update(options) => {
            let unit = client.get_limit(&options.id).await?.unit;
            let amount = options.amount_of(&unit)?;
            output.data(&client.change_limit(&options.id, amount).await?, details)?;
        }
        LimitCommand::Remove(LimitId { id }) => {
            let limit = client.get_limit(&id).await?;
            let amount = amount_of(&limit, limit.amount);
            session.confirm(&format!("Remove the limit of {amount} on {}?", whom(&limit)))?;
            output.note(&client.remove_limit(&id).await?.message);
        }
        LimitCommand::Test(options) => {
            let body = TestLimits {
                credential: options.credential,
                token: options.token,
                user_id: options.user_id,
                model: options.model,
                input_tokens: options.input_tokens,
                output_tokens: options.output_tokens,
            };
            let tested = client.test_limits(&body).await;
            let whom = (body.credential.as_deref(), body.token.as_deref(), body.user_id);
            let tested = tested.map_err(|error| of_whom(error, whom))?;
            output.data(&tested, tested_table)?;
            if !tested.allowed {
                match &tested.refusal {
                    Some(refusal) => output.problem(&format!("the call would be refused: {refusal}")),
                    None => output.problem("the call would be refused"),
                }
                return Ok(Exit::LimitReached);
            }
        }
    }
    Ok(Exit::Ok)
}

/// The error; a name or id that nobody has is a thing that does not exist, and is named. The server tells it as a field that
/// is wrong.
fn of_whom(error: ClientError, whom: (Option<&str>, Option<&str>, Option<i64>)) -> CliError {
    let field = error.problem.as_ref().and_then(|problem| problem.field.as_deref());
    match (field, whom) {
        (Some("credential"), (Some(name), ..)) => resolve::unknown_credential(name),
        (Some("token"), (_, Some(id), _)) => {
            CliError::not_found(format!("there is no token with the id {id}"))
                .hint("`strongroom token list --all` shows the ids")
        }
        (Some("userId"), (.., Some(id))) => CliError::not_found(format!("there is no user with the id {id}"))
            .hint("`strongroom user list` shows the ids"),
        _ => error.into(),
    }
}

fn whom(limit: &Limit) -> String {
    format!("{} {}", limit.scope.kind, limit.scope.name)
}

fn amount_of(limit: &Limit, amount: i64) -> String {
    match limit.unit.as_str() {
        "nano_usd" => usd(amount),
        unit => format!("{amount} {unit}"),
    }
}

fn details(limit: &Limit) -> Table {
    properties([
        ("id", limit.id.clone()),
        ("of", whom(limit)),
        ("amount", amount_of(limit, limit.amount)),
        ("per", limit.window.clone()),
        ("used", amount_of(limit, limit.used)),
        ("held by calls under way", amount_of(limit, limit.held)),
        ("left", amount_of(limit, limit.remaining)),
        ("starts over", or_dash(limit.resets_at)),
        ("set", limit.created_at.to_string()),
        ("changed", limit.updated_at.to_string()),
    ])
}

fn table(limits: &[Limit]) -> Table {
    let mut table = Table::new(["id", "of", "amount", "per", "used", "left", "starts over"]);
    for limit in limits {
        table.row([
            limit.id.clone(),
            whom(limit),
            amount_of(limit, limit.amount),
            limit.window.clone(),
            amount_of(limit, limit.used),
            amount_of(limit, limit.remaining),
            or_dash(limit.resets_at),
        ]);
    }
    table
}

fn tested_table(tested: &LimitsTest) -> Table {
    let mut table = Table::new(["of", "amount", "per", "left", "needs", "passes"]);
    for one in &tested.limits {
        table.row([
            whom(&one.limit),
            amount_of(&one.limit, one.limit.amount),
            one.limit.window.clone(),
            amount_of(&one.limit, one.limit.remaining),
            one.needs.map_or_else(|| "unbounded".to_owned(), |needs| amount_of(&one.limit, needs)),
            yes_no(one.allowed),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_in_another_unit_than_the_limits_is_refused_and_the_right_option_named() {
        let given = |amount, usd| UpdateOptions { id: "l1".to_owned(), amount, usd };
        for (unit, right, wrong, says) in [
            (
                "tokens",
                given(Some(60), None),
                given(None, Some(5_000_000_000)),
                "tokens: give its amount with --amount",
            ),
            (
                "requests",
                given(Some(60), None),
                given(None, Some(60)),
                "requests: give its amount with --amount",
            ),
            ("nano_usd", given(None, Some(60)), given(Some(60), None), "dollars: give its amount with --usd"),
        ] {
            assert_eq!(right.amount_of(unit).unwrap(), 60);
            let refused = wrong.amount_of(unit).unwrap_err();
            assert_eq!(refused.exit, Exit::Usage);
            assert!(refused.message.contains(says), "{refused}");
        }
    }
}
