//! The commands that may make an installation where there is none: those that store something first. All others look at
//! what is there, or copy it, and over an empty place they would report on something that nobody meant.

use super::RemoteCommand;
use super::credential::CredentialCommand;
use super::session::Bootstrap;
use super::token::TokenCommand;
use super::user::UserCommand;

impl RemoteCommand {
    /// Returns what this command does where there is no installation yet. A command that is not named here makes none.
    pub(super) fn bootstrap(&self) -> Bootstrap {
        match self {
            Self::Credential(CredentialCommand::Add(_))
            | Self::Token(TokenCommand::Create(_))
            | Self::User(UserCommand::Add(_)) => Bootstrap::Makes,
            Self::Import(command) if !command.is_dry_run() => Bootstrap::Makes,
            _ => Bootstrap::Refuses,
        }
    }
}
