//! When a key from the environment stands in, and when it does not.

use strongroom::{
    Actor, CredentialPatch, Environment, NewCredential, ProblemKind, RevealedCredential, Role, Secret,
    Source, UserId,
};

use super::ground::{Ground, ground, ground_with, new, provider};

async fn with_environment() -> Ground {
    let set = |name: &str, value: &str| (name.to_owned(), Secret::from(value));
    let environment = Environment::of(vec![
        set("OPENAI_API_KEY", "sk-environment"),
        set("GOOGLE_API_KEY", "AIza-environment"),
        set("GROQ_API_KEY", ""),
    ]);
    ground_with(|options| options.environment = environment).await
}

async fn read(ground: &Ground, provider: &str, user: Option<UserId>) -> Option<RevealedCredential> {
    ground.service().get_credential_by_provider(provider, user).await.expect("an answer")
}

async fn patched(ground: &Ground, id: strongroom::CredentialId, patch: CredentialPatch) {
    ground.service().update(id, patch, None).await.expect("a change");
}

#[tokio::test]
async fn it_serves_a_provider_that_the_database_knows_nothing_of_and_says_so() {
    let ground = with_environment().await;
    let found = read(&ground, "openai", None).await.unwrap();
    assert_eq!((found.api_key.expose(), found.source), ("sk-environment", Source::Environment));
    assert_eq!((found.id, found.version, found.rate_limit), (None, None, None));
    assert_eq!((found.name.as_str(), found.provider.as_str()), ("OPENAI_API_KEY", "openai"));
    assert_eq!(read(&ground, "google", None).await.unwrap().api_key.expose(), "AIza-environment");
    assert!(read(&ground, "groq", None).await.is_none(), "an empty variable is as good as unset");
    assert!(read(&ground, "anthropic", None).await.is_none());
    assert!(read(&ground, "openai", Some(UserId(5))).await.is_some());

    let entries = ground.entries("credential.read").await;
    assert_eq!(entries.len(), 3);
    let entry = &entries[0].entry;
    assert_eq!(
        (entry.target.kind.as_str(), entry.target.name.as_deref()),
        ("environment", Some("OPENAI_API_KEY"))
    );
    assert!(entry.detail.contains("\"source\":\"environment\""), "{}", entry.detail);
    assert!(!format!("{entries:?}").contains("sk-environment"));
    assert_eq!(ground.value("SELECT count(*) FROM usage_records WHERE source = 'environment'").await, "3");
    let signals = ground.room.counters();
    assert_eq!((signals.reads_from_environment.get(), signals.reads_from_database.get()), (3, 0));
    assert!(
        ground.service().get_credential("OPENAI_API_KEY", None).await.unwrap().is_none(),
        "it has no name of its own"
    );
    ground.assert_sound().await;
}

#[tokio::test]
async fn switched_off_it_serves_nothing() {
    let ground = ground().await;
    assert!(!ground.room.has_environment_fallback());
    assert!(read(&ground, "openai", None).await.is_none());
    assert!(with_environment().await.room.has_environment_fallback());
}

#[tokio::test]
async fn a_row_of_the_provider_blocks_it_also_when_it_is_inactive_or_over_its_limit() {
    let ground = with_environment().await;
    let made = ground.make(NewCredential { rate_limit: Some(1), ..new("one") }).await;
    assert_eq!(read(&ground, "openai", None).await.unwrap().source, Source::Database);
    let problem = ground.service().get_credential_by_provider("openai", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached, "over its limit");
    patched(&ground, made.id, CredentialPatch { is_active: Some(false), ..Default::default() }).await;
    assert!(read(&ground, "openai", None).await.is_none(), "inactive");
    assert!(
        read(&ground, "openai", Some(UserId(5))).await.is_none(),
        "a global row blocks it for a user too"
    );
    assert_eq!(read(&ground, "gemini", None).await.unwrap().source, Source::Environment, "another provider");

    ground.service().delete(made.id, None).await.unwrap();
    assert_eq!(read(&ground, "openai", None).await.unwrap().source, Source::Environment, "no row is left");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_users_own_row_blocks_it_for_that_user_only() {
    let ground = with_environment().await;
    let user = strongroom::user::NewUser { name: "ada".to_owned(), role: Role::Reader, id: None };
    let ada = ground.room.users(Actor::library()).create(user).await.unwrap().id;
    let own = NewCredential { is_global: false, user: Some(ada), is_active: false, ..new("adas") };
    ground.make(own).await;
    assert!(read(&ground, "openai", Some(ada)).await.is_none());
    assert_eq!(read(&ground, "openai", None).await.unwrap().source, Source::Environment);
    let actor = Actor { user: Some(ada), ..Actor::library() };
    let found = ground.room.credentials(actor).get_own_credential_by_provider("openai").await.unwrap();
    assert!(found.is_none());
}

#[tokio::test]
async fn a_key_that_was_deleted_deactivated_or_replaced_in_the_database_is_never_used() {
    let ground = with_environment().await;
    // Stored for another provider: no row of OpenAI blocks it, only what is known of the key itself.
    let new = NewCredential {
        provider: provider("anthropic"),
        ..NewCredential::new("one", provider("openai"), "sk-environment")
    };
    let made = ground.make(new).await;
    assert!(read(&ground, "openai", None).await.is_some(), "it is in use there, and alive");

    patched(&ground, made.id, CredentialPatch { is_active: Some(false), ..Default::default() }).await;
    assert!(read(&ground, "openai", None).await.is_none(), "deactivated");
    patched(&ground, made.id, CredentialPatch { is_active: Some(true), ..Default::default() }).await;
    assert!(read(&ground, "openai", None).await.is_some());
    patched(&ground, made.id, CredentialPatch { api_key: Some("sk-next".into()), ..Default::default() })
        .await;
    assert!(read(&ground, "openai", None).await.is_none(), "replaced");
    patched(
        &ground,
        made.id,
        CredentialPatch { api_key: Some("sk-environment".into()), ..Default::default() },
    )
    .await;
    ground.service().delete(made.id, None).await.unwrap();
    assert!(read(&ground, "openai", None).await.is_none(), "deleted");
    assert_eq!(read(&ground, "gemini", None).await.unwrap().source, Source::Environment, "another key");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_token_that_reaches_named_credentials_or_other_providers_does_not_reach_it() {
    let ground = with_environment().await;
    let made = ground.make(NewCredential { provider: provider("groq"), ..new("one") }).await;
    let mut narrow = Actor::library();
    narrow.scope.credentials = vec![made.uid];
    let found = ground.room.credentials(narrow).get_own_credential_by_provider("openai").await.unwrap();
    assert!(found.is_none());
    let mut narrow = Actor::library();
    narrow.scope.providers = vec![provider("groq")];
    let denied = ground.room.credentials(narrow).get_own_credential_by_provider("openai").await.unwrap_err();
    assert_eq!(denied.kind, ProblemKind::Denied);
    let mut wide = Actor::library();
    wide.scope.providers = vec![provider("openai")];
    let found = ground.room.credentials(wide).get_own_credential_by_provider("openai").await.unwrap();
    assert_eq!(found.unwrap().source, Source::Environment);
}
