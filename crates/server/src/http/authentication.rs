//! Authentication: the actor that a token stands for, or a place on this machine.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use strongroom::Strongroom;
use strongroom_model::{Actor, ActorKind, Problem, ProblemKind, Role, Secret};

use super::jwt::JwtVerifier;
use super::peer::{self, LocalPeer};

/// Finds out who shows a token.
#[derive(Debug)]
pub struct Authenticator {
    room: Strongroom,
    /// Checks JSON web tokens; `None` refuses them all.
    jwt: Option<JwtVerifier>,
}

impl Authenticator {
    /// An authenticator over the tokens and users of this strongroom.
    #[must_use]
    pub fn new(room: Strongroom, jwt: Option<JwtVerifier>) -> Self {
        Self { room, jwt }
    }

    /// Returns the actor that shows this token; without one, the actor that is let in for being on this machine.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated`.
    pub async fn authenticate(
        &self,
        token: Option<Secret>,
        local: Option<&LocalPeer>,
    ) -> Result<Actor, Problem> {
        let Some(token) = token else {
            if let Some(LocalPeer(name)) = local {
                return Ok(Actor::new(ActorKind::Local(name.clone()), Role::Admin));
            }
            return Err(no_token());
        };
        if token.expose().starts_with("sr_") {
            return self.room.authenticate(&token).await;
        }
        let user = self.jwt.as_ref().and_then(|jwt| jwt.user_of(token.expose())).ok_or_else(not_known)?;
        Box::pin(self.room.authenticate_user(user)).await
    }
}

/// Evidence in a request of who it is from.
#[derive(Debug)]
pub struct Evidence {
    authorization: Option<HeaderValue>,
    local: Option<LocalPeer>,
    /// The address that it comes from, without the port.
    pub address: Option<String>,
}

impl Evidence {
    /// Reads it from a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            authorization: request.headers().get(header::AUTHORIZATION).cloned(),
            local: request.extensions().get::<LocalPeer>().cloned(),
            address: peer::address(request.extensions()),
        }
    }

    /// Returns the actor that it shows.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated`.
    pub async fn authenticate(&self, authenticator: &Authenticator) -> Result<Actor, Problem> {
        let token = match &self.authorization {
            None => None,
            Some(shown) => Some(Secret::from(bearer(shown).ok_or_else(not_known)?)),
        };
        authenticator.authenticate(token, self.local.as_ref()).await
    }
}

/// Returns the token in an `Authorization` header that has a bearer token (RFC 6750, section 2.1).
#[must_use]
pub fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn not_known() -> Problem {
    Problem::new(ProblemKind::Unauthenticated, "Invalid or expired token")
}

fn no_token() -> Problem {
    Problem::new(ProblemKind::Unauthenticated, "Authentication required")
}
