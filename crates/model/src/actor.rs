//! Actors: the principal of every operation, its role and its scope.

use serde::{Deserialize, Serialize};

use crate::id::{Uid, UserId};
use crate::problem::Problem;
use crate::provider::Provider;
use crate::tag::TagSet;

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
    /// Models that calls may ask for: names as providers have them, or behind the provider's as `openai/gpt-4o`; one that ends in
    /// `*` stands for all that begin so.
    pub models: Vec<String>,
}

/// The longest name of a model in a scope, in bytes.
const MAX_MODEL_BYTES: usize = 128;
/// The most models of a scope.
const MAX_MODELS: usize = 100;

impl Scope {
    /// Tells whether this credential of this provider is within reach.
    #[must_use]
    pub fn permits(&self, credential: Uid, provider: &Provider) -> bool {
        (self.credentials.is_empty() || self.credentials.contains(&credential))
            && (self.providers.is_empty() || self.providers.contains(provider))
    }

    /// Tells whether a call may ask for this model of this provider. Where models are listed, one without a name is none of them.
    #[must_use]
    pub fn permits_model(&self, provider: &Provider, model: Option<&str>) -> bool {
        if self.models.is_empty() {
            return true;
        }
        let Some(model) = model else { return false };
        let behind = |pattern: &str| {
            let rest = pattern.strip_prefix(provider.as_str())?.strip_prefix('/')?;
            Some(fits(rest, model))
        };
        self.models.iter().any(|pattern| fits(pattern, model) || behind(pattern) == Some(true))
    }

    /// Checks the models of a scope.
    ///
    /// # Errors
    /// [`Problem`] on the field `scope.models`.
    pub fn check_models(models: &[String]) -> Result<(), Problem> {
        let is_name = |name: &str| {
            let stem = name.strip_suffix('*').unwrap_or(name);
            name.len() <= MAX_MODEL_BYTES
                && !name.is_empty()
                && stem.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*')
        };
        if models.len() > MAX_MODELS || !models.iter().all(|name| is_name(name)) {
            return Err(Problem::invalid(
                "scope.models",
                format!(
                    "scope.models must be at most {MAX_MODELS} names of models such as gpt-4o-mini or gpt-4o*, with * at the end \
                     alone"
                ),
            ));
        }
        Ok(())
    }

    /// Tells whether nothing is narrowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.credentials.is_empty() && self.providers.is_empty() && self.models.is_empty()
    }
}

/// Tells whether a name is this one, or begins like this one where it ends in `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => name == pattern,
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
    /// What its calls are booked to.
    pub tags: TagSet,
}

impl Actor {
    /// An actor with this role that reaches everything.
    #[must_use]
    pub fn new(kind: ActorKind, role: Role) -> Self {
        Self {
            kind,
            role,
            scope: Scope::default(),
            user: None,
            remote_address: None,
            request_id: None,
            tags: TagSet::default(),
        }
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
        let scope = Scope { credentials: vec![one], providers: vec![openai.clone()], ..Scope::default() };
        assert!(scope.permits(one, &openai));
        assert!(!scope.permits(two, &openai) && !scope.permits(one, &groq));
    }

    #[test]
    fn models_are_exact_or_begin_alike() {
        let (openai, openrouter) =
            (Provider::parse("openai").unwrap(), Provider::parse("openrouter").unwrap());
        let scope = |models: &[&str]| Scope {
            models: models.iter().map(ToString::to_string).collect(),
            ..Scope::default()
        };
        assert!(Scope::default().permits_model(&openai, None));
        let one = scope(&["gpt-4o-mini", "openai/o3*", "claude-*"]);
        for (provider, model, may) in [
            (&openai, Some("gpt-4o-mini"), true),
            (&openai, Some("gpt-4o-mini-2024"), false),
            (&openai, Some("GPT-4o-mini"), false),
            (&openai, Some("o3-pro"), true),
            (&openrouter, Some("o3-pro"), false),
            (&openrouter, Some("openai/o3-pro"), true),
            (&openrouter, Some("claude-x"), true),
            (&openai, Some(""), false),
            (&openai, None, false),
        ] {
            assert_eq!(one.permits_model(provider, model), may, "{provider} {model:?}");
        }
        assert!(scope(&["*"]).permits_model(&openai, Some("")) && !one.is_everything());
        let check = |name: &str| Scope::check_models(&[name.to_owned()]);
        assert!(check("gpt-4o*").is_ok() && check("*").is_ok() && check("a/b:free").is_ok());
        for wrong in ["", "a*b", "**", "a b", "\u{e9}"] {
            assert_eq!(check(wrong).unwrap_err().field.as_deref(), Some("scope.models"), "{wrong}");
        }
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
