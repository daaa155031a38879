//! MACs over the rows that grant authority: credentials, tokens and users.

use strongroom_crypto::authority::{self, AuthorityMac, CredentialGrant};
use strongroom_model::Problem;
use strongroom_model::credential::Credential;
use strongroom_model::token::Token;
use strongroom_model::user::User;
use strongroom_store::token::StoredToken;
use strongroom_store::user::StoredUser;

use super::Custody;

impl Custody {
    pub(crate) fn sign_credential(&self, grant: &CredentialGrant<'_>) -> AuthorityMac {
        authority::credential_mac(&self.keyring(), grant)
    }

    /// Tells whether a credential's row is what we wrote.
    pub(crate) fn verify_row_mac(&self, credential: &Credential) -> bool {
        authority::credential_verifies(&self.keyring(), credential)
    }

    pub(crate) fn sign_token(&self, token: Token, hash: AuthorityMac) -> StoredToken {
        let mac = authority::token_mac(&self.keyring(), &token, &hash);
        StoredToken { token, hash_key_id: hash.key_id, hash: hash.mac, mac_key_id: mac.key_id, mac: mac.mac }
    }

    pub(crate) fn sign_user(&self, user: User) -> StoredUser {
        let AuthorityMac { key_id, mac } = authority::user_mac(&self.keyring(), &user);
        StoredUser { user, mac_key_id: key_id, mac }
    }

    pub(crate) fn verified_user(&self, stored: StoredUser) -> Result<User, Problem> {
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        if authority::user_verifies(&self.keyring(), &stored.user, &mac) {
            return Ok(stored.user);
        }
        self.counters.integrity_failures.add_one();
        Err(Problem::integrity(format!(
            "user {} was changed outside strongroom and is refused; remove it and create it again",
            stored.user.id
        )))
    }
}
