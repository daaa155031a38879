//! The actor itself: who it is, and the limits that bind it.

use std::sync::Arc;

use strongroom_model::user::User;
use strongroom_model::{Actor, ActorKind, Problem};
use strongroom_store::limit;

use crate::admission::{AdmissionBatcher, client_scopes};
use crate::custody::Custody;
use crate::limit::Standing;
use crate::token::NamedToken;

/// An actor with the names of what it is.
#[derive(Debug, Clone)]
pub struct Me {
    /// The token that it showed.
    pub token: Option<NamedToken>,
    /// The user behind it.
    pub user: Option<User>,
}

/// Tells an actor about itself.
#[derive(Debug, Clone)]
pub struct MeService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    pub(crate) actor: Actor,
}

impl MeService {
    /// Who it is.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn show(&self) -> Result<Me, Problem> {
        let mut session = self.custody.store.read().await?;
        let token = match &self.actor.kind {
            ActorKind::Token(id) => strongroom_store::token::get(&mut session, id).await?,
            _ => None,
        };
        let token = match token {
            Some(stored) => Some(NamedToken::of(&mut session, stored.token).await?),
            None => None,
        };
        let user = match self.actor.user {
            Some(id) => strongroom_store::user::get(&mut session, id).await?.map(|stored| stored.user),
            None => None,
        };
        Ok(Me { token, user })
    }

    /// The limits on its token and its user, and where they stand.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn limits(&self) -> Result<Vec<Standing>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let mut standings = Vec::new();
        for scope in client_scopes(&self.actor) {
            for found in limit::list_of_scope(&mut session, &scope, i64::MAX).await? {
                standings.push(crate::limit::standing(&mut session, found, now).await?);
            }
        }
        Ok(standings)
    }
}
