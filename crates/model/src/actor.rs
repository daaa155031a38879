//! Actors: the principal of every operation, its role and its scope.

use serde::{Deserialize, Serialize};

use crate::id::{Uid, UserId};
use crate::problem::Problem;
use crate::provider::Provider;

/// Rights of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// All rights.
    #[serde(alias = "super_admin")]
    Admin,
    /// Metadata and the audit trail, no secrets.
    Auditor,
    /// Reads secrets, manages nothing.
    Reader,
    /// Uses keys through the gateway and the AI service, never reads one.
    Gateway,
}

impl Role {
    /// All roles, in falling order of power over metadata.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Auditor, Self::Reader, Self::Gateway];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Reader => "reader",
            Self::Gateway => "gateway",
        }
    }

    /// Reads a role; `super_admin` of the original passes as `admin`.
    ///
    /// # Errors
    /// [`Problem`] on the field `role`, naming the roles there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text == "super_admin" {
            return Ok(Self::Admin);
        }
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Problem::invalid("role", "role must be one of admin, auditor, reader, gateway"))
    }
}

/// Credentials and providers that a token is narrowed to. An empty list does not narrow; both lists narrow together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Credentials by uid, so that a later credential of the same name is not reached.
    pub credentials: Vec<Uid>,
    /// Providers.
    pub providers: Vec<Provider>,
}

impl Scope {
    /// Tells whether this credential of this provider is within reach.
    #[must_use]
    pub fn permits(&self, credential: Uid, provider: &Provider) -> bool {
        (self.credentials.is_empty() || self.credentials.contains(&credential))
            && (self.providers.is_empty() || self.providers.contains(provider))
    }

    /// Tells whether nothing is narrowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.credentials.is_empty() && self.providers.is_empty()
    }
}

/// Proof of identity that the principal gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorKind {
    /// A strongroom token, by its public id.
    Token(String),
    /// A user with a signed JWT.
    User(UserId),
    /// Somebody on this machine who may read the master key and the database.
    Local(String),
    /// A program that embeds the library.
    Library,
    /// strongroom itself, at start-up or in a job.
    System,
}

/// The principal of one operation.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Proof of identity that it gave.
    pub kind: ActorKind,
    /// Its rights.
    pub role: Role,
    /// Its scope.
    pub scope: Scope,
    /// The user behind it, if any: whose own credentials it sees.
    pub user: Option<UserId>,
    /// The address it speaks from.
    pub remote_address: Option<String>,
    /// The request it belongs to.
    pub request_id: Option<String>,
}

impl Actor {
    /// An actor with this role that reaches everything.
    #[must_use]
    pub fn new(kind: ActorKind, role: Role) -> Self {
        Self { kind, role, scope: Scope::default(), user: None, remote_address: None, request_id: None }
    }

    /// The program that embeds the library.
    #[must_use]
    pub fn library() -> Self {
        Self::new(ActorKind::Library, Role::Admin)
    }

    /// strongroom itself.
    #[must_use]
    pub fn system() -> Self {
        Self::new(ActorKind::System, Role::Admin)
    }

    /// The name in the audit trail: `token:ID`, `user:N`, `local:NAME`, `library`, `system`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.kind {
            ActorKind::Token(id) => ["token:", id].concat(),
            ActorKind::User(id) => format!("user:{id}"),
            ActorKind::Local(name) => format!("local:{name}"),
            ActorKind::Library => "library".to_owned(),
            ActorKind::System => "system".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_narrows_by_both_of_its_lists() {
        let (one, two) = (Uid::from_bytes([1; 16]), Uid::from_bytes([2; 16]));
        let (openai, groq) = (Provider::parse("openai").unwrap(), Provider::parse("groq").unwrap());
        assert!(Scope::default().permits(one, &openai));
        let scope = Scope { credentials: vec![one], providers: vec![openai.clone()] };
        assert!(scope.permits(one, &openai));
        assert!(!scope.permits(two, &openai) && !scope.permits(one, &groq));
    }

    #[test]
    fn roles_read_back_and_super_admin_is_admin() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()).unwrap(), role);
        }
        assert_eq!(Role::parse("super_admin").unwrap(), Role::Admin);
        assert!(Role::parse("Admin").is_err());
    }
}
