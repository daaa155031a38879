//! The command line: what can be said, and which file does it.

mod ai;
mod alert;
mod audit;
mod backup;
mod bootstrap;
mod completion;
mod config;
mod confirm;
mod count;
mod credential;
mod doctor;
mod duration;
mod examples;
pub mod exit;
mod expiry;
mod export;
pub mod global;
pub mod import;
mod instant;
mod key;
mod leak;
mod limit;
mod migrate;
mod money;
mod offboard;
mod open;
pub mod output;
mod printable;
pub mod progress;
mod provider_name;
pub mod reference;
mod resolve;
mod restore;
mod role;
mod route;
mod run;
mod scan;
pub mod secret_input;
mod serve;
pub mod session;
mod settings;
mod status;
mod table;
mod tag;
mod token;
mod usage;
mod user;
mod whole_file;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::exit::{CliError, CliResult, EXIT_CODES, Exit};
use self::global::GlobalOptions;
use self::output::Output;
use self::session::Session;

/// Keeps a team's AI API keys sealed in a database, and counts and limits what each one spends
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::ServeOptions),
    /// Update the database's schema
    Migrate(migrate::MigrateOptions),
    #[command(flatten)]
    Remote(RemoteCommand),
    /// Start a command with providers' keys in its environment
    ///
    /// Without --gateway the command has the keys themselves, and can do anything with them. With it the command has the
    /// gateway's addresses and a token that is worth nothing elsewhere. Neither confines it: a command of the same user can
    /// open the data directory and its socket as you can, and is an administrator there. Run what you do not trust as another
    /// user, or on another machine.
    Run(run::RunOptions),
    /// Back up the whole database to one sealed file, and verify such a file
    Backup(backup::BackupOptions),
    /// Find keys of providers and tokens of strongroom in files and git history
    Scan(scan::ScanOptions),
    /// Restore a backup into an empty database
    Restore(restore::RestoreOptions),
    /// The configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check step by step that everything works
    Doctor,
    /// Print a script that completes commands, options and names in a shell
    Completion(completion::CompletionOptions),
    /// Print the OpenAPI description of the HTTP API
    #[command(hide = true)]
    Openapi,
    /// Print the reference of the command line in Markdown
    #[command(hide = true)]
    CliReference,
}

/// Commands that speak to a server.
#[derive(Debug, Subcommand)]
enum RemoteCommand {
    /// Keys of providers: store, list, read, change, delete, test
    #[command(subcommand, visible_alias = "cred")]
    Credential(credential::CredentialCommand),
    /// Tokens, by which programs authenticate
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Users, who may have credentials of their own
    #[command(subcommand)]
    User(user::UserCommand),
    /// The master key and the keys it wraps
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Import keys from .env files or from the original application
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Leaks: find out whether a key is ours, and respond
    #[command(subcommand)]
    Leak(leak::LeakCommand),
    /// Report whether keys that were in files or were replaced are still used, and which to revoke now
    Offboard(offboard::OffboardOptions),
    /// Write credentials as a list or as lines of a .env file, without their keys unless --reveal is given
    Export(export::ExportOptions),
    /// The audit trail: list, verify, export
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Limits: set, list, change, remove, test
    #[command(subcommand)]
    Limit(limit::LimitCommand),
    /// Alerts: list, answer, silence, and whom they are told
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Routes of models' names
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// Show usage, and warn of credentials near their limit
    Usage(Box<usage::UsageOptions>),
    /// Ask a model about an error, with a key that stays sealed
    #[command(subcommand)]
    Ai(ai::AiCommand),
    /// Open the dashboard in a browser, signed in
    ///
    /// The browser gets a page from a folder of yours, which holds a one-time code; it is not in the list of processes, and gone when
    /// the code is used or a minute is over. The page asks before it signs in.
    Open(open::OpenDashboard),
    /// Show which server answers, and who you are to it
    Status,
}

/// Runs the command line of a whole process and returns its exit code.
///
/// It is not generic: all commands would be compiled again with the binary, which takes half a minute.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    match completion::answer(&arguments) {
        Ok(true) => return Exit::Ok.into(),
        Ok(false) => {}
        Err(error) => {
            let _ = error.print();
            return Exit::Usage.into();
        }
    }
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout, errors to stderr. A closed pipe is no failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let output = Output::new(cli.global.format);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&CliError::failure(format!("the runtime cannot be started: {error}")));
            return Exit::Failure.into();
        }
    };
    runtime.block_on(execute(cli, &output)).unwrap_or_else(|error| {
        output.error(&error);
        error.exit.into()
    })
}

