//! Which credential of a provider is handed out, and to whom.

use strongroom::{Actor, CredentialPatch, NewCredential, ProblemKind, Role, UserId};
use strongroom_model::ActorKind;

use super::ground::{Ground, ground, new, provider};

async fn chosen(ground: &Ground, user: Option<UserId>) -> Option<String> {
    let read = ground.service().get_credential_by_provider("openai", user).await.expect("an answer");
    read.map(|read| read.name)
}

async fn user(ground: &Ground, name: &str) -> UserId {
    let new = strongroom::user::NewUser { name: name.to_owned(), role: Role::Reader, id: None };
    ground.room.users(Actor::library()).create(new).await.expect("a user").id
}

fn owned(name: &str, user: UserId) -> NewCredential {
    NewCredential { is_global: false, user: Some(user), ..new(name) }
}

fn acting_for(user: UserId) -> Actor {
    Actor { user: Some(user), ..Actor::new(ActorKind::User(user), Role::Reader) }
}

#[tokio::test]
async fn the_lowest_priority_comes_first_and_among_equals_the_lowest_id() {
    let ground = ground().await;
    for (name, priority) in [("late", 90), ("tie-1", 50), ("tie-2", 50), ("first", 7)] {
        ground.make(NewCredential { priority: Some(priority), ..new(name) }).await;
    }
    let groq = NewCredential { provider: provider("groq"), priority: Some(0), ..new("elsewhere") };
    ground.make(groq).await;
    for wanted in ["first", "tie-1", "tie-2", "late"] {
        assert_eq!(chosen(&ground, None).await.as_deref(), Some(wanted));
        let all = ground.service().list_credentials().await.unwrap();
        let found = all.iter().find(|it| it.name == wanted).unwrap();
        let patch = CredentialPatch { is_active: Some(false), ..CredentialPatch::default() };
        ground.service().update(found.id, patch, None).await.unwrap();
    }
    assert_eq!(chosen(&ground, None).await, None, "all are inactive");
    assert!(ground.service().get_credential_by_provider("Google", None).await.unwrap().is_none());
    let problem = ground.service().get_credential_by_provider("a/b", None).await.unwrap_err();
    assert_eq!((problem.kind, problem.field.as_deref()), (ProblemKind::Invalid, Some("provider")));
    ground.assert_sound().await;
}

#[tokio::test]
async fn the_next_one_is_tried_when_one_is_over_its_limit() {
    let ground = ground().await;
    for (name, limit) in [("one", 2), ("two", 1), ("none", 0)] {
        ground.make(NewCredential { rate_limit: Some(limit), ..new(name) }).await;
    }
    for wanted in ["one", "one", "two"] {
        assert_eq!(chosen(&ground, None).await.as_deref(), Some(wanted));
    }
    let problem = ground.service().get_credential_by_provider("openai", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached);
    assert!(problem.retry_at.is_some());
    ground.make(new("more")).await;
    assert_eq!(chosen(&ground, None).await.as_deref(), Some("more"));
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_credential_that_does_not_open_or_has_no_key_is_passed_over_but_not_in_silence() {
    let ground = ground().await;
    let first = ground.make(NewCredential { priority: Some(1), ..new("first") }).await;
    ground.make(NewCredential { priority: Some(2), api_key: None, ..new("empty") }).await;
    let sql = format!("UPDATE credential_values SET value = 'x' WHERE version_uid = '{}'", first.version);
    ground.database.execute(&sql).await;
    let problem = ground.service().get_credential_by_provider("openai", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Integrity, "nothing else is left");

    ground.make(NewCredential { priority: Some(3), rate_limit: Some(1), ..new("third") }).await;
    assert_eq!(chosen(&ground, None).await.as_deref(), Some("third"));
    let problem = ground.service().get_credential_by_provider("openai", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached);
    assert_eq!(ground.entries("credential.integrity").await.len(), 3, "every time it is met");
    assert_eq!(ground.room.counters().integrity_failures.get(), 3);
}

#[tokio::test]
async fn a_user_sees_its_own_rows_and_without_one_only_global_rows_are_seen() {
    let ground = ground().await;
    let (ada, bob) = (user(&ground, "ada").await, user(&ground, "bob").await);
    ground.make(owned("adas", ada)).await;
    assert_eq!(chosen(&ground, None).await, None);
    assert_eq!(chosen(&ground, Some(bob)).await, None);
    assert_eq!(chosen(&ground, Some(ada)).await.as_deref(), Some("adas"));

    ground.make(NewCredential { priority: Some(1), ..new("everybodys") }).await;
    assert_eq!(chosen(&ground, None).await.as_deref(), Some("everybodys"));
    assert_eq!(
        chosen(&ground, Some(ada)).await.as_deref(),
        Some("adas"),
        "its own come first, whatever their priority"
    );
    assert_eq!(chosen(&ground, Some(bob)).await, None);

    let service = ground.service();
    for (name, user, is_seen) in [
        ("adas", None, false),
        ("adas", Some(ada), true),
        ("adas", Some(bob), false),
        ("everybodys", None, true),
        ("everybodys", Some(ada), false),
    ] {
        let read = service.get_credential(name, user).await.unwrap();
        assert_eq!(read.is_some(), is_seen, "{name} for {user:?}");
    }
    ground.assert_sound().await;
}

#[tokio::test]
async fn who_acts_for_a_user_sees_its_own_rows_first_and_then_the_global_ones() {
    let ground = ground().await;
    let (ada, bob) = (user(&ground, "ada").await, user(&ground, "bob").await);
    ground.make(NewCredential { rate_limit: Some(1), ..owned("adas", ada) }).await;
    ground.make(NewCredential { priority: Some(1), ..new("everybodys") }).await;
    let by_provider = async |actor: Actor| {
        let read = ground.room.credentials(actor).get_own_credential_by_provider("openai").await.unwrap();
        read.map(|read| read.name)
    };
    assert_eq!(by_provider(acting_for(bob)).await.as_deref(), Some("everybodys"));
    assert_eq!(by_provider(acting_for(ada)).await.as_deref(), Some("adas"));
    assert_eq!(by_provider(acting_for(ada)).await.as_deref(), Some("everybodys"), "its own is used up");

    for (name, actor, is_seen) in [
        ("everybodys", acting_for(ada), true),
        ("adas", acting_for(bob), false),
        ("adas", Actor::new(ActorKind::Token("t".into()), Role::Reader), false),
    ] {
        let read = ground.room.credentials(actor.clone()).get_own_credential(name).await.unwrap();
        assert_eq!(read.is_some(), is_seen, "{name} for {actor:?}");
    }
    let problem = ground.room.credentials(acting_for(ada)).get_own_credential("adas").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached);
    let problem = ground.room.credentials(acting_for(bob)).rate_limit_status("adas").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::NotFound);
    ground.assert_sound().await;
}
