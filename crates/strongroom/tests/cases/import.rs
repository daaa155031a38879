//! Moving credentials in.

use strongroom::credential::{ImportOptions, ImportRow, Imported, Imports};
use strongroom::{Actor, CredentialId, Millis, ProblemKind, UserId};

use super::ground::{Ground, NOW, ground, new};

pub(crate) fn row(id: i64, name: &str) -> ImportRow {
    ImportRow {
        id: Some(CredentialId(id)),
        name: name.to_owned(),
        provider: "openai".to_owned(),
        api_key: Some(format!("key of {name}").into()),
        api_secret: None,
        endpoint: None,
        priority: None,
        is_active: true,
        is_global: true,
        user: None,
        rate_limit: None,
        expires_at: None,
        rotate_after_days: None,
        usage_count: 0,
        current_month_usage: 0,
        last_used: None,
        created_at: None,
        updated_at: None,
    }
}

pub(crate) async fn import(ground: &Ground, rows: Vec<ImportRow>) -> Vec<Imports> {
    import_with(ground, rows, |_| {}).await
}

async fn import_with(ground: &Ground, rows: Vec<ImportRow>, change: fn(&mut ImportOptions)) -> Vec<Imports> {
    let mut options =
        ImportOptions { source: "legacy".to_owned(), dry_run: false, skip_known_secrets: false };
    change(&mut options);
    ground.service().import(rows, &options).await.expect("a report")
}

fn told(report: &[Imports]) -> Vec<&str> {
    let word = |imports: &Imports| match imports.outcome {
        Imported::Migrated => "migrated",
        Imported::Skipped(_) => "skipped",
        Imported::Failed(_) => "failed",
    };
    report.iter().map(word).collect()
}

#[tokio::test]
async fn a_row_arrives_with_everything_it_had() {
    let ground = ground().await;
    let full = ImportRow {
        provider: "Google".to_owned(),
        api_secret: Some("second".into()),
        endpoint: Some("http://10.0.0.7/v1".to_owned()),
        priority: Some(3),
        rate_limit: Some(50),
        expires_at: Some(NOW.plus_seconds(60)),
        rotate_after_days: Some(90),
        created_at: Some(Millis(1_000)),
        updated_at: Some(Millis(2_000)),
        ..row(41, "full")
    };
    let report = import(&ground, vec![full]).await;
    assert_eq!((told(&report), report[0].id), (vec!["migrated"], Some(CredentialId(41))));
    let found = ground.service().require(CredentialId(41)).await.unwrap();
    assert_eq!((found.provider.as_str(), found.priority, found.rate_limit), ("gemini", 3, Some(50)));
    assert_eq!((found.expires_at, found.rotate_after_days), (Some(NOW.plus_seconds(60)), Some(90)));
    assert_eq!(
        found.endpoint.as_deref(),
        Some("http://10.0.0.7/v1"),
        "kept; the guard decides when it is called"
    );
    assert_eq!((found.created_at, found.updated_at), (Millis(1_000), Millis(2_000)));
    let read = ground.service().get_credential("full", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.api_secret.unwrap().expose()), ("key of full", "second"));
    let entry = &ground.entries("credential.import").await[0].entry;
    assert!(entry.detail.contains("\"source\":\"legacy\"") && entry.detail.contains("\"sourceId\":41"));
    assert!(!entry.detail.contains("key of full") && !entry.detail.contains("second"));
    ground.assert_sound().await;
}

