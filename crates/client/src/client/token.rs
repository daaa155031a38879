//! Tokens: making, listing and revoking them.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::problem::Message;
use crate::wire::token::{CreateToken, CreatedToken, ProlongToken, ProlongedToken, Token};

const PATH: &str = "/api/admin/tokens";

impl Client {
    /// All tokens, without their secrets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_tokens(&self) -> Result<Vec<Token>, ClientError> {
        self.draft(Method::GET, PATH).fetch().await
    }

    /// Makes a token. Its secret is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_token(&self, body: &CreateToken) -> Result<CreatedToken, ClientError> {
        self.draft(Method::POST, PATH).body(body)?.fetch().await
    }

    /// Revokes the token with this public id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_token(&self, id: &str) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/{}", encode(id))).fetch().await
    }
    /// Has a token that has to be prolonged work for longer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn prolong_token(&self, id: &str, lease_seconds: i64) -> Result<ProlongedToken, ClientError> {
        let draft = self.draft(Method::POST, format!("{PATH}/{}/lease", encode(id)));
        draft.body(&ProlongToken { lease_seconds })?.fetch().await
    }
}
