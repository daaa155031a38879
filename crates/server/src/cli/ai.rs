//! `strongroom ai`: a model looks at an error.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use strongroom_client::wire::ai::{Suggestion, SuggestionRequest};

use super::exit::{CliError, CliResult, Exit};
use super::output::Format;
use super::session::Session;

/// More than this of an error is not read, in bytes.
const MAX_ERROR_BYTES: u64 = 1024 * 1024;

/// `strongroom ai …`
#[derive(Debug, Subcommand)]
pub(super) enum AiCommand {
    /// Ask a model how to fix an error
    Suggest(SuggestOptions),
}

/// Options of `ai suggest`.
#[derive(Debug, Args)]
pub(super) struct SuggestOptions {
    /// The file that contains the error. Default: stdin, as is `-`
    file: Option<PathBuf>,

    /// The kind of error, such as database
    #[arg(long = "type", value_name = "TYPE", default_value = "error")]
    error_type: String,

    /// Its severity, such as high
    #[arg(long, value_name = "SEVERITY", default_value = "medium")]
    severity: String,
}

/// Runs the command.
pub(super) async fn run(command: AiCommand, session: &Session) -> CliResult {
    let AiCommand::Suggest(options) = command;
    let body = SuggestionRequest {
        error_text: read(options.file.as_deref())?,
        error_type: options.error_type,
        severity: options.severity,
    };
    let suggestion = session.client.suggest(&body).await?;
    if session.output.format() == Format::Table {
        session.output.text(&prose(&suggestion))?;
    } else {
        session.output.data(&suggestion, |_| super::output::properties([]))?;
    }
    Ok(Exit::Ok)
}

fn read(file: Option<&Path>) -> CliResult<String> {
    let mut bytes = Vec::new();
    match file.filter(|file| *file != Path::new("-")) {
        None => std::io::stdin().lock().take(MAX_ERROR_BYTES).read_to_end(&mut bytes)?,
        Some(file) => std::fs::File::open(file)
            .and_then(|opened| opened.take(MAX_ERROR_BYTES).read_to_end(&mut bytes))
            .map_err(|error| CliError::usage(format!("{} cannot be read: {error}", file.display())))?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A suggestion as people read it.
fn prose(suggestion: &Suggestion) -> String {
    let list = |items: &[String]| {
        let items = items.iter().enumerate();
        items.map(|(index, item)| format!("  {}. {item}", index + 1)).collect::<Vec<_>>().join("\n")
    };
    let mut text =
        format!("Cause: {}\n\nWhat to do:\n{}", suggestion.root_cause, list(&suggestion.resolution_steps));
    if let Some(code) = &suggestion.code_example {
        text.push_str(&format!("\n\nCode:\n{code}"));
    }
    if !suggestion.prevention_measures.is_empty() {
        text.push_str(&format!(
            "\n\nSo that it does not happen again:\n{}",
            list(&suggestion.prevention_measures)
        ));
    }
    text.push_str(&format!("\n\nConfidence: {}%", (suggestion.confidence * 100.0).round()));
    super::printable::printable(&text)
}
