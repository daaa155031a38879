//! Making, reading, changing and deleting credentials.

use strongroom::{CredentialFilter, CredentialPatch, Millis, ProblemKind, Source, UserId};

use super::ground::{NOW, ground, new, provider};

#[tokio::test]
async fn a_new_credential_has_the_defaults_of_its_provider_and_reads_back() {
    let ground = ground().await;
    let made = ground.make(new("openai-primary")).await;
    assert_eq!((made.name.as_str(), made.provider.as_str(), made.priority), ("openai-primary", "openai", 40));
    assert_eq!((made.is_active, made.is_global, made.user), (true, true, None));
    assert_eq!((made.revision, made.version_number, made.rate_limit), (1, 1, None));
    assert_eq!((made.created_at, made.updated_at, made.last_used), (NOW, NOW, None));
    assert_eq!(ground.service().require(made.id).await.unwrap().uid, made.uid);

    let read = ground.service().get_credential("openai-primary", None).await.unwrap().unwrap();
    assert_eq!(
        (read.api_key.expose(), read.source, read.version),
        ("key of openai-primary", Source::Database, Some(1))
    );
    assert_eq!((read.id, read.api_secret, read.endpoint), (Some(made.id), None, None));
    assert!(ground.service().get_credential("OpenAI-primary", None).await.unwrap().is_none());
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let ground = ground().await;
    let before = ground.make(new("one")).await;
    ground.clock.set(Millis(NOW.0 + 5));
    let patch = CredentialPatch {
        name: Some("renamed".to_owned()),
        priority: Some(-7),
        is_active: Some(false),
        rate_limit: Some(Some(9)),
        ..CredentialPatch::default()
    };
    let after = ground.service().update(before.id, patch, None).await.unwrap();
    assert_eq!((after.name.as_str(), after.priority, after.is_active), ("renamed", -7, false));
    assert_eq!((after.rate_limit, after.revision, after.version_number), (Some(9), 2, 1));
    assert_eq!((after.provider, after.is_global, after.uid), (before.provider, true, before.uid));
    assert_eq!((after.created_at, after.updated_at), (NOW, Millis(NOW.0 + 5)));
    assert!(ground.service().get_credential("renamed", None).await.unwrap().is_none(), "it is inactive");

    let patch =
        CredentialPatch { is_active: Some(true), rate_limit: Some(None), ..CredentialPatch::default() };
    let after = ground.service().update(before.id, patch, None).await.unwrap();
    assert_eq!((after.rate_limit, after.revision), (None, 3));
    let read = ground.service().get_credential("renamed", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "key of one");
    let entry = &ground.entries("credential.update").await[0];
    let detail: serde_json::Value = serde_json::from_str(&entry.entry.detail).unwrap();
    let changed = serde_json::json!({
        "name": ["one", "renamed"], "priority": [40, -7], "isActive": [true, false], "rateLimit": [null, 9],
    });
    assert_eq!(detail["changed"], changed, "old and new");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_new_secret_makes_a_new_version_and_keeps_the_other_one() {
    let ground = ground().await;
    let mut both = new("one");
    both.api_secret = Some("second".into());
    let made = ground.make(both).await;

    let patch = CredentialPatch { api_key: Some("key 2".into()), ..CredentialPatch::default() };
    let after = ground.service().update(made.id, patch, None).await.unwrap();
    assert_eq!((after.version_number, after.revision), (2, 2));
    assert_ne!(after.version, made.version);
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.api_secret.unwrap().expose()), ("key 2", "second"));
    assert_eq!(read.version, Some(2));

    let patch = CredentialPatch { api_secret: Some(None), ..CredentialPatch::default() };
    assert_eq!(ground.service().update(made.id, patch, None).await.unwrap().version_number, 3);
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.api_secret), ("key 2", None));
    let details: Vec<_> =
        ground.entries("credential.update").await.into_iter().map(|it| it.entry.detail).collect();
    assert!(details[0].contains("\"apiKey\":\"new\"") && details[1].contains("\"apiSecret\":\"new\""));
    assert!(!details.concat().contains("key 2") && !details.concat().contains("second"), "{details:?}");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_deleted_credential_is_gone_and_its_name_is_free() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    ground.service().delete(made.id, None).await.unwrap();
    assert_eq!(ground.service().require(made.id).await.unwrap_err().kind, ProblemKind::NotFound);
    assert!(ground.service().get_credential("one", None).await.unwrap().is_none());
    assert!(ground.service().list_credentials().await.unwrap().is_empty());
    let gone = ground.service().delete(made.id, None).await.unwrap_err();
    assert_eq!((gone.kind, gone.message.as_str()), (ProblemKind::NotFound, "Credential not found"));
    let gone = ground.service().update(made.id, CredentialPatch::default(), None).await.unwrap_err();
    assert_eq!(gone.kind, ProblemKind::NotFound);
    let gone = ground.service().record_usage(made.id).await.unwrap_err();
    assert_eq!(gone.kind, ProblemKind::NotFound);
    let again = ground.make(new("one")).await;
    assert!(again.id > made.id && again.uid != made.uid);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_for_a_new_credential_and_for_a_renamed_one() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let two = ground.make(new("two")).await;
    let rename = CredentialPatch { name: Some("one".to_owned()), ..CredentialPatch::default() };
    for problem in [
        ground.service().create(new("one")).await.unwrap_err(),
        ground.service().update(two.id, rename, None).await.unwrap_err(),
    ] {
        assert_eq!((problem.kind, problem.field.as_deref()), (ProblemKind::Conflict, Some("name")));
    }
    assert_eq!(ground.service().require(two.id).await.unwrap().revision, 1);
    assert_eq!(ground.entries("credential.").await.len(), 2, "what did not happen is not in the trail");
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_breaks_a_rule_names_its_field_and_leaves_no_trace() {
    let ground = ground().await;
    let broken = |field: &'static str, change: fn(&mut strongroom::NewCredential)| {
        let mut new = new("one");
        change(&mut new);
        (field, new)
    };
    for (field, new) in [
        broken("name", |new| new.name = "a/b".into()),
        broken("name", |new| new.name = "42".into()),
        broken("apiKey", |new| new.api_key = Some("".into())),
        broken("apiKey", |new| new.api_key = Some("a\nb".into())),
        broken("apiKey", |new| new.api_key = Some("sk-1\n".into())),
        broken("apiKey", |new| new.api_key = Some("\u{feff}sk-1".into())),
        broken("apiKey", |new| new.api_key = Some("\"sk-1\"".into())),
        broken("apiKey", |new| new.api_key = Some("OPENAI_API_KEY=sk-1".into())),
        broken("apiKey", |new| new.api_key = Some("Bearer sk-1".into())),
        broken("apiKey", |new| new.api_key = Some("sk-1,sk-2".into())),
        broken("apiKey", |new| new.api_key = Some("sk-1\u{200b}".into())),
        broken("apiKey", |new| new.api_key = Some("your-key-here".into())),
        broken("apiSecret", |new| new.api_secret = Some(" x".into())),
        broken("apiSecret", |new| new.api_secret = Some("'x'".into())),
        broken("rateLimit", |new| new.rate_limit = Some(-1)),
        broken("userId", |new| new.is_global = false),
        broken("userId", |new| new.user = Some(UserId(99))),
        broken("endpoint", |new| new.provider = provider("my-llm")),
        broken("endpoint", |new| new.endpoint = Some("http://10.0.0.1/v1".into())),
        broken("endpoint", |new| new.endpoint = Some("https://169.254.169.254/".into())),
        broken("endpoint", |new| new.endpoint = Some("https://api.openai.com/other".into())),
    ] {
        let problem = ground.service().create(new).await.unwrap_err();
        assert_eq!(
            (problem.kind, problem.field.as_deref()),
            (ProblemKind::Invalid, Some(field)),
            "{problem}"
        );
    }
    let mut own = new("own");
    own.provider = provider("my-llm");
    own.endpoint = Some("https://llm.example.com/v1".to_owned());
    let own = ground.make(own).await;
    for (field, patch) in [
        ("name", CredentialPatch { name: Some("..".into()), ..Default::default() }),
        ("apiKey", CredentialPatch { api_key: Some("".into()), ..Default::default() }),
        ("rateLimit", CredentialPatch { rate_limit: Some(Some(-1)), ..Default::default() }),
        ("endpoint", CredentialPatch { endpoint: Some(None), ..Default::default() }),
        ("endpoint", CredentialPatch { endpoint: Some(Some("ftp://x".into())), ..Default::default() }),
        ("userId", CredentialPatch { is_global: Some(false), ..Default::default() }),
        ("userId", CredentialPatch { user: Some(Some(UserId(99))), ..Default::default() }),
    ] {
        let problem = ground.service().update(own.id, patch, None).await.unwrap_err();
        assert_eq!(
            (problem.kind, problem.field.as_deref()),
            (ProblemKind::Invalid, Some(field)),
            "{problem}"
        );
    }
    assert_eq!(ground.service().require(own.id).await.unwrap().revision, 1);
    assert_eq!(ground.entries("credential.").await.len(), 1);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_credential_without_a_key_can_be_filled_later_and_costs_nothing_until_then() {
    let ground = ground().await;
    let mut empty = new("one");
    empty.api_key = None;
    let made = ground.make(empty).await;
    let problem = ground.service().get_credential("one", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unprocessable);
    assert!(problem.message.starts_with("Cannot decrypt empty text"), "{problem}");
    assert_eq!(ground.service().require(made.id).await.unwrap().usage_count, 0);

    let patch = CredentialPatch { api_key: Some("late".into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.usage_count), ("late", 1));
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_list_comes_whole_and_in_pages() {
    let ground = ground().await;
    for number in 1..=5 {
        ground.make(new(&format!("c-{number}"))).await;
    }
    let all = ground.service().list_credentials().await.unwrap();
    assert_eq!(all.len(), 5);
    let filter = CredentialFilter::default();
    let first = ground.service().list(&filter, 0, 2).await.unwrap();
    assert_eq!((first.items.len(), first.next), (2, Some(all[1].id.0)));
    let last = ground.service().list(&filter, all[2].id.0, 2).await.unwrap();
    assert_eq!((last.items.len(), last.next), (2, None));
}

#[tokio::test]
async fn an_endpoint_is_stored_as_the_base_of_its_providers_api() {
    let ground = ground().await;
    let mut copied = new("copied");
    copied.endpoint = Some("https://llm.example.com/v1/chat/completions".into());
    let copied = ground.make(copied).await;
    assert_eq!(copied.endpoint.as_deref(), Some("https://llm.example.com/v1"));
    let patch = CredentialPatch {
        provider: Some(provider("anthropic")),
        endpoint: Some(Some("https://llm.example.com/anthropic/v1/messages".into())),
        ..Default::default()
    };
    let changed = ground.service().update(copied.id, patch, None).await.unwrap();
    assert_eq!(changed.endpoint.as_deref(), Some("https://llm.example.com/anthropic"));
    let read = ground.service().get_credential("copied", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "key of copied");
    ground.assert_sound().await;
}
