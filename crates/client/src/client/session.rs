//! Sign-in with a browser: one-time codes.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::session::{CreatedLoginCode, LoginCodeState};

const PATH: &str = "/api/admin/sessions/codes";

impl Client {
    /// Makes a code with which a browser gets a session of the caller, once and within a minute.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_login_code(&self) -> Result<CreatedLoginCode, ClientError> {
        self.draft(Method::POST, PATH).fetch().await
    }

    /// The state of a code.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn login_code_state(&self, id: &str) -> Result<LoginCodeState, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{}", encode(id))).fetch().await
    }
}
