//! Deleted credentials: taken back as they were, or purged for good.

use strongroom::credential::Due;
use strongroom::{CredentialPatch, Millis, NewCredential, ProblemKind};

use super::ground::{NOW, ground, ground_with, new};

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_deleted_credential_is_taken_back_as_it_was() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(NewCredential { rate_limit: Some(5), ..new("one") }).await;
    service.get_credential("one", None).await.unwrap().unwrap();
    service.delete(made.id, None).await.unwrap();
    assert!(service.get_credential("one", None).await.unwrap().is_none());
    assert_eq!(service.require(made.id).await.unwrap_err().kind, ProblemKind::NotFound);
    let deleted = service.list_deleted().await.unwrap();
    assert_eq!(deleted.iter().map(|it| (it.id, it.deleted_at)).collect::<Vec<_>>(), [(made.id, Some(NOW))]);

    let passed = service.undelete(made.id, Some(1)).await.unwrap_err();
    assert_eq!(passed.kind, ProblemKind::PreconditionFailed);
    let back = service.undelete(made.id, Some(deleted[0].revision)).await.unwrap();
    assert_eq!((back.name.as_str(), back.rate_limit, back.usage_count), ("one", Some(5), 1));
    let read = service.get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.usage_count), ("key of one", 2));
    assert_eq!(service.list_deleted().await.unwrap().len(), 0);
    let again = service.undelete(made.id, None).await.unwrap_err();
    assert_eq!(again.kind, ProblemKind::NotFound);
    assert_eq!(ground.entries("credential.undelete").await.len(), 1);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_in_the_way() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    service.delete(made.id, None).await.unwrap();
    let other = ground.make(new("one")).await;
    let problem = service.undelete(made.id, None).await.unwrap_err();
    assert!(problem.kind == ProblemKind::Conflict && problem.message.contains("\"one\""), "{problem}");
    let rename = CredentialPatch { name: Some("two".to_owned()), ..CredentialPatch::default() };
    service.update(other.id, rename, None).await.unwrap();
    service.undelete(made.id, None).await.unwrap();
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_deleted_row_cannot_be_brought_back_or_changed_behind_our_back() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    service.delete(made.id, None).await.unwrap();
    ground.edit("UPDATE api_credentials SET deleted_at_ms = NULL").await;
    let problem = service.get_credential("one", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Integrity);
    ground.edit(&format!("UPDATE api_credentials SET deleted_at_ms = {}, name = 'two'", NOW.0)).await;
    let problem = service.undelete(made.id, None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Integrity);
    ground.edit("UPDATE api_credentials SET name = 'one'").await;
    service.undelete(made.id, None).await.unwrap();
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_row_that_was_deleted_before_there_was_a_mac_over_that_is_taken_back() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    let sql = format!("UPDATE api_credentials SET deleted_at_ms = {}", NOW.0);
    ground.edit(&sql).await;
    service.undelete(made.id, None).await.unwrap();
    assert!(service.get_credential("one", None).await.unwrap().is_some());
}

