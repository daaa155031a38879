//! `strongroom route`: where a model's name goes.

use clap::{Args, Subcommand};
use strongroom_client::wire::route::ExplainedRoute;

use super::exit::{CliResult, Exit};
use super::output::{Table, yes_no};
use super::session::Session;

/// `strongroom route …`
#[derive(Debug, Subcommand)]
pub(super) enum RouteCommand {
    /// Show which provider serves a model's name on /v1, and why; exits with 3 if none does
    Explain(ExplainOptions),
}

/// Options of `route explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// The name that programs ask for, such as openai/gpt-4o-mini
    model: String,
}

/// Runs the command.
pub(super) async fn run(command: RouteCommand, session: &Session) -> CliResult {
    let RouteCommand::Explain(options) = command;
    let explained = session.client.explain_route(&options.model).await?;
    session.output.data(&explained, table)?;
    Ok(match &explained.refusal {
        Some(refusal) => {
            session.output.problem(refusal);
            Exit::NotFound
        }
        None => Exit::Ok,
    })
}

fn table(explained: &ExplainedRoute) -> Table {
    let mut table = Table::new(["provider", "model there", "served", "why"]);
    for place in &explained.places {
        let why = if explained.is_alias {
            format!("the alias names it; {}", place.reason)
        } else {
            place.reason.clone()
        };
        table.row([place.provider.clone(), place.model.clone(), yes_no(place.is_served), why]);
    }
    table
}
