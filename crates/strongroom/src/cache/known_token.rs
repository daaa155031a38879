//! Tokens that were read from the database and verified.

use std::sync::Arc;

use strongroom_crypto::authority::{self, AuthorityMac, TokenHash};
use strongroom_model::token::Token;
use strongroom_model::{Millis, Problem};

use super::{Cache, Snapshot};
use crate::database_timeout::with_timeout;

/// A token, checked against its MACs.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Token,
    pub(crate) hash: TokenHash,
    /// Whether the row says what we wrote, and the user behind it is there and active.
    pub(crate) is_valid: bool,
    /// When it was read.
    read_at: Millis,
}

/// Milliseconds for which a token that has lapsed is not looked at again.
const LAPSED: i64 = 500;

impl KnownToken {
    /// Whether somebody may have prolonged it since it was read.
    fn may_go_on(&self, now: Millis) -> bool {
        self.token.has_lapsed(now) && self.read_at.0 + LAPSED <= now.0
    }
}

impl Cache {
    /// The token with this public id; `None` when there is none.
    pub(crate) async fn known_token(
        &self,
        id: &str,
        snapshot: Snapshot,
    ) -> Result<Option<Arc<KnownToken>>, Problem> {
        let known = self.at(snapshot).and_then(|known| known.tokens.get(id).cloned());
        if let Some(known) = known.filter(|known| !known.may_go_on(snapshot.now)) {
            return Ok(Some(known));
        }
        Box::pin(with_timeout(self.find_token(id, snapshot))).await
    }

    async fn find_token(&self, id: &str, snapshot: Snapshot) -> Result<Option<Arc<KnownToken>>, Problem> {
        let mut session = self.custody.store.read().await?;
        let Some(stored) = strongroom_store::token::get(&mut session, id).await? else { return Ok(None) };
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        let mut is_valid = authority::token_verifies(&self.custody.keyring(), &stored.token, &hash, &mac);
        if !is_valid {
            self.custody.counters.integrity_failures.add_one();
            tracing::error!(token = %stored.token.id, "the row of this token was changed outside strongroom");
        }
        if let (Some(user), true) = (stored.token.user, is_valid) {
            let owner = strongroom_store::user::get(&mut session, user).await?;
            let owner = owner.map(|owner| self.custody.verified_user(owner)).transpose()?;
            is_valid = owner.is_some_and(|owner| owner.is_active);
        }
        let known = Arc::new(KnownToken {
            token: stored.token,
            hash: TokenHash::read(&hash),
            is_valid,
            read_at: snapshot.now,
        });
        let kept = Arc::clone(&known);
        self.keep(snapshot.generation, |known| known.tokens.insert(id.to_owned(), kept));
        Ok(Some(known))
    }
}
