//! Users: people and services known by an integer, as in the original's tokens.

use crate::actor::Role;
use crate::clock::Millis;
use crate::id::UserId;

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// The integer of the claim `userId`.
    pub id: UserId,
    /// A unique name.
    pub name: String,
    /// Rights of the user.
    pub role: Role,
    /// A disabled user is refused everywhere; its credentials stay.
    pub is_active: bool,
    /// Time of its creation.
    pub created_at: Millis,
    /// Time of its last change.
    pub updated_at: Millis,
}
