//! Tokens that were read from the database and verified.

use std::sync::Arc;

use strongroom_crypto::authority::{self, AuthorityMac, TokenHash};
use strongroom_model::limit::LimitScope;
use strongroom_model::token::Token;
use strongroom_model::{Millis, Problem};
use strongroom_store::change::Subject;

use super::{Cache, Known, Snapshot, make_room};
use crate::database_timeout::with_timeout;

/// A token, checked against its MACs.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Token,
    pub(crate) hash: TokenHash,
    /// True if the row's MAC verifies, and the user behind it is there and active.
    pub(crate) is_valid: bool,
    /// When it was read.
    read_at: Millis,
}

/// Milliseconds for which a token that has lapsed is not read again.
const LAPSED_REREAD_AFTER_MS: i64 = 500;
/// Milliseconds for which a token that does not count is not read again: that its row is put right is in no log.
const INVALID_REREAD_AFTER_MS: i64 = 60_000;

impl KnownToken {
    /// Tells whether it may count again since it was read: somebody has prolonged it, or put its row right.
    fn may_go_on(&self, now: Millis) -> bool {
        let is_older_than = |ms| self.read_at.0 + ms <= now.0;
        (self.token.has_lapsed(now) && is_older_than(LAPSED_REREAD_AFTER_MS))
            || (!self.is_valid && is_older_than(INVALID_REREAD_AFTER_MS))
    }
}

impl Cache {
    /// The token with this public id; `None` when there is none.
    pub(crate) async fn known_token(
        &self,
        id: &str,
        snapshot: Snapshot,
    ) -> Result<Option<Arc<KnownToken>>, Problem> {
        let known = self.token_at(id, snapshot);
        if let Some(known) = known.filter(|known| !known.may_go_on(snapshot.now)) {
            return Ok(Some(known));
        }
        Box::pin(with_timeout(self.find_token(id, snapshot))).await
    }

    /// The token, if what is known of it holds at the snapshot.
    pub(super) fn token_at(&self, id: &str, snapshot: Snapshot) -> Option<Arc<KnownToken>> {
        let known = self.known();
        let found = known.tokens.get(id)?;
        known.holds_token_at(snapshot.generation, &found.token).then(|| Arc::clone(found))
    }

    async fn find_token(&self, id: &str, snapshot: Snapshot) -> Result<Option<Arc<KnownToken>>, Problem> {
        let mut session = self.custody.store.read().await?;
        let Some(stored) = strongroom_store::token::get(&mut session, id).await? else { return Ok(None) };
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        let mut is_valid = authority::token_verifies(&self.custody.keyring(), &stored.token, &hash, &mac);
        if !is_valid {
            self.custody.counters.integrity_failures.add_one();
            tracing::error!(token = %stored.token.id, "failed to verify the row MAC of a token; it was changed outside strongroom");
        }
        if let (Some(user), true) = (stored.token.user, is_valid) {
            let owner = strongroom_store::user::get(&mut session, user).await?;
            let owner = owner.map(|owner| self.custody.verified_user(owner)).transpose()?;
            is_valid = owner.is_some_and(|owner| owner.is_active);
        }
        let hash = TokenHash::read(&hash);
        let known = Arc::new(KnownToken { token: stored.token, hash, is_valid, read_at: snapshot.now });
        let mut kept = self.known();
        if kept.holds_token_at(snapshot.generation, &known.token) {
            make_room(&mut kept.tokens);
            kept.tokens.insert(id.to_owned(), Arc::clone(&known));
        }
        Ok(Some(known))
    }
}

impl Known {
    /// Tells whether a token that was read is the same at this snapshot, and its user.
    fn holds_token_at(&self, generation: i64, token: &Token) -> bool {
        generation == self.generation || {
            let user = token.user.map(LimitScope::User);
            let scopes = [LimitScope::Token(token.id.clone())].into_iter().chain(user);
            scopes.map(Subject::Scope).all(|subject| self.holds_at(generation, &subject))
        }
    }
}
