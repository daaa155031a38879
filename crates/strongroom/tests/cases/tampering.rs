//! Sealed texts that were changed behind our back.

use strongroom::user::NewUser;
use strongroom::{Actor, Credential, CredentialPatch, NewCredential, ProblemKind, Role};
use strongroom_model::audit::Outcome;

use super::ground::{Ground, ground, new};

/// A credential with two versions and two secrets.
async fn victim(ground: &Ground, name: &str) -> Credential {
    let new = NewCredential { api_secret: Some("second".into()), ..new(name) };
    let made = ground.make(new).await;
    let patch = CredentialPatch { api_key: Some("another".into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.expect("a second version")
}

/// Its key cannot be read or tested, all others can, and everybody is told.
async fn assert_broken(ground: &Ground, victim: &Credential, how: &str) {
    let before = ground.room.counters().integrity_failures.get();
    let entries = ground.entries("credential.integrity").await.len();
    let problem = ground.service().get_credential(&victim.name, None).await.expect_err(how);
    assert_eq!(problem.kind, ProblemKind::Integrity, "{how}");
    assert!(
        problem.message.contains(&format!("credential {:?} cannot be opened", victim.name)),
        "{how}: {problem}"
    );
    let problem = ground.service().test(victim.id, false).await.expect_err(how);
    assert_eq!(problem.kind, ProblemKind::Integrity, "{how}");

    assert_eq!(ground.room.counters().integrity_failures.get(), before + 2, "{how}");
    let noted = ground.entries("credential.integrity").await;
    assert_eq!(noted.len(), entries + 2, "{how}");
    let last = &noted[noted.len() - 1].entry;
    assert_eq!(last.target.name.as_deref(), Some(victim.name.as_str()), "{how}");
    assert_eq!((last.outcome, last.actor.as_str()), (Outcome::Failed, "library"), "{how}");
    let found = ground.service().require(victim.id).await.expect("its metadata");
    assert_eq!(found.usage_count, 0, "{how}: what is not handed out is not counted");

    let bystander = ground.service().get_credential("bystander", None).await.expect("an answer");
    assert_eq!(bystander.expect("the bystander").api_key.expose(), "key of bystander");
    let verification = ground.room.audit().verify(&[]).await.expect("a verification");
    assert_eq!(verification.faults, [], "{how}");
}

fn of(victim: &Credential, field: &str) -> String {
    format!("version_uid = '{}' AND field = '{field}'", victim.version)
}

#[tokio::test]
async fn a_sealed_text_that_was_changed_in_place_does_not_open() {
    let ground = ground().await;
    ground.make(new("bystander")).await;
    for (number, (how, field, expression)) in [
        ("cut at its end", "api_key", "substr(value, 1, length(value) - 2)"),
        ("cut by a digit", "api_key", "substr(value, 1, length(value) - 1)"),
        ("cut to its IV", "api_key", "substr(value, 1, 24)"),
        ("without its ciphertext", "api_key", "substr(value, 1, 58)"),
        ("prolonged", "api_key", "value || '00'"),
        ("edited in its ciphertext", "api_key", "substr(value, 1, length(value) - 2) || CASE substr(value, length(value) - 1) WHEN '00' THEN '01' ELSE '00' END"),
        ("edited in its IV", "api_key", "CASE substr(value, 1, 2) WHEN '00' THEN '01' ELSE '00' END || substr(value, 3)"),
        ("edited in its tag", "api_key", "substr(value, 1, 25) || CASE substr(value, 26, 2) WHEN '00' THEN '01' ELSE '00' END || substr(value, 28)"),
        ("emptied", "api_key", "''"),
        ("replaced by an open text", "api_key", "'sk-open'"),
        ("edited in the second secret", "api_secret", "value || '00'"),
    ]
    .into_iter()
    .enumerate()
    {
        let victim = victim(&ground, &format!("victim-{number}")).await;
        let sql = format!("UPDATE credential_values SET value = {expression} WHERE {}", of(&victim, field));
        assert_eq!(ground.database.execute(&sql).await, 1, "{how}");
        assert_broken(&ground, &victim, how).await;
    }
}

#[tokio::test]
async fn a_sealed_text_that_was_moved_does_not_open() {
    let ground = ground().await;
    ground.make(new("bystander")).await;

    let (one, two) = (victim(&ground, "one").await, victim(&ground, "two").await);
    ground.database.execute("CREATE TABLE kept AS SELECT * FROM credential_values").await;
    for (to, from) in [(&one, &two), (&two, &one)] {
        let sql = format!(
            "UPDATE credential_values SET value = (SELECT k.value FROM kept k WHERE k.{}) WHERE {}",
            of(from, "api_key").replace("AND field", "AND k.field"),
            of(to, "api_key")
        );
        assert_eq!(ground.database.execute(&sql).await, 1);
    }
    assert_broken(&ground, &one, "swapped").await;
    assert_broken(&ground, &two, "swapped").await;

    let moves = [
        ("from an older version", "o.field = 'api_key' AND v.number = 1"),
        ("from the other field", "o.field = 'api_secret' AND v.number = 2"),
    ];
    for (number, (how, source)) in moves.into_iter().enumerate() {
        let victim = victim(&ground, &format!("moved-{number}")).await;
        let sql = format!(
            "UPDATE credential_values SET value = (SELECT o.value FROM credential_values o JOIN credential_versions v \
             ON v.uid = o.version_uid WHERE v.credential_uid = '{}' AND {source}) WHERE {}",
            victim.uid,
            of(&victim, "api_key")
        );
        assert_eq!(ground.database.execute(&sql).await, 1, "{how}");
        assert_broken(&ground, &victim, how).await;
    }
}

#[tokio::test]
async fn a_credential_whose_row_was_changed_is_not_handed_out_and_not_signed_again() {
    let ground = ground().await;
    ground.make(new("bystander")).await;
    let owner = NewUser { name: "owner".to_owned(), role: Role::Reader, id: None };
    let owner = ground.room.users(Actor::library()).create(owner).await.unwrap().id;
    for (number, (how, edit)) in [
        ("made everybody's", "is_global = true"),
        ("put back into use", "is_active = true"),
        ("asked for by another name", "name = 'other'"),
        ("put back to an older version", "version_uid = (SELECT v.uid FROM credential_versions v WHERE v.credential_uid = api_credentials.uid AND v.number = 1)"),
    ].into_iter().enumerate() {
        let mut victim = victim(&ground, &format!("victim-{number}")).await;
        let (is_global, is_active) = (!edit.contains("is_global"), !edit.contains("is_active"));
        let patch = CredentialPatch { is_global: Some(is_global), user: Some(Some(owner)), is_active: Some(is_active), ..CredentialPatch::default() };
        ground.service().update(victim.id, patch, None).await.unwrap();
        let sql = format!("UPDATE api_credentials SET {edit} WHERE id = {}", victim.id);
        assert_eq!(ground.database.execute(&sql).await, 1, "{how}");
        if how.contains("name") {
            victim.name = "other".to_owned();
        }
        assert_broken(&ground, &victim, how).await;
        let patch = CredentialPatch { priority: Some(1), ..CredentialPatch::default() };
        let problem = ground.service().update(victim.id, patch, None).await.expect_err(how);
        assert_eq!(problem.kind, ProblemKind::Integrity, "{how}");
        ground.service().delete(victim.id, None).await.expect(how);
    }
}

#[tokio::test]
async fn a_credential_that_was_pointed_elsewhere_does_not_open() {
    let ground = ground().await;
    ground.make(new("bystander")).await;
    let edits = [
        ("another endpoint", "endpoint = 'https://evil.example.com'"),
        ("an empty endpoint", "endpoint = ''"),
        ("another provider", "provider = 'groq'"),
    ];
    for (number, (how, edit)) in edits.into_iter().enumerate() {
        let victim = victim(&ground, &format!("victim-{number}")).await;
        let sql = format!("UPDATE api_credentials SET {edit} WHERE id = {}", victim.id);
        assert_eq!(ground.database.execute(&sql).await, 1);
        assert_broken(&ground, &victim, how).await;
    }
}

#[tokio::test]
async fn a_text_under_a_key_that_is_not_its_own_does_not_open() {
    let ground = ground().await;
    ground.make(new("bystander")).await;
    let victim = victim(&ground, "victim").await;
    let sql = format!(
        "UPDATE credential_values SET key_id = (SELECT id FROM encryption_keys WHERE purpose = 'token') WHERE {}",
        of(&victim, "api_key")
    );
    assert_eq!(ground.database.execute(&sql).await, 1);
    assert_broken(&ground, &victim, "another key").await;
}

#[tokio::test]
async fn storing_the_key_again_mends_a_broken_credential() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    ground.database.execute("UPDATE credential_values SET value = 'x'").await;
    ground.service().get_credential("one", None).await.unwrap_err();
    let moved = CredentialPatch {
        endpoint: Some(Some("https://llm.example.com/v1".into())),
        ..CredentialPatch::default()
    };
    let problem = ground.service().update(made.id, moved, None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Integrity, "it cannot be sealed for another place");
    assert_eq!(ground.service().require(made.id).await.unwrap().endpoint, None);
    let patch = CredentialPatch { api_key: Some("fresh".into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "fresh");
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_credentials_leave_reads_at_the_same_time_alone() {
    let ground = ground().await;
    ground.make(new("good")).await;
    let (broken, odd) = (ground.make(new("broken")).await, ground.make(new("odd")).await);
    for (credential, edit) in [(&broken, "value = 'x'"), (&odd, "field = 'nonsense'")] {
        let sql = format!("UPDATE credential_values SET {edit} WHERE version_uid = '{}'", credential.version);
        ground.database.execute(&sql).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..90 {
        let service = ground.service();
        tasks.spawn(async move {
            let name = ["good", "broken", "odd"][round % 3];
            (name, service.get_credential(name, None).await)
        });
    }
    for (name, outcome) in tasks.join_all().await {
        match name {
            "good" => assert_eq!(outcome.unwrap().unwrap().api_key.expose(), "key of good"),
            _ => assert_eq!(outcome.unwrap_err().kind, ProblemKind::Integrity, "{name}"),
        }
    }
}

#[tokio::test]
async fn a_version_whose_row_was_changed_does_not_come_into_use_and_is_not_asked_about() {
    for (number, how) in [
        "probe_outcome = 'ok', probed_at_ms = 1",
        "ended_as = NULL, created_at_ms = 7",
        "erased_as = NULL, erased_at_ms = NULL, number = 9",
        "provider_key = 'key_1'",
        "mac = ''",
    ]
    .into_iter()
    .enumerate()
    {
        let ground = ground().await;
        let victim = victim(&ground, &format!("victim-{number}")).await;
        let staged = ground.service().stage(victim.id, "third".into(), None, None).await.unwrap();
        let version = staged.staged.unwrap().version;
        let sql = format!("UPDATE credential_versions SET {how} WHERE uid = '{version}'");
        assert_eq!(ground.database.execute(&sql).await, 1, "{how}");
        let service = ground.service();
        for is_trusted in [true, false] {
            let refused = service.promote(victim.id, is_trusted, None).await.expect_err(how);
            assert_eq!(refused.kind, ProblemKind::Integrity, "{how}: {refused}");
        }
        assert_eq!(service.require(victim.id).await.unwrap().version_number, 2, "{how}");
        service.abort(victim.id, None).await.expect(how);

        let older = how.replace("number = 9", "number = 8");
        let sql = format!(
            "UPDATE credential_versions SET {older} WHERE credential_uid = '{}' AND number = 1",
            victim.uid
        );
        assert_eq!(ground.database.execute(&sql).await, 1, "{how}");
        let number = if older.contains("number") { 8 } else { 1 };
        let refused = service.roll_back(victim.id, number, None).await.expect_err(how);
        assert_eq!(refused.kind, ProblemKind::Integrity, "{how}: {refused}");
        let refused = service.probe_version(victim.id, number).await.expect_err(how);
        assert_eq!(refused.kind, ProblemKind::Integrity, "{how}: {refused}");
    }
}
