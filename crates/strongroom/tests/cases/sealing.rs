//! What sealed texts are bound to.

use strongroom::{CredentialPatch, ProblemKind};

use super::ground::{Ground, ground, new, provider};

async fn sealed(ground: &Ground, version: impl ToString) -> String {
    let version = version.to_string();
    ground.value(&format!("SELECT value FROM credential_values WHERE version_uid = '{version}'")).await
}

#[tokio::test]
async fn another_provider_or_endpoint_reseals_every_version() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let patch = CredentialPatch { api_key: Some("key 2".into()), ..CredentialPatch::default() };
    let second = ground.service().update(made.id, patch, None).await.unwrap();
    let moves = [
        CredentialPatch { endpoint: Some(Some("https://llm.example.com/v1".into())), ..Default::default() },
        CredentialPatch { provider: Some(provider("groq")), ..Default::default() },
        CredentialPatch { endpoint: Some(None), ..Default::default() },
    ];
    for patch in moves {
        let (old, new) = (sealed(&ground, made.version).await, sealed(&ground, second.version).await);
        let after = ground.service().update(made.id, patch, None).await.unwrap();
        assert_eq!(after.version, second.version, "the secret is the same, so is the version");
        assert_ne!(sealed(&ground, made.version).await, old);
        assert_ne!(sealed(&ground, second.version).await, new);
        let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
        assert_eq!(read.api_key.expose(), "key 2");

        // What was sealed for the place before does not open in this one.
        let put = |text: &str| {
            format!("UPDATE credential_values SET value = '{text}' WHERE version_uid = '{}'", second.version)
        };
        let present = sealed(&ground, second.version).await;
        ground.edit(&put(&new)).await;
        let problem = ground.service().get_credential("one", None).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Integrity);
        ground.edit(&put(&present)).await;
    }
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_key_and_a_place_can_change_together() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let patch = CredentialPatch {
        name: Some("two".to_owned()),
        provider: Some(provider("groq")),
        endpoint: Some(Some("https://llm.example.com/v1".into())),
        api_key: Some("key 2".into()),
        api_secret: Some(Some("second".into())),
        ..CredentialPatch::default()
    };
    ground.service().update(made.id, patch, None).await.unwrap();
    let read = ground.service().get_credential("two", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.api_secret.unwrap().expose()), ("key 2", "second"));
    assert_eq!(
        (read.provider.as_str(), read.endpoint.as_deref()),
        ("groq", Some("https://llm.example.com/v1"))
    );
    ground.assert_sound().await;
}

#[tokio::test]
async fn seals_are_counted_and_no_secret_is_stored_open() {
    let ground = ground().await;
    let mut both = new("one");
    both.api_secret = Some("second".into());
    let made = ground.make(both).await;
    let patch = CredentialPatch { api_key: Some("key 2".into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    let counted = ground.value("SELECT seal_count FROM encryption_keys WHERE purpose = 'data'").await;
    assert_eq!(counted, "4", "two at first; then the new key, and the second secret for the new version");
    let rows = ground.database.query_text("SELECT value, fingerprint, field FROM credential_values").await;
    let text = format!("{rows:?}");
    assert!(!text.contains("key of one") && !text.contains("key 2") && !text.contains("second"));
    let distinct = "SELECT count(DISTINCT value), count(DISTINCT fingerprint) FROM credential_values";
    let counts = &ground.database.query_text(distinct).await[0];
    assert_eq!(
        counts,
        &[Some("4".to_owned()), Some("3".to_owned())],
        "sealed twice, the same secret looks different"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_meets_a_change_of_place_finds_the_old_or_the_new_one() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let node = ground.node().await;
    let mut tasks = tokio::task::JoinSet::new();
    for reader in 0..4 {
        let room = if reader % 2 == 0 { ground.room.clone() } else { node.clone() };
        let service = room.credentials(strongroom::Actor::library());
        tasks.spawn(async move {
            for round in 0..40 {
                let read = if round % 8 == 0 {
                    service.test(made.id, false).await.map(|_| None)
                } else {
                    service.get_credential("one", None).await
                };
                if let Some(read) = read.unwrap() {
                    assert_eq!(read.api_key.expose(), "key of one");
                }
            }
        });
    }
    let service = ground.service();
    tasks.spawn(async move {
        for round in 0..40 {
            let endpoint = Some((round % 2 == 0).then(|| "https://llm.example.com/v1".to_owned()));
            let patch = CredentialPatch { endpoint, ..CredentialPatch::default() };
            service.update(made.id, patch, None).await.unwrap();
        }
    });
    tasks.join_all().await;
    assert_eq!(ground.entries("credential.integrity").await.len(), 0);
    ground.assert_sound().await;
}
