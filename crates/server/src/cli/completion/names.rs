//! Names of what is stored, for a shell to complete: asked of the running server, and nothing is said where none answers.
//!
//! Shown is what lists show: names, ids, providers and roles, never a secret.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use strongroom_client::Client;
use strongroom_client::wire::credential::ListCredentials;
use strongroom_model::provider::{self, KNOWN};

use crate::cli::global::GlobalOptions;
use crate::cli::printable::printable;
use crate::cli::session;

/// The longest that a shell is kept waiting at a press of the key.
const MAX_WAIT: Duration = Duration::from_millis(300);

/// Credentials that one question asks for: one page.
const MAX_CREDENTIALS: i64 = 1000;

/// The name of the tokens that commands under `run` get: one is made for each, and ends with it, so that nobody is offered it.
pub(in crate::cli) const RUN_TOKEN_NAME: &str = "strongroom run";

/// Kinds of names.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Credential,
    DeletedCredential,
    Provider,
    Token,
    User,
    UserId,
    Limit,
}

/// A name, and what it is shown with.
type Name = (String, String);

/// Names of credentials.
pub(in crate::cli) fn credentials() -> ArgValueCompleter {
    completer(Kind::Credential)
}

/// Names of deleted credentials.
pub(in crate::cli) fn deleted_credentials() -> ArgValueCompleter {
    completer(Kind::DeletedCredential)
}

/// Providers that are known, and those that credentials have.
pub(in crate::cli) fn providers() -> ArgValueCompleter {
    completer(Kind::Provider)
}

/// Public ids of tokens that still work.
pub(in crate::cli) fn tokens() -> ArgValueCompleter {
    completer(Kind::Token)
}

/// Names of users.
pub(in crate::cli) fn users() -> ArgValueCompleter {
    completer(Kind::User)
}

/// Ids of users.
pub(in crate::cli) fn user_ids() -> ArgValueCompleter {
    completer(Kind::UserId)
}

/// Ids of limits.
pub(in crate::cli) fn limits() -> ArgValueCompleter {
    completer(Kind::Limit)
}

fn completer(kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |begun: &OsStr| {
        let Some(begun) = begun.to_str() else { return Vec::new() };
        let options = options_of(std::env::args_os());
        let mut names = ask(kind, begun, &options).unwrap_or_default();
        if matches!(kind, Kind::Provider) {
            names.extend(KNOWN.iter().map(|known| (known.name.to_owned(), known.title.to_owned())));
        }
        offered(names, begun)
    })
}

/// The names that begin so, each once, in their order. One that would steer the terminal is left out.
fn offered(mut names: Vec<Name>, begun: &str) -> Vec<CompletionCandidate> {
    names.retain(|(name, _)| name.starts_with(begun) && !name.contains('\n') && printable(name) == *name);
    names.sort();
    names.dedup_by(|one, other| one.0 == other.0);
    let candidate = |(name, help): Name| {
        let help = printable(&help).replace('\n', " ");
        CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
    };
    names.into_iter().map(candidate).collect()
}

/// Asks the running server. Whatever goes wrong, there is nothing to complete and nobody to tell.
fn ask(kind: Kind, begun: &str, options: &GlobalOptions) -> Option<Vec<Name>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let found = runtime.block_on(async {
        let question = async { names(kind, begun, &session::running_server(options).await?).await };
        tokio::time::timeout(MAX_WAIT, question).await.ok()?
    });
    // A resolver that does not answer must not hold the shell.
    runtime.shutdown_background();
    found
}

async fn names(kind: Kind, begun: &str, client: &Client) -> Option<Vec<Name>> {
    Some(match kind {
        Kind::Credential => {
            let query = ListCredentials {
                q: Some(begun.to_owned()).filter(|begun| !begun.is_empty()),
                limit: Some(MAX_CREDENTIALS),
                ..ListCredentials::default()
            };
            let found = client.list_credentials(&query).await.ok()?.items;
            found.into_iter().map(|it| (it.name, it.provider)).collect()
        }
        Kind::Provider => {
            let query = ListCredentials { limit: Some(MAX_CREDENTIALS), ..ListCredentials::default() };
            let found = client.list_credentials(&query).await.ok()?.items;
            let others = found.into_iter().filter(|it| provider::find(&it.provider).is_none());
            others.map(|it| (it.provider, String::new())).collect()
        }
        Kind::DeletedCredential => {
            let found = client.list_deleted_credentials().await.ok()?;
            found.into_iter().map(|it| (it.name, format!("{}, id {}", it.provider, it.id))).collect()
        }
        Kind::Token => {
            let mut found = client.list_tokens().await.ok()?;
            found.retain(|it| it.revoked_at.is_none() && it.name != RUN_TOKEN_NAME);
            found.into_iter().map(|it| (it.id, format!("{}, {}", it.name, it.role))).collect()
        }
        Kind::User => {
            let found = client.list_users().await.ok()?;
            found.into_iter().map(|it| (it.name, it.role)).collect()
        }
        Kind::UserId => {
            let found = client.list_users().await.ok()?;
            found.into_iter().map(|it| (it.id.to_string(), it.name)).collect()
        }
        Kind::Limit => {
            let found = client.list_limits().await.ok()?;
            found.into_iter().map(|it| (it.id, format!("{} {}", it.scope.kind, it.scope.name))).collect()
        }
    })
}

/// The options on the line that is being completed which say where the server is.
fn options_of(line: impl Iterator<Item = OsString>) -> GlobalOptions {
    let words: Vec<String> = line.filter_map(|word| word.into_string().ok()).collect();
    let mut options = GlobalOptions::default();
    for (at, word) in words.iter().enumerate() {
        let next = || words.get(at + 1).map(String::as_str);
        let (name, value) =
            word.split_once('=').map_or_else(|| (word.as_str(), next()), |(name, value)| (name, Some(value)));
        match (name, value) {
            ("--data-dir", Some(value)) => options.data_dir = Some(value.into()),
            ("--config", Some(value)) => options.config = Some(value.into()),
            ("--url", Some(value)) => options.url = Some(value.to_owned()),
            ("--token-file", Some(value)) => options.token_file = Some(value.into()),
            ("--ca-file", Some(value)) => options.ca_file = Some(value.into()),
            ("--allow-plaintext", _) => options.allow_plaintext = true,
            _ => {}
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_where_the_server_is() {
        let line =
            ["strongroom", "--data-dir", "/a", "credential", "show", "--config=/b", "--url", "https://c", ""];
        let options = options_of(line.into_iter().map(OsString::from));
        assert_eq!(options.data_dir.as_deref(), Some("/a".as_ref()));
        assert_eq!(options.config.as_deref(), Some("/b".as_ref()));
        assert_eq!((options.url.as_deref(), options.allow_plaintext), (Some("https://c"), false));
        assert!(options_of(["--url".into()].into_iter()).url.is_none());
    }

    #[test]
    fn names_are_offered_once_and_none_steers_the_terminal() {
        let name = |name: &str| (name.to_owned(), String::new());
        let names =
            vec![name("b"), name("ab"), name("ab"), name("a\u{1b}[2J"), name("a\nb"), name("a\u{202e}c")];
        let shown: Vec<_> = offered(names, "a").iter().map(|it| it.get_value().to_owned()).collect();
        assert_eq!(shown, ["ab"]);
    }
}
