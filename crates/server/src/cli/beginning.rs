//! Which commands may make an installation where there is none: the first of them that stores something. All others look at
//! what is there, or copy it, and over an empty place they would report on something that nobody meant.

use super::RemoteCommand;
use super::credential::CredentialCommand;
use super::token::TokenCommand;
use super::user::UserCommand;

/// What a command does where there is no installation yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It makes one.
    Makes,
    /// It says so and makes nothing.
    Refuses,
}

impl RemoteCommand {
    /// What this command does where there is no installation yet. A command that is not named here makes none.
    pub(super) fn beginning(&self) -> Beginning {
        match self {
            Self::Credential(CredentialCommand::Add(_))
            | Self::Token(TokenCommand::Create(_))
            | Self::User(UserCommand::Add(_)) => Beginning::Makes,
            Self::Import(command) if !command.is_dry_run() => Beginning::Makes,
            _ => Beginning::Refuses,
        }
    }
}
