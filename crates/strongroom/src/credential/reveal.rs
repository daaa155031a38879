//! Showing a key to a person, who has to say why: what was said stands in the audit entry of the read.

use serde_json::json;
use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::{CredentialId, Problem, Role, UserId, page, reason};

use super::CredentialService;
use super::new_place::note_place;
use super::read_batcher::Wanted;
use super::revealed::RevealedCredential;
use super::visibility::{is_seen, unserved, within_reach};

/// Characters that a ticket may have.
const MAX_TICKET: usize = 64;

/// Why a person looks at a key.
#[derive(Debug, Clone, Default)]
pub struct RevealReason {
    /// In the person's own words.
    pub reason: String,
    /// A ticket that asks for it.
    pub ticket: Option<String>,
    /// The browser, as it calls itself.
    pub agent: Option<String>,
}

impl CredentialService {
    /// Hands out a key to a person, counted as one use. The reason stands in the entry of the audit trail that is written with it.
    ///
    /// # Errors
    /// [`Problem`] on the field `reason` or `ticket`; of kind `NotFound` when there is none that the actor sees and that serves,
    /// `LimitReached`, or `Integrity`.
    pub async fn reveal(&self, id: CredentialId, why: &RevealReason) -> Result<RevealedCredential, Problem> {
        let reason = reason::check(&why.reason)?;
        let ticket = why.ticket.as_deref().map(str::trim).filter(|ticket| !ticket.is_empty());
        if ticket.is_some_and(|it| it.chars().count() > MAX_TICKET || it.chars().any(char::is_control)) {
            return Err(Problem::invalid(
                "ticket",
                format!("ticket must be at most {MAX_TICKET} characters"),
            ));
        }
        let found = self.require_readable(id).await?;
        let detail = json!({ "reason": reason, "ticket": ticket, "agent": why.agent });
        let wanted = Wanted::Named { name: found.name.clone(), views: self.views_of(&found) };
        let read = self.reads.read_because(self.actor.clone(), wanted, detail).await?;
        if read.is_some()
            && let Err(problem) = note_place(&self.custody, &self.actor, why.agent.as_deref()).await
        {
            // The key is shown, and its entry written: what is told of it comes second.
            tracing::error!(%problem, "failed to note from where a key was shown");
        }
        read.ok_or_else(|| unserved(&found).unwrap_or_else(super::not_found))
    }

    /// The metadata of a credential whose key the actor may read.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, in the same words whether there is one or not.
    pub async fn require_readable(&self, id: CredentialId) -> Result<Credential, Problem> {
        let found = self.require(id).await?;
        if self.is_readable(&found) { Ok(found) } else { Err(super::not_found()) }
    }

    /// The first credentials whose keys the actor may read, by id.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list_readable(&self, most: usize) -> Result<Vec<Credential>, Problem> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let found = self.list(&CredentialFilter::default(), after, page::MAX_LIMIT).await?;
            all.extend(found.items.into_iter().filter(|one| self.is_readable(one)));
            match found.next {
                Some(next) if all.len() < most => after = next,
                _ => break,
            }
        }
        all.truncate(most);
        Ok(all)
    }

    fn is_readable(&self, found: &Credential) -> bool {
        matches!(self.actor.role, Role::Admin | Role::Reader)
            && within_reach(&self.actor, Some(found)).is_ok_and(|found| found.is_some())
            && is_seen(found, &self.views_of(found))
    }

    /// An admin sees everybody's, as whoever asks in another's name.
    fn views_of(&self, found: &Credential) -> Vec<Option<UserId>> {
        match self.actor.role {
            Role::Admin => vec![found.user.filter(|_| !found.is_global)],
            _ => self.own_views(),
        }
    }
}