/// The commands and options, with their examples.
fn command() -> clap::Command {
    examples::add_to(Cli::command())
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// On one processor a thread that everything runs on: more of them would only wait for each other.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match std::thread::available_parallelism() {
        Ok(processors) if processors.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn execute(cli: Cli, output: &Output) -> CliResult<ExitCode> {
    let Cli { global, command } = cli;
    let done = match command {
        Command::Serve(options) => serve::run(options, &global, output).await,
        Command::Migrate(options) => migrate::run(options, &global, output).await,
        // These two need no server.
        Command::Remote(RemoteCommand::Key(key::KeyCommand::Generate)) => key::generate(output),
        Command::Remote(RemoteCommand::Token(token::TokenCommand::Generate)) => token::generate(output),
        // Nothing is started with a key that may be wrong.
        Command::Remote(RemoteCommand::Key(key::KeyCommand::Check(options))) => {
            key::check(options, &global, output).await
        }
        // The keys are read before an installation is made for them.
        Command::Remote(RemoteCommand::Import(command)) => import::run(command, &global, output).await,
        Command::Remote(command) => with_server(command, &global, output).await,
        Command::Run(options) => return run_command(options, &global, output).await,
        Command::Backup(options) => backup::run(options, &global, output).await,
        Command::Scan(options) => scan::run(options, &global, output).await,
        Command::Restore(options) => restore::run(options, &global, output).await,
        Command::Config(command) => config::run(&command, &global, output),
        Command::Doctor => doctor::run(&global, output).await,
        Command::Completion(options) => completion::run(&options, output),
        Command::Openapi => output.text(crate::api::openapi_json().trim_end()).map(|()| Exit::Ok),
        Command::CliReference => output.text(reference::markdown().trim_end()).map(|()| Exit::Ok),
    };
    done.map(ExitCode::from)
}

async fn with_server(command: RemoteCommand, global: &GlobalOptions, output: &Output) -> CliResult {
    let mut command = command;
    if let RemoteCommand::Credential(credential::CredentialCommand::Add(options)) = &mut command {
        options.read_secrets(output)?;
    }
    let session = Session::open_for(command.bootstrap(), global, output.clone()).await?;
    let done = match command {
        RemoteCommand::Credential(command) => credential::run(command, &session).await,
        RemoteCommand::Token(command) => token::run(command, &session).await,
        RemoteCommand::User(command) => user::run(command, &session).await,
        RemoteCommand::Key(command) => key::run(command, &session).await,
        RemoteCommand::Import(command) => import::run(command, global, output).await,
        RemoteCommand::Export(options) => export::run(options, &session).await,
        RemoteCommand::Leak(command) => leak::run(command, &session).await,
        RemoteCommand::Offboard(options) => offboard::run(options, &session).await,
        RemoteCommand::Audit(command) => audit::run(command, &session).await,
        RemoteCommand::Limit(command) => limit::run(command, &session).await,
        RemoteCommand::Alert(command) => alert::run(command, &session).await,
        RemoteCommand::Route(command) => route::run(command, &session).await,
        RemoteCommand::Usage(options) => usage::run(*options, &session).await,
        RemoteCommand::Ai(command) => ai::run(command, &session).await,
        RemoteCommand::Open(options) => open::run(options, &session).await,
        RemoteCommand::Status => status::run(&session).await,
    };
    let closed = session.close().await;
    done.and_then(|exit| closed.map(|()| exit))
}

/// The session is closed before the command starts: it must not hold the data directory while that runs.
async fn run_command(
    options: run::RunOptions,
    global: &GlobalOptions,
    output: &Output,
) -> CliResult<ExitCode> {
    let session = Session::open(global, output.clone()).await?;
    if options.gateway {
        let code = run::through_gateway(options, &session).await;
        let closed = session.close().await;
        let code = code?;
        return closed.map(|()| ExitCode::from(code));
    }
    let prepared = run::prepare(options, &session).await;
    let closed = session.close().await;
    let prepared = prepared?;
    closed?;
    let code = run::run_child(prepared, |error| output.error(&error)).await?;
    Ok(ExitCode::from(code))
}
