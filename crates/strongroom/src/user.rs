//! Users: made, changed, removed, and turned into actors when they show who they are.

use std::sync::Arc;

use serde_json::json;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::audit::Target;
use strongroom_model::id::MAX_GIVEN;
use strongroom_model::user::User;
use strongroom_model::{Actor, ActorKind, Millis, Problem, ProblemKind, Role, UserId};
use strongroom_store::alert::incident::Subject;
use strongroom_store::{StoreError, Write};

use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::event::{Seen, note_event};

/// Request for a new user.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A unique name.
    pub name: String,
    /// The user's role.
    pub role: Role,
    /// A fixed id; the next free one otherwise.
    pub id: Option<UserId>,
}

/// Change of a user.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new role.
    pub role: Option<Role>,
    /// True if it is let in.
    pub is_active: Option<bool>,
}

/// Manages users.
#[derive(Debug, Clone)]
pub struct UserService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) actor: Actor,
}

fn target(user: &User) -> Target {
    Target::named("user", user.id, &user.name)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let fits = !name.is_empty() && name.chars().count() <= 128 && name.trim() == name;
    if fits && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::invalid(
        "name",
        "name must be 1 to 128 characters without control characters or outer spaces",
    ))
}

fn taken(error: StoreError) -> Problem {
    match error {
        StoreError::Taken(_) => Problem {
            field: Some("name".into()),
            ..Problem::conflict("a user of that name or id is already there")
        },
        StoreError::Dangling(_) => Problem::conflict(
            "credentials or tokens are or were the user's, and what they did stays told; disable the user instead",
        ),
        other => other.into(),
    }
}

/// Makes a disabled user of this id, unless there is one: the owner of moved-in credentials.
pub(crate) async fn make_stand_in(
    custody: &Custody,
    tx: &mut Write,
    id: UserId,
    now: Millis,
) -> Result<Option<User>, Problem> {
    if strongroom_store::user::get(tx, id).await?.is_some() {
        return Ok(None);
    }
    let user = User {
        id,
        name: format!("moved-in-{id}"),
        role: Role::Reader,
        is_active: false,
        created_at: now,
        updated_at: now,
    };
    strongroom_store::user::insert(tx, &custody.sign_user(user.clone())).await.map_err(taken)?;
    Ok(Some(user))
}

/// A user who may do everything, as of now or as before, is told of.
async fn note_authority(custody: &Custody, tx: &mut Write, user: &User, now: Millis) -> Result<(), Problem> {
    if user.role != Role::Admin || !user.is_active {
        return Ok(());
    }
    let subject = Subject::of("user", user.id);
    note_event(custody, tx, Seen::of(Rule::AuthorityChanged, Level::High, subject), now).await
}

/// The actor that an active user is.
///
/// # Errors
/// [`Problem`] of kind `Unauthenticated` for an unknown or disabled user, `Integrity` for a row that was changed.
pub(crate) async fn authenticate(custody: &Custody, id: UserId) -> Result<Actor, Problem> {
    let mut session = custody.store.read().await?;
    let stored = strongroom_store::user::get(&mut session, id).await?;
    drop(session);
    let user = stored.map(|stored| custody.verified_user(stored)).transpose()?;
    let user = user
        .filter(|user| user.is_active)
        .ok_or_else(|| Problem::new(ProblemKind::Unauthenticated, "Invalid or expired token"))?;
    let mut actor = Actor::new(ActorKind::User(user.id), user.role);
    actor.user = Some(user.id);
    Ok(actor)
}

impl UserService {
    /// The actor that an active user is.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated` for an unknown or disabled user, `Integrity` for a row that was changed.
    pub async fn authenticate(&self, id: UserId) -> Result<Actor, Problem> {
        authenticate(&self.custody, id).await
    }

    /// All users, by id.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self) -> Result<Vec<User>, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(strongroom_store::user::list(&mut session).await?.into_iter().map(|stored| stored.user).collect())
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn require(&self, id: UserId) -> Result<User, Problem> {
        let mut session = self.custody.store.read().await?;
        let stored = strongroom_store::user::get(&mut session, id).await?;
        stored.map(|stored| stored.user).ok_or_else(|| Problem::not_found("User not found"))
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`Problem`] of kind `Conflict` when the name or id is taken.
    pub async fn create(&self, new: NewUser) -> Result<User, Problem> {
        check_name(&new.name)?;
        if new.id.is_some_and(|id| !(1..=MAX_GIVEN).contains(&id.0)) {
            return Err(Problem::invalid("id", format!("id must be 1 to {MAX_GIVEN}")));
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        strongroom_store::user::lock_ids(&mut tx).await?;
        let id = match new.id {
            Some(id) => id,
            None => strongroom_store::user::next_id(&mut tx).await?,
        };
        let user =
            User { id, name: new.name, role: new.role, is_active: true, created_at: now, updated_at: now };
        strongroom_store::user::insert(&mut tx, &self.custody.sign_user(user.clone()))
            .await
            .map_err(taken)?;
        let detail = json!({ "role": user.role });
        note_authority(&self.custody, &mut tx, &user, now).await?;
        let entry = entry(&self.actor, "user.create", target(&user), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a user. Disabling it binds from its next request on, on every node.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` or `Integrity`.
    pub async fn update(&self, id: UserId, patch: UserPatch) -> Result<User, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        strongroom_store::user::lock_ids(&mut tx).await?;
        let stored = strongroom_store::user::get(&mut tx, id).await?;
        let stored = stored.ok_or_else(|| Problem::not_found("User not found"))?;
        let mut user = self.custody.verified_user(stored)?;
        let mut changed = Vec::new();
        if let Some(name) = patch.name {
            check_name(&name)?;
            changed.push("name");
            user.name = name;
        }
        if let Some(role) = patch.role {
            changed.push("role");
            user.role = role;
        }
        if let Some(is_active) = patch.is_active {
            changed.push("isActive");
            user.is_active = is_active;
        }
        user.updated_at = now;
        strongroom_store::user::update(&mut tx, &self.custody.sign_user(user.clone()))
            .await
            .map_err(taken)?;
        let detail = json!({ "changed": changed, "role": user.role, "isActive": user.is_active });
        if changed.iter().any(|field| *field != "name") {
            note_authority(&self.custody, &mut tx, &user, now).await?;
        }
        let entry = entry(&self.actor, "user.update", target(&user), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Removes a user that owns nothing.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `Conflict` while credentials or tokens are the user's.
    pub async fn delete(&self, id: UserId) -> Result<(), Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let stored = strongroom_store::user::get(&mut tx, id).await?;
        let user = stored.ok_or_else(|| Problem::not_found("User not found"))?.user;
        strongroom_store::user::delete(&mut tx, id).await.map_err(taken)?;
        let entry = entry(&self.actor, "user.delete", target(&user), now, &json!({}));
        self.custody.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }
}
