//! Users: making, listing, changing and deleting them.

use http::Method;

use super::{Client, ClientError};
use crate::wire::problem::Message;
use crate::wire::user::{CreateUser, UpdateUser, User};

const PATH: &str = "/api/admin/users";

impl Client {
    /// All users.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_users(&self) -> Result<Vec<User>, ClientError> {
        self.draft(Method::GET, PATH).fetch().await
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn get_user(&self, id: i64) -> Result<User, ClientError> {
        self.draft(Method::GET, format!("{PATH}/{id}")).fetch().await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`ClientError`]; a conflict when name or id is taken.
    pub async fn create_user(&self, body: &CreateUser) -> Result<User, ClientError> {
        self.draft(Method::POST, PATH).body(body)?.fetch().await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn update_user(&self, id: i64, body: &UpdateUser) -> Result<User, ClientError> {
        self.draft(Method::PATCH, format!("{PATH}/{id}")).body(body)?.fetch().await
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_user(&self, id: i64) -> Result<Message, ClientError> {
        self.draft(Method::DELETE, format!("{PATH}/{id}")).fetch().await
    }
}
