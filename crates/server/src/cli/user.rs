//! `strongroom user`: people and services known by an integer.

use clap::{Args, Subcommand};
use strongroom_client::wire::user::{CreateUser, UpdateUser, User};

use super::completion::names;
use super::exit::{CliError, CliResult, Exit};
use super::output::{Table, properties, yes_no};
use super::resolve;
use super::role::RoleName;
use super::session::Session;

/// `strongroom user …`
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make a user
    Add(AddOptions),
    /// List users
    #[command(visible_alias = "ls")]
    List,
    /// Show a user
    Show(UserName),
    /// Change a user
    Update(UpdateOptions),
    /// Delete a user
    #[command(visible_alias = "rm")]
    Remove(UserName),
}

/// The user that is meant.
#[derive(Debug, Args)]
pub(super) struct UserName {
    /// The user's name or id
    #[arg(add = names::users())]
    user: String,
}

/// Options of `user add`.
#[derive(Debug, Args)]
pub(super) struct AddOptions {
    /// The name, which no other user has
    name: String,

    /// The user's role
    #[arg(long, value_enum)]
    role: RoleName,

    /// The user's number, when users come from another system. Default: the next free one
    #[arg(long, value_name = "ID")]
    id: Option<i64>,
}

/// Options of `user update`. What is not given stays as it is.
#[derive(Debug, Args)]
pub(super) struct UpdateOptions {
    /// The user's name or id
    #[arg(add = names::users())]
    user: String,

    /// A new name
    #[arg(long, value_name = "NEW-NAME")]
    name: Option<String>,

    /// A new role
    #[arg(long, value_enum)]
    role: Option<RoleName>,

    /// Allow the user's requests again
    #[arg(long)]
    enable: bool,

    /// Refuse every request of the user
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

/// Runs the command.
pub(super) async fn run(command: UserCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    match command {
        UserCommand::Add(options) => {
            let role = options.role.as_str().to_owned();
            let made = client.create_user(&CreateUser { name: options.name, role, id: options.id }).await?;
            output.data(&made, details)?;
        }
        UserCommand::List => output.list(client.list_users().await?.as_slice(), table)?,
        UserCommand::Show(UserName { user }) => output.data(&resolve::user(client, &user).await?, details)?,
        UserCommand::Update(options) => {
            let body = UpdateUser {
                name: options.name,
                role: options.role.map(|role| role.as_str().to_owned()),
                is_active: (options.enable || options.disable).then_some(options.enable),
            };
            if body.name.is_none() && body.role.is_none() && body.is_active.is_none() {
                return Err(CliError::usage("nothing to change was given")
                    .hint("`strongroom user update --help` lists what can be changed"));
            }
            let user = resolve::user(client, &options.user).await?;
            output.data(&client.update_user(user.id, &body).await?, details)?;
        }
        UserCommand::Remove(UserName { user }) => {
            let user = resolve::user(client, &user).await?;
            session
                .confirm(&format!("Delete user \"{}\" (id {}, role {})?", user.name, user.id, user.role))?;
            output.note(&client.delete_user(user.id).await?.message);
        }
    }
    Ok(Exit::Ok)
}

fn details(user: &User) -> Table {
    properties([
        ("id", user.id.to_string()),
        ("name", user.name.clone()),
        ("role", user.role.clone()),
        ("active", yes_no(user.is_active)),
        ("created", user.created_at.to_string()),
        ("updated", user.updated_at.to_string()),
    ])
}

fn table(users: &[User]) -> Table {
    let mut table = Table::new(["id", "name", "role", "active", "updated"]);
    for user in users {
        table.row([
            user.id.to_string(),
            user.name.clone(),
            user.role.clone(),
            yes_no(user.is_active),
            user.updated_at.to_string(),
        ]);
    }
    table
}
