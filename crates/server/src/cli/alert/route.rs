//! `strongroom alert route`: which alerts go to which channels.

use clap::{Args, Subcommand};
use strongroom_client::wire::alert::{AlertRoute, AlertRoutes};

use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Table, or_dash, yes_no};
use crate::cli::session::Session;

/// `strongroom alert route …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RouteCommand {
    /// List routes, in the order in which they are asked
    #[command(visible_alias = "ls")]
    List,
    /// Add a route behind the others
    Add(AddOptions),
    /// Remove a route
    #[command(visible_alias = "rm")]
    Remove(RouteNumber),
}

/// The route that is meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct RouteNumber {
    /// The route's place in the list, from 1
    number: usize,
}

/// Options of `alert route add`. What is not named matches all.
#[derive(Debug, Args)]
pub(in crate::cli) struct AddOptions {
    /// A channel that is told, by name; may be given several times
    #[arg(long, value_name = "CHANNEL", required = true)]
    to: Vec<String>,

    /// Alerts of this rule
    #[arg(long)]
    rule: Option<String>,

    /// Alerts of this level or a more urgent one: info, warn, high or critical
    #[arg(long, value_name = "LEVEL")]
    from_level: Option<String>,

    /// Alerts about credentials of this provider
    #[arg(long, add = names::providers())]
    provider: Option<String>,

    /// Times of the day, UTC, at which only what is critical is told, such as 22:00-07:00
    #[arg(long, value_name = "TIMES")]
    quiet: Option<String>,

    /// Ask the routes behind it as well
    #[arg(long)]
    goes_on: bool,
}

pub(super) async fn run(command: RouteCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    let AlertRoutes { mut routes } = client.list_alert_routes().await?;
    match command {
        RouteCommand::List => {
            output.list(routes.as_slice(), table)?;
            return Ok(Exit::Ok);
        }
        RouteCommand::Add(options) => routes.push(AlertRoute {
            rule: options.rule,
            from_level: options.from_level,
            provider: options.provider,
            channels: options.to,
            quiet: options.quiet,
            goes_on: options.goes_on,
        }),
        RouteCommand::Remove(RouteNumber { number }) => {
            if number == 0 || number > routes.len() {
                return Err(CliError::not_found(format!("there is no route {number}")));
            }
            routes.remove(number - 1);
        }
    }
    let set = client.set_alert_routes(&AlertRoutes { routes }).await?;
    output.list(set.routes.as_slice(), table)?;
    Ok(Exit::Ok)
}

fn table(routes: &[AlertRoute]) -> Table {
    let mut table = Table::new(["number", "rule", "from level", "provider", "to", "quiet", "goes on"]);
    for (number, route) in (1..).zip(routes) {
        table.row([
            i64::to_string(&number),
            or_dash(route.rule.as_deref()),
            or_dash(route.from_level.as_deref()),
            or_dash(route.provider.as_deref()),
            or_dash((!route.channels.is_empty()).then(|| route.channels.join(", "))),
            or_dash(route.quiet.as_deref()),
            yes_no(route.goes_on),
        ]);
    }
    table
}
