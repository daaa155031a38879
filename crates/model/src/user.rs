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
    /// What the user may do.
    pub role: Role,
    /// A disabled user is refused everywhere; its credentials stay.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}