#[tokio::test]
async fn purging_erases_the_values_and_leaves_usage_and_audit() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(NewCredential { api_secret: Some("second".into()), ..new("one") }).await;
    let patch = CredentialPatch { api_key: Some("key 2".into()), ..CredentialPatch::default() };
    service.update(made.id, patch, None).await.unwrap();
    service.get_credential("one", None).await.unwrap().unwrap();
    let alive = service.purge(made.id, None).await.unwrap_err();
    assert_eq!(alive.kind, ProblemKind::NotFound, "only what is deleted");
    service.delete(made.id, None).await.unwrap();
    service.purge(made.id, None).await.unwrap();
    let left = "SELECT count(*) FROM credential_values WHERE value <> '' OR key_id IS NOT NULL";
    assert_eq!(ground.value(left).await, "0");
    assert_eq!(service.undelete(made.id, None).await.unwrap_err().kind, ProblemKind::NotFound);
    assert_eq!(service.purge(made.id, None).await.unwrap_err().kind, ProblemKind::NotFound);
    assert_eq!(service.list_deleted().await.unwrap().len(), 0);
    assert_eq!(ground.value("SELECT count(*) FROM usage_records").await, "1");
    let entries = ground.entries("credential.purge").await;
    assert!(entries[0].entry.detail.contains(r#""versions":[2,1]"#), "{}", entries[0].entry.detail);
    ground.make(new("one")).await;
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_was_deleted_long_ago_is_purged_by_itself() {
    let ground = ground_with(|options| options.recovery_days = 7).await;
    let service = ground.service();
    let (one, two) = (ground.make(new("one")).await, ground.make(new("two")).await);
    service.delete(one.id, None).await.unwrap();
    ground.clock.set(NOW.plus_seconds(3 * DAY));
    service.delete(two.id, None).await.unwrap();
    ground.clock.set(NOW.plus_seconds(7 * DAY));
    assert_eq!(service.purge_deleted().await.unwrap(), 0, "its time is not over yet");
    ground.clock.set(Millis(NOW.plus_seconds(7 * DAY).0 + 1));
    assert_eq!(service.purge_deleted().await.unwrap(), 1);
    let left: Vec<_> = service.list_deleted().await.unwrap().iter().map(|it| it.id).collect();
    assert_eq!(left, [two.id]);
}

#[tokio::test]
async fn an_expired_credential_is_not_handed_out_and_says_so() {
    let ground = ground().await;
    let service = ground.service();
    let end = NOW.plus_seconds(DAY);
    let made = ground.make(NewCredential { expires_at: Some(end), ..new("one") }).await;
    ground.make(NewCredential { priority: Some(90), ..new("two") }).await;
    ground.clock.set(Millis(end.0 - 1));
    assert!(service.get_credential("one", None).await.unwrap().is_some());
    ground.clock.set(end);
    let problem = service.get_credential("one", None).await.unwrap_err();
    assert!(
        problem.kind == ProblemKind::Unprocessable && problem.message.contains("has expired"),
        "{problem}"
    );
    let other = service.get_credential_by_provider("openai", None).await.unwrap().unwrap();
    assert_eq!(other.name, "two");
    assert_eq!(
        service.require(made.id).await.unwrap().usage_count,
        1,
        "what is not handed out is not counted"
    );

    let past = CredentialPatch { expires_at: Some(Some(end)), ..CredentialPatch::default() };
    let problem = service.update(made.id, past, None).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("expiresAt"));
    ground.edit("UPDATE api_credentials SET expires_at_ms = NULL WHERE name = 'one'").await;
    assert_eq!(service.get_credential("one", None).await.unwrap_err().kind, ProblemKind::Integrity);
    ground.edit(&format!("UPDATE api_credentials SET expires_at_ms = {} WHERE name = 'one'", end.0)).await;
    let none = CredentialPatch { expires_at: Some(None), ..CredentialPatch::default() };
    service.update(made.id, none, None).await.unwrap();
    assert!(service.get_credential("one", None).await.unwrap().is_some());
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_is_due_is_said_once() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(NewCredential {
        expires_at: Some(NOW.plus_seconds(20 * DAY)),
        rotate_after_days: Some(10),
        ..new("one")
    });
    let made = made.await;
    ground.make(new("two")).await;
    let said = async || -> Vec<String> {
        service.remind().await.expect("an answer");
        let entries = ground.entries("credential.reminder").await;
        let kind = |detail: &str| {
            let detail: serde_json::Value = serde_json::from_str(detail).expect("JSON");
            detail["reminder"].as_str().expect("a kind").to_owned()
        };
        entries.iter().map(|it| kind(&it.entry.detail)).collect()
    };
    assert_eq!(said().await, Vec::<String>::new());
    ground.clock.set(NOW.plus_seconds(7 * DAY));
    assert_eq!(said().await, ["expires_soon"]);
    assert_eq!(said().await, ["expires_soon"], "not twice");
    ground.clock.set(NOW.plus_seconds(10 * DAY));
    assert_eq!(said().await, ["expires_soon", "rotation_due"]);
    let found = service.require(made.id).await.unwrap();
    let now = NOW.plus_seconds(20 * DAY);
    let kinds: Vec<_> = Due::of(&found, now).into_iter().map(Due::as_str).collect();
    assert_eq!(kinds, ["expired", "rotation_due"]);
    let patch = CredentialPatch { api_key: Some("key 2".into()), ..CredentialPatch::default() };
    let renewed = service.update(made.id, patch, None).await.unwrap();
    assert_eq!(Due::of(&renewed, NOW.plus_seconds(10 * DAY)).len(), 1, "a new key starts the days over");
    ground.clock.set(now);
    assert_eq!(said().await.len(), 4, "it has expired, and the second key is old");
    for days in [0, -1, 3661] {
        let patch = CredentialPatch { rotate_after_days: Some(Some(days)), ..CredentialPatch::default() };
        let problem = service.update(made.id, patch, None).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("rotateAfterDays"));
    }
}

#[tokio::test]
async fn what_nobody_used_for_long_is_found() {
    let ground = ground().await;
    let service = ground.service();
    ground.make(new("never")).await;
    ground.make(new("once")).await;
    ground.make(new("lately")).await;
    service.get_credential("once", None).await.unwrap().unwrap();
    ground.clock.set(NOW.plus_seconds(31 * DAY));
    service.get_credential("lately", None).await.unwrap().unwrap();
    ground.make(new("young")).await;
    let names = async |days| -> Vec<String> {
        let found = service.unused(days).await.expect("an answer");
        found.into_iter().map(|it| it.name).collect()
    };
    assert_eq!(names(30).await, ["never", "once"]);
    assert_eq!(names(31).await, Vec::<String>::new());
    assert_eq!(service.unused(0).await.unwrap_err().field.as_deref(), Some("days"));
}
