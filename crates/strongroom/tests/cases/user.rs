//! Users: made, disabled, removed, and refused when their rows were changed.

use strongroom::token::TokenRequest;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{Actor, NewCredential, ProblemKind, Role, UserId};

use super::ground::{Ground, ground, new};

fn named(name: &str, role: Role) -> NewUser {
    NewUser { name: name.to_owned(), role, id: None }
}

async fn ada(ground: &Ground) -> UserId {
    ground.room.users(Actor::library()).create(named("ada", Role::Admin)).await.expect("a user").id
}

#[tokio::test]
async fn a_user_is_made_changed_and_removed() {
    let ground = ground().await;
    let users = ground.room.users(Actor::library());
    let made = users.create(named("ada", Role::Auditor)).await.unwrap();
    assert_eq!((made.id, made.role, made.is_active), (UserId(1), Role::Auditor, true));
    let actor = users.authenticate(made.id).await.unwrap();
    assert_eq!((actor.role, actor.user, actor.label()), (Role::Auditor, Some(made.id), "user:1".to_owned()));
    let patch = UserPatch { name: Some("ada-2".to_owned()), role: Some(Role::Reader), is_active: None };
    let changed = users.update(made.id, patch).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.role), ("ada-2", Role::Reader));
    assert_eq!(users.authenticate(made.id).await.unwrap().role, Role::Reader);
    users.delete(made.id).await.unwrap();
    assert_eq!(users.require(made.id).await.unwrap_err().kind, ProblemKind::NotFound);
    assert_eq!(users.delete(made.id).await.unwrap_err().kind, ProblemKind::NotFound);
    assert_eq!(users.update(made.id, UserPatch::default()).await.unwrap_err().kind, ProblemKind::NotFound);
    assert_eq!(users.authenticate(made.id).await.unwrap_err().kind, ProblemKind::Unauthenticated);
    assert_eq!(ground.entries("user.").await.len(), 3);
    ground.assert_sound().await;
}