#[tokio::test]
async fn ids_are_kept_where_they_are_free_and_given_out_elsewhere() {
    let ground = ground().await;
    let first = ground.make(new("here")).await;
    let gone = ground.make(new("gone")).await;
    ground.service().delete(gone.id, None).await.unwrap();
    let rows =
        vec![row(first.id.0, "a"), row(gone.id.0, "b"), row(700, "c"), row(-4, "d"), row(i64::MAX, "e")];
    let report = import(&ground, rows).await;
    assert_eq!(told(&report), ["migrated"; 5]);
    let ids: Vec<_> = report.iter().map(|it| it.id.unwrap().0).collect();
    assert_eq!(ids[2], 700);
    for (place, id) in ids.iter().enumerate() {
        assert!(*id > gone.id.0 && *id < 1_000, "row {place} got {id}");
    }
    assert!(ground.make(new("next")).await.id.0 > 700);
    ground.assert_sound().await;
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_tells_the_same_digests() {
    let ground = ground().await;
    let rows = || {
        let used =
            ImportRow { usage_count: 9, current_month_usage: 4, last_used: Some(NOW), ..row(2, "two") };
        vec![row(1, "one"), used, ImportRow { user: Some(UserId(7)), is_global: false, ..row(3, "three") }]
    };
    let first = import(&ground, rows()).await;
    assert_eq!(told(&first), ["migrated"; 3]);
    let tables = "SELECT (SELECT count(*) FROM api_credentials), (SELECT count(*) FROM credential_values), \
                  (SELECT count(*) FROM usage_records), (SELECT count(*) FROM users), (SELECT count(*) FROM audit_logs)";
    let before = ground.database.query_text(tables).await;
    let again = import(&ground, rows()).await;
    assert_eq!(told(&again), ["skipped"; 3]);
    assert_eq!(ground.database.query_text(tables).await, before);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((first.id, &first.digest), (again.id, &again.digest));
        assert!(first.digest.is_some());
    }
    assert_ne!(first[0].digest, first[1].digest);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_missing_owner_becomes_a_disabled_user_of_the_same_id() {
    let ground = ground().await;
    let owned = |id, name| ImportRow { user: Some(UserId(7)), is_global: false, ..row(id, name) };
    assert_eq!(told(&import(&ground, vec![owned(1, "one"), owned(2, "two")]).await), ["migrated"; 2]);
    let users = ground.room.users(Actor::library());
    let owner = users.require(UserId(7)).await.unwrap();
    assert!(!owner.is_active);
    assert_eq!(users.list().await.unwrap().len(), 1);
    assert!(users.authenticate(UserId(7)).await.is_err());
    assert!(ground.service().get_credential("one", Some(UserId(7))).await.unwrap().is_some());
    assert!(ground.service().get_credential("one", None).await.unwrap().is_none());
    let problem = users.delete(UserId(7)).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    ground.assert_sound().await;
}

#[tokio::test]
async fn names_that_break_todays_rules_are_kept_and_found() {
    let ground = ground().await;
    let names = ["a/b", "..", "42", "ä ö", "%2e", "' OR 1=1 --", " x ", "a\nb", &"x".repeat(1024)];
    let rows = names.iter().zip(1..).map(|(name, id)| row(id, name)).collect();
    assert_eq!(told(&import(&ground, rows).await), ["migrated"; 9]);
    for (name, id) in names.iter().zip(1..) {
        // Its key is made of its name, which may not stand in a header; it is handed out as it was.
        let read = ground.service().get_credential(name, None).await.unwrap().unwrap();
        assert_eq!(
            (read.id, read.api_key.expose()),
            (Some(CredentialId(id)), format!("key of {name}").as_str())
        );
    }
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_kept_is_reported_and_stops_no_other() {
    let ground = ground().await;
    let rows = vec![
        row(1, "good"),
        ImportRow { name: String::new(), ..row(2, "x") },
        ImportRow { name: "a\0b".to_owned(), ..row(3, "x") },
        ImportRow { provider: "a/b".to_owned(), ..row(4, "provider") },
        ImportRow { api_key: Some("".into()), ..row(5, "empty") },
        ImportRow { api_key: Some("sk-wrapped\n".into()), ..row(5, "wrapped") },
        ImportRow { api_key: Some("OPENAI_API_KEY=sk-1".into()), ..row(5, "line") },
        ImportRow { api_secret: Some("\"second\"".into()), ..row(5, "second") },
        ImportRow { rate_limit: Some(-1), ..row(6, "limit") },
        ImportRow { rotate_after_days: Some(0), ..row(7, "rotation") },
        ImportRow { usage_count: -1, ..row(7, "usage") },
        ImportRow { user: Some(UserId(0)), ..row(8, "user") },
        ImportRow { user: Some(UserId(i64::MAX)), ..row(8, "user") },
        ImportRow { usage_count: i64::MAX, ..row(8, "usage") },
        row(9, "good-2"),
    ];
    let report = import(&ground, rows).await;
    let failed = ["failed"; 13];
    assert_eq!(told(&report), [&["migrated"][..], &failed, &["migrated"]].concat());
    assert_eq!(ground.service().list_credentials().await.unwrap().len(), 2);
    let entries = ground.entries("credential.import").await;
    assert_eq!(entries.len(), 15, "one of each row, made or failed");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_row_without_a_key_is_kept_without_one() {
    let ground = ground().await;
    let report = import(&ground, vec![ImportRow { api_key: None, ..row(1, "empty") }]).await;
    assert_eq!(told(&report), ["migrated"]);
    let problem = ground.service().get_credential("empty", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unprocessable);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_changes_nothing() {
    let ground = ground().await;
    ground.make(new("there")).await;
    let before = ground.value("SELECT seq FROM audit_heads").await;
    let rows = vec![row(5, "fresh"), row(6, "there"), ImportRow { provider: String::new(), ..row(7, "bad") }];
    let report = import_with(&ground, rows, |options| options.dry_run = true).await;
    assert_eq!(told(&report), ["migrated", "skipped", "failed"]);
    assert!(report[0].id.is_none() && report[0].digest.is_none());
    assert_eq!(ground.service().list_credentials().await.unwrap().len(), 1);
    assert_eq!(ground.value("SELECT seq FROM audit_heads").await, before);
}

#[tokio::test]
async fn a_key_that_is_stored_under_another_name_is_skipped_when_that_is_asked_for() {
    let ground = ground().await;
    let kept = ground.make(new("kept")).await;
    let same = || ImportRow { api_key: Some("key of kept".into()), ..row(50, "same") };
    let skip = |options: &mut ImportOptions| options.skip_known_secrets = true;
    let report = import_with(&ground, vec![same(), row(51, "other")], skip).await;
    assert_eq!(told(&report), ["skipped", "migrated"]);
    let Imported::Skipped(why) = &report[0].outcome else { panic!("{report:?}") };
    assert_eq!(why, "the same key is already stored as \"kept\"");

    ground.service().delete(kept.id, None).await.unwrap();
    assert_eq!(told(&import_with(&ground, vec![same()], skip).await), ["migrated"], "it is stored no more");
    let twice = vec![ImportRow { name: "again".to_owned(), ..same() }];
    assert_eq!(told(&import(&ground, twice).await), ["migrated"], "it was not asked for");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_key_that_no_header_carries_is_moved_in_and_never_called_valid() {
    let ground = ground().await;
    let report = import(&ground, vec![ImportRow { api_key: Some("sk-ünï".into()), ..row(1, "odd") }]).await;
    assert_eq!(told(&report), ["migrated"]);
    let read = ground.service().get_credential("odd", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "sk-ünï");
    let problem = ground.service().test(CredentialId(1), false).await.unwrap_err();
    assert!(problem.kind == ProblemKind::Unprocessable && problem.message.contains("U+00FC"), "{problem}");
}
