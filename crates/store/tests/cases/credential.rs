//! Credentials: stored, found, changed, deleted.

use strongroom_model::{CredentialId, Millis, UserId};
use strongroom_store::{StoreError, credential};

use super::ground::{NOW, deleted_mac, ground, provider, row, uid};

#[tokio::test]
async fn a_stored_credential_reads_back_by_id_and_by_name() {
    let ground = ground().await;
    let owner = ground.put_user(7).await;
    let groq = provider("groq");
    let mut new = row(1, "mine", &groq);
    new.endpoint = Some("https://llm.example.com");
    new.priority = -3;
    new.is_active = false;
    new.is_global = false;
    new.user = Some(owner);
    new.created_at = Millis(5);
    new.updated_at = Millis(6);
    let id = ground.put(new).await;

    let found = ground.get(id).await;
    assert_eq!((found.id, found.uid, found.name.as_str()), (id, uid(1), "mine"));
    assert_eq!(
        (found.provider.as_str(), found.endpoint.as_deref()),
        ("groq", Some("https://llm.example.com"))
    );
    assert_eq!(
        (found.priority, found.is_active, found.is_global, found.user),
        (-3, false, false, Some(owner))
    );
    assert_eq!((found.revision, found.version, found.version_number), (1, uid(101), 1));
    assert_eq!((found.rate_limit, found.usage_count, found.current_month_usage), (None, 0, 0));
    assert_eq!((found.last_used, found.created_at, found.updated_at), (None, Millis(5), Millis(6)));

    let mut session = ground.read().await;
    let by_name = credential::get_by_name(&mut session, "mine", NOW).await.unwrap().unwrap();
    assert_eq!(by_name.uid, uid(1));
    for other in ["Mine", "min", "mine ", "mine%", "m_ne", ""] {
        assert!(credential::get_by_name(&mut session, other, NOW).await.unwrap().is_none(), "{other:?}");
    }
    assert!(credential::get(&mut session, CredentialId(id.0 + 1), NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_taken_name_and_a_missing_owner_are_told_apart() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(row(1, "primary", &openai)).await;

    let mut tx = ground.write().await;
    let taken = credential::insert(&mut tx, &row(2, "primary", &openai)).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    drop(tx);

    let mut tx = ground.write().await;
    let mut orphan = row(3, "orphan", &openai);
    orphan.user = Some(UserId(99));
    let dangling = credential::insert(&mut tx, &orphan).await;
    assert!(matches!(dangling, Err(StoreError::Dangling(_))), "{dangling:?}");
    drop(tx);

    ground.put(row(4, "Primary", &openai)).await;
}

#[tokio::test]
async fn an_update_writes_every_field_and_needs_the_revision_that_was_read() {
    let ground = ground().await;
    let owner = ground.put_user(7).await;
    let openai = provider("openai");
    let id = ground.put(row(1, "before", &openai)).await;
    ground.put(row(2, "other", &openai)).await;
    let before = ground.get(id).await;

    let mut wanted = before.clone();
    wanted.name = "after".to_owned();
    wanted.provider = provider("groq");
    wanted.endpoint = Some("https://llm.example.com".to_owned());
    wanted.priority = 1;
    wanted.is_active = false;
    wanted.is_global = false;
    wanted.user = Some(owner);
    let later = Millis(NOW.0 + 1);
    let mut tx = ground.write().await;
    assert!(credential::update(&mut tx, &wanted, later).await.unwrap());
    tx.commit().await.unwrap();

    let after = ground.get(id).await;
    assert_eq!((after.name.as_str(), after.provider.as_str()), ("after", "groq"));
    assert_eq!((&after.endpoint, after.priority), (&wanted.endpoint, 1));
    assert_eq!((after.is_active, after.is_global, after.user), (false, false, Some(owner)));
    assert_eq!(
        (after.revision, after.updated_at, after.created_at),
        (before.revision + 1, later, before.created_at)
    );

    let mut tx = ground.write().await;
    assert!(!credential::update(&mut tx, &wanted, later).await.unwrap(), "the revision has passed");
    let clash = strongroom_model::credential::Credential { name: "other".to_owned(), ..after };
    let taken = credential::update(&mut tx, &clash, later).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_credential_is_not_changed_until_the_lock_is_gone() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let before = ground.get(id).await;
    let mut tx = ground.write().await;
    credential::lock(&mut tx, id).await.unwrap();
    credential::lock(&mut tx, CredentialId(id.0 + 1)).await.unwrap();
    let mut change = tokio::task::JoinSet::new();
    let store = ground.store.clone();
    change.spawn(async move {
        let mut tx = store.write().await.unwrap();
        assert!(credential::update(&mut tx, &before, Millis(NOW.0 + 1)).await.unwrap());
        tx.commit().await.unwrap();
    });
    let waited = tokio::time::timeout(std::time::Duration::from_millis(100), change.join_next()).await;
    assert!(waited.is_err(), "it waits");
    assert_eq!(credential::get(&mut tx, id, NOW).await.unwrap().unwrap().revision, 1);
    tx.roll_back().await.unwrap();
    change.join_next().await.unwrap().unwrap();
    assert_eq!(ground.get(id).await.revision, 2);
}

#[tokio::test]
async fn credentials_that_others_changed_or_deleted_since_they_were_read_are_noticed() {
    let ground = ground().await;
    let openai = provider("openai");
    let (one, two) = (ground.put(row(1, "one", &openai)).await, ground.put(row(2, "two", &openai)).await);
    let seen = [ground.get(one).await, ground.get(two).await];
    let mut tx = ground.write().await;
    assert!(!credential::any_moved(&mut tx, &[]).await.unwrap());
    assert!(!credential::any_moved(&mut tx, &seen).await.unwrap());
    assert!(credential::update(&mut tx, &seen[0], NOW).await.unwrap());
    assert!(credential::delete(&mut tx, two, 1, &deleted_mac(), NOW).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    // On SQLite nobody else writes while we do, so nobody asks in earnest.
    let can_be = super::BACKEND == strongroom_testkit::Backend::Postgres;
    for one in &seen {
        assert_eq!(credential::any_moved(&mut tx, std::slice::from_ref(one)).await.unwrap(), can_be);
    }
    let present = credential::get(&mut tx, one, NOW).await.unwrap().unwrap();
    assert!(!credential::any_moved(&mut tx, &[present]).await.unwrap());
}

#[tokio::test]
async fn a_deleted_credential_is_gone_from_every_view_and_its_name_is_free() {
    let ground = ground().await;
    let openai = provider("openai");
    let id = ground.put(row(1, "primary", &openai)).await;

    let mut tx = ground.write().await;
    assert!(!credential::delete(&mut tx, id, 2, &deleted_mac(), NOW).await.unwrap(), "another revision");
    assert!(credential::delete(&mut tx, id, 1, &deleted_mac(), NOW).await.unwrap());
    assert!(!credential::delete(&mut tx, id, 2, &deleted_mac(), NOW).await.unwrap(), "deleted already");
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    assert!(credential::get(&mut session, id, NOW).await.unwrap().is_none());
    assert!(credential::get_by_name(&mut session, "primary", NOW).await.unwrap().is_none());
    let all = credential::list(&mut session, &Default::default(), 0, 10, NOW).await.unwrap();
    assert!(all.is_empty());
    assert!(
        credential::list_of_provider(&mut session, &openai, None, credential::ChoicePlace::FIRST, 10, NOW)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(!credential::provider_has_rows(&mut session, &openai, None).await.unwrap());
    assert_eq!(credential::name_of(&mut session, uid(1)).await.unwrap().as_deref(), Some("primary"));
    assert_eq!(credential::name_of(&mut session, uid(9)).await.unwrap(), None);
    assert!(credential::id_is_used(&mut session, id).await.unwrap());
    drop(session);

    let again = ground.put(row(2, "primary", &openai)).await;
    assert!(again > id, "an id is not given twice");
    assert_eq!(ground.get(again).await.uid, uid(2));
}

#[tokio::test]
async fn a_given_id_is_kept_and_the_next_one_lies_above_it() {
    let ground = ground().await;
    let openai = provider("openai");
    let mut fixed = row(1, "moved", &openai);
    fixed.id = Some(CredentialId(40));
    assert_eq!(ground.put(fixed).await, CredentialId(40));
    assert_eq!(ground.put(row(2, "next", &openai)).await, CredentialId(41));

    let mut below = row(3, "below", &openai);
    below.id = Some(CredentialId(5));
    assert_eq!(ground.put(below).await, CredentialId(5));
    assert_eq!(ground.put(row(4, "after", &openai)).await, CredentialId(42));

    let mut session = ground.read().await;
    for (id, is_used) in [(5, true), (6, false), (40, true), (43, false)] {
        assert_eq!(credential::id_is_used(&mut session, CredentialId(id)).await.unwrap(), is_used, "{id}");
    }
}

#[tokio::test]
async fn a_credential_is_found_by_its_identity() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let mut session = ground.read().await;
    let found = credential::get_by_uid(&mut session, uid(1), NOW).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(id));
    assert!(credential::get_by_uid(&mut session, uid(2), NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_provider_was_stored_when_a_row_names_it_deleted_or_not() {
    let ground = ground().await;
    let was_stored = async |name: &str| {
        credential::provider_was_stored(&mut ground.read().await, &provider(name)).await.unwrap()
    };
    assert!(!was_stored("groq").await);
    ground.put(row(1, "mine", &provider("groq"))).await;
    assert!(was_stored("groq").await && !was_stored("openai").await);
    ground.database.execute("UPDATE api_credentials SET deleted_at_ms = 1").await;
    assert!(was_stored("groq").await);
}
