//! Roles, as they are written on the command line.

use clap::ValueEnum;
use strongroom_model::Role;

/// The roles.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum RoleName {
    /// All rights
    Admin,
    /// Sees metadata and the audit trail, no keys
    Auditor,
    /// Reads keys, manages nothing
    Reader,
    /// Uses keys through the gateway, never reads one
    Gateway,
}

impl RoleName {
    /// The name on the wire.
    #[must_use]
    pub(in crate::cli) fn as_str(self) -> &'static str {
        match self {
            Self::Admin => Role::Admin,
            Self::Auditor => Role::Auditor,
            Self::Reader => Role::Reader,
            Self::Gateway => Role::Gateway,
        }
        .as_str()
    }
}