#[tokio::test]
async fn names_and_ids_of_users_are_unique_and_names_are_printable() {
    let ground = ground().await;
    let users = ground.room.users(Actor::library());
    users.create(NewUser { id: Some(UserId(40)), ..named("ada", Role::Reader) }).await.unwrap();
    assert_eq!(users.create(named("bob", Role::Reader)).await.unwrap().id, UserId(41));
    for clash in [named("ada", Role::Reader), NewUser { id: Some(UserId(40)), ..named("eve", Role::Reader) }]
    {
        assert_eq!(users.create(clash).await.unwrap_err().kind, ProblemKind::Conflict);
    }
    let rename = UserPatch { name: Some("ada".to_owned()), ..UserPatch::default() };
    assert_eq!(users.update(UserId(41), rename).await.unwrap_err().kind, ProblemKind::Conflict);
    for name in ["", " a", "a\n", &"x".repeat(129)] {
        let problem = users.create(named(name, Role::Reader)).await.unwrap_err();
        assert_eq!(
            (problem.kind, problem.field.as_deref()),
            (ProblemKind::Invalid, Some("name")),
            "{name:?}"
        );
    }
    for id in [0, -1, i64::MAX] {
        let new = NewUser { id: Some(UserId(id)), ..named("eve", Role::Reader) };
        assert_eq!(users.create(new).await.unwrap_err().field.as_deref(), Some("id"), "{id}");
    }
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_removed_users_id_is_not_given_to_the_next_one() {
    let ground = ground().await;
    let users = ground.room.users(Actor::library());
    let ada = ada(&ground).await;
    users.delete(ada).await.unwrap();
    let next = users.create(named("bob", Role::Admin)).await.unwrap();
    assert_ne!(
        next.id, ada,
        "a signed token that names the removed user would let somebody in as the next one"
    );
}

#[tokio::test]
async fn a_disabled_user_is_refused_and_so_are_its_tokens() {
    let ground = ground().await;
    let (users, tokens) = (ground.room.users(Actor::library()), ground.room.tokens(Actor::library()));
    let ada = ada(&ground).await;
    let request = TokenRequest { user: Some(ada), ..TokenRequest::new("adas", Role::Reader) };
    let (token, _) = tokens.create(request).await.unwrap();
    assert_eq!(tokens.authenticate(&token.text).await.unwrap().user, Some(ada));
    let set = |is_active| UserPatch { is_active: Some(is_active), ..UserPatch::default() };
    users.update(ada, set(false)).await.unwrap();
    assert_eq!(users.authenticate(ada).await.unwrap_err().kind, ProblemKind::Unauthenticated);
    assert_eq!(tokens.authenticate(&token.text).await.unwrap_err().kind, ProblemKind::Unauthenticated);
    users.update(ada, set(true)).await.unwrap();
    assert!(users.authenticate(ada).await.is_ok() && tokens.authenticate(&token.text).await.is_ok());

    let unknown = TokenRequest { user: Some(UserId(99)), ..TokenRequest::new("x", Role::Reader) };
    assert_eq!(tokens.create(unknown).await.unwrap_err().field.as_deref(), Some("userId"));
    assert_eq!(users.delete(ada).await.unwrap_err().kind, ProblemKind::Conflict, "a token is its own");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_user_whose_row_was_changed_is_refused_and_the_failure_is_counted() {
    let ground = ground().await;
    let users = ground.room.users(Actor::library());
    let eve = users.create(named("eve", Role::Reader)).await.unwrap().id;
    ada(&ground).await;
    let tokens = ground.room.tokens(Actor::library());
    let request = TokenRequest { user: Some(eve), ..TokenRequest::new("eves", Role::Reader) };
    let (token, _) = tokens.create(request).await.unwrap();
    ground.database.execute("CREATE TABLE kept AS SELECT * FROM users").await;
    let copied = format!("mac = (SELECT mac FROM kept WHERE name = 'ada'), role = 'admin' WHERE id = {eve}");
    for edit in [
        &format!("role = 'admin' WHERE id = {eve}"),
        &format!("is_active = FALSE WHERE id = {eve}"),
        &format!("mac_key_id = 'x' WHERE id = {eve}"),
        &copied,
    ] {
        let before = ground.room.counters().integrity_failures.get();
        ground.database.execute(&format!("UPDATE users SET {edit}")).await;
        assert_eq!(users.authenticate(eve).await.unwrap_err().kind, ProblemKind::Integrity, "{edit}");
        assert_eq!(ground.room.counters().integrity_failures.get(), before + 1, "{edit}");
        assert!(tokens.authenticate(&token.text).await.is_err(), "{edit}");
        let promoted = UserPatch { name: Some("eve-2".to_owned()), ..UserPatch::default() };
        assert_eq!(
            users.update(eve, promoted).await.unwrap_err().kind,
            ProblemKind::Integrity,
            "not signed again"
        );
        let undo = "role = (SELECT k.role FROM kept k WHERE k.id = users.id), \
                    is_active = (SELECT k.is_active FROM kept k WHERE k.id = users.id), \
                    mac_key_id = (SELECT k.mac_key_id FROM kept k WHERE k.id = users.id), \
                    mac = (SELECT k.mac FROM kept k WHERE k.id = users.id)";
        ground.database.execute(&format!("UPDATE users SET {undo}")).await;
        assert!(users.authenticate(eve).await.is_ok(), "{edit}, undone");
    }
}

#[tokio::test]
async fn a_user_that_owns_a_credential_cannot_be_removed() {
    let ground = ground().await;
    let ada = ada(&ground).await;
    ground.make(NewCredential { is_global: false, user: Some(ada), ..new("adas") }).await;
    let problem = ground.room.users(Actor::library()).delete(ada).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    ground.assert_sound().await;
}
