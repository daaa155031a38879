//! The audit trail: what it holds, and every way of tampering with it that verification finds.

use strongroom::audit::{Anchor, Fault};
use strongroom::credential::ImportOptions;
use strongroom::token::TokenRequest;
use strongroom::user::NewUser;
use strongroom::{Actor, CredentialPatch, ProblemKind, Role};
use strongroom_model::audit::{Filter, Outcome, Target};
use strongroom_testkit::Backend;

use super::ground::{Ground, ground, new};
use super::import::row;

/// A trail of eight entries, with copies of its tables to undo tampering.
async fn trail() -> Ground {
    let ground = ground().await;
    for name in ["one", "two", "three"] {
        ground.make(new(name)).await;
    }
    for _ in 0..4 {
        ground.service().get_credential("one", None).await.expect("an answer");
    }
    assert_eq!(faults(&ground, &[]).await, []);
    keep(&ground).await;
    ground
}

async fn keep(ground: &Ground) {
    let copy = "DROP TABLE IF EXISTS kept; DROP TABLE IF EXISTS kept_heads; \
                CREATE TABLE kept AS SELECT * FROM audit_logs; CREATE TABLE kept_heads AS SELECT * FROM audit_heads";
    ground.database.execute(copy).await;
}

async fn undo(ground: &Ground) {
    let undo = "DELETE FROM audit_logs; DELETE FROM audit_heads; INSERT INTO audit_logs SELECT * FROM kept; \
                INSERT INTO audit_heads SELECT * FROM kept_heads";
    ground.database.execute(undo).await;
}

async fn faults(ground: &Ground, anchors: &[Anchor]) -> Vec<Fault> {
    ground.room.audit().verify(anchors).await.expect("a verification").faults
}

/// The places of the faults that verification names after these statements, which are undone then.
async fn found(ground: &Ground, sql: &str) -> Vec<i64> {
    ground.database.execute(sql).await;
    let places = faults(ground, &[]).await.iter().map(|fault| fault.seq).collect();
    undo(ground).await;
    assert_eq!(faults(ground, &[]).await, [], "{sql}, undone");
    places
}

async fn columns(ground: &Ground, table: &str) -> Vec<String> {
    let sql = match super::BACKEND {
        Backend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
        Backend::Postgres => {
            format!("SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'")
        }
    };
    ground.database.query_text(&sql).await.into_iter().map(|row| row[0].clone().expect("a name")).collect()
}

fn edited(column: &str) -> String {
    match column {
        "seq" | "at_ms" => format!("{column} = {column} + 1000"),
        _ => format!("{column} = COALESCE({column}, '') || 'x'"),
    }
}

#[tokio::test]
async fn an_edit_of_any_column_of_an_entry_is_found_and_the_entry_named() {
    let ground = trail().await;
    let columns = columns(&ground, "audit_logs").await;
    assert!(columns.len() >= 15, "{columns:?}");
    for column in columns {
        let sql = format!("UPDATE audit_logs SET {} WHERE seq = 3", edited(&column));
        // An entry of another chain is missing here, and there it has no head.
        let wanted: &[i64] = if column == "chain_id" { &[0, 3] } else { &[3] };
        assert_eq!(found(&ground, &sql).await, wanted, "{column}");
    }
    for sql in [
        "UPDATE audit_logs SET outcome = 'denied' WHERE seq = 3",
        "UPDATE audit_logs SET request_id = '' WHERE seq = 3",
        "UPDATE audit_logs SET link = (SELECT k.link FROM kept k WHERE k.seq = 4) WHERE seq = 3",
        "UPDATE audit_logs SET detail = '{}' WHERE seq = 3",
    ] {
        assert_eq!(found(&ground, sql).await, [3], "{sql}");
    }
    assert_eq!(
        found(&ground, "UPDATE audit_logs SET actor = 'x' WHERE seq IN (8, 5)").await,
        [5],
        "the first one"
    );
    assert_eq!(found(&ground, "UPDATE audit_logs SET at_ms = 0 WHERE seq = 8").await, [8], "the last one");
}

#[tokio::test]
async fn an_edit_of_any_column_of_the_head_is_found() {
    let ground = trail().await;
    for column in columns(&ground, "audit_heads").await {
        let places = found(&ground, &format!("UPDATE audit_heads SET {}", edited(&column))).await;
        assert!(!places.is_empty(), "{column}");
    }
    assert_eq!(found(&ground, "DELETE FROM audit_heads").await, [0]);
}

#[tokio::test]
async fn entries_that_are_deleted_inserted_or_exchanged_are_found() {
    let ground = trail().await;
    assert_eq!(found(&ground, "DELETE FROM audit_logs WHERE seq = 4").await, [4]);
    assert_eq!(found(&ground, "DELETE FROM audit_logs WHERE seq = 1").await, [1]);
    assert_eq!(found(&ground, "DELETE FROM audit_logs WHERE seq IN (4, 5, 6)").await, [4]);
    let renumbered = "DELETE FROM audit_logs WHERE seq = 4; UPDATE audit_logs SET seq = seq + 1000 WHERE seq > 4; \
                      UPDATE audit_logs SET seq = seq - 1001 WHERE seq > 1000";
    assert_eq!(found(&ground, renumbered).await, [4]);
    let exchanged = "UPDATE audit_logs SET seq = 1000 WHERE seq = 4; UPDATE audit_logs SET seq = 4 WHERE seq = 5; \
                     UPDATE audit_logs SET seq = 5 WHERE seq = 1000";
    assert_eq!(found(&ground, exchanged).await, [4]);

    let columns = columns(&ground, "audit_logs").await;
    let copied_to = |chain: &str, seq: i64| {
        let value = |column: &String| match column.as_str() {
            "chain_id" => format!("'{chain}'"),
            "seq" => seq.to_string(),
            other => other.to_owned(),
        };
        let values: Vec<_> = columns.iter().map(value).collect();
        format!(
            "INSERT INTO audit_logs ({}) SELECT {} FROM kept WHERE seq = 2",
            columns.join(", "),
            values.join(", ")
        )
    };
    assert_eq!(found(&ground, &copied_to("main", 9)).await, [9], "behind the head");
    assert_eq!(found(&ground, &copied_to("main", 0)).await, [0], "before the first");
    assert_eq!(found(&ground, &copied_to("main", -5)).await, [-5], "far before the first");
    assert_eq!(found(&ground, &copied_to("main", 100)).await, [9], "far behind the head");
    let moved = format!(
        "UPDATE audit_logs SET seq = seq + 1000 WHERE seq > 5; UPDATE audit_logs SET seq = seq - 999 WHERE seq > 1000; {}",
        copied_to("main", 6)
    );
    assert_eq!(found(&ground, &moved).await, [6], "in between");
    assert!(!found(&ground, &copied_to("other", 1)).await.is_empty(), "in a chain that has no head");
}

#[tokio::test]
async fn a_chain_that_was_cut_short_is_found_also_when_its_head_was_edited() {
    let ground = trail().await;
    assert_eq!(found(&ground, "DELETE FROM audit_logs WHERE seq > 5").await, [6]);
    assert_eq!(found(&ground, "DELETE FROM audit_logs").await, [1]);
    let with_head = "DELETE FROM audit_logs WHERE seq > 5; UPDATE audit_heads SET seq = 5, \
                     link = (SELECT link FROM audit_logs WHERE seq = 5)";
    assert_eq!(found(&ground, with_head).await, [5]);
    let to_nothing = "DELETE FROM audit_logs; UPDATE audit_heads SET seq = 0, link = ''";
    assert_eq!(found(&ground, to_nothing).await, [0]);
    assert_eq!(found(&ground, "DELETE FROM audit_logs; DELETE FROM audit_heads").await, [0]);
}

#[tokio::test]
async fn a_database_that_was_rolled_back_is_found_by_an_anchor_and_by_nothing_else() {
    let ground = trail().await;
    let older = ground.room.audit().heads().await.unwrap();
    ground.service().get_credential("two", None).await.unwrap().unwrap();
    let anchors = ground.room.audit().heads().await.unwrap();
    assert_eq!((older[0].seq, anchors[0].seq), (8, 9));
    assert_eq!(faults(&ground, &[older.clone(), anchors.clone()].concat()).await, [], "time goes on");

    let head_only = "DELETE FROM audit_heads; INSERT INTO audit_heads SELECT * FROM kept_heads";
    ground.database.execute(head_only).await;
    let moved_back = faults(&ground, &[]).await;
    assert_eq!(
        moved_back.iter().map(|fault| fault.seq).collect::<Vec<_>>(),
        [9],
        "an older head alone is found"
    );
    undo(&ground).await;
    assert_eq!(faults(&ground, &[]).await, []);
    assert_eq!(faults(&ground, &older).await, []);
    let found = faults(&ground, &anchors).await;
    assert_eq!(found.iter().map(|fault| fault.seq).collect::<Vec<_>>(), [9]);
    assert!(found[0].fault.contains("rolled back"), "{found:?}");

    // The chain grows over the place again, with another entry in it.
    ground.service().get_credential("three", None).await.unwrap().unwrap();
    assert_eq!(faults(&ground, &[]).await, []);
    let found = faults(&ground, &anchors).await;
    assert_eq!(found.iter().map(|fault| fault.seq).collect::<Vec<_>>(), [9]);
    assert!(found[0].fault.contains("written again"), "{found:?}");
    let unknown = Anchor { chain_id: "elsewhere".to_owned(), ..anchors[0].clone() };
    assert_eq!(faults(&ground, &[unknown]).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_done_any_more_when_the_head_was_tampered_with() {
    for edit in
        ["UPDATE audit_heads SET seq = seq - 1", "UPDATE audit_heads SET mac = ''", "DELETE FROM audit_heads"]
    {
        let ground = trail().await;
        let service = ground.service();
        let one = service.list_credentials().await.unwrap().remove(0);
        let state = "SELECT (SELECT count(*) FROM api_credentials WHERE deleted_at_ms IS NULL AND revision = 1), \
                     (SELECT count(*) FROM usage_records), (SELECT sum(settled + adjusted) FROM counters), \
                     (SELECT count(*) FROM tokens), (SELECT count(*) FROM users), (SELECT count(*) FROM audit_logs), \
                     (SELECT count(*) FROM credential_versions)";
        let before = ground.database.query_text(state).await;
        ground.database.execute(edit).await;

        let user = NewUser { name: "ada".to_owned(), role: Role::Reader, id: None };
        let patch = CredentialPatch { api_key: Some("x".into()), ..CredentialPatch::default() };
        let refusals = [
            service.create(new("four")).await.map(|_| ()),
            service.update(one.id, patch, None).await.map(|_| ()),
            service.delete(one.id, None).await,
            service.get_credential("one", None).await.map(|_| ()),
            service.get_credential_by_provider("openai", None).await.map(|_| ()),
            service.reset_monthly_usage().await.map(|_| ()),
            ground
                .room
                .tokens(Actor::library())
                .create(TokenRequest::new("t", Role::Reader))
                .await
                .map(|_| ()),
            ground.room.mint_first_token(None).await.map(|_| ()),
            ground.room.users(Actor::library()).create(user).await.map(|_| ()),
        ];
        for (number, refusal) in refusals.into_iter().enumerate() {
            let problem = refusal.expect_err(&format!("{edit}: operation {number}"));
            assert_eq!(problem.kind, ProblemKind::Integrity, "{edit}: operation {number}: {problem}");
        }
        let options = ImportOptions { source: "x".to_owned(), dry_run: false, skip_known_secrets: false };
        let refusal = service.import(vec![row(90, "moved")], &options).await.unwrap_err();
        assert_eq!(refusal.kind, ProblemKind::Integrity, "{edit}: not even the failure can be told");
        assert!(ground.room.counters().integrity_failures.get() >= 9);
        assert_eq!(ground.database.query_text(state).await, before, "{edit}");

        undo(&ground).await;
        service.get_credential("one", None).await.unwrap().unwrap();
        ground.assert_sound().await;
    }
}

#[tokio::test]
async fn long_chains_verify_batch_by_batch() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..1_100 {
        let service = ground.service();
        tasks.spawn(async move { service.get_credential("one", None).await.map(|_| ()) });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    let verification = ground.room.audit().verify(&[]).await.unwrap();
    assert_eq!((verification.entries, verification.faults.len()), (1_102, 0));
    assert_eq!(verification.heads, ground.room.audit().heads().await.unwrap());
    keep(&ground).await;
    for place in [500, 501, 1_000, 1_001, 1_102] {
        let sql = format!("UPDATE audit_logs SET actor = 'x' WHERE seq = {place}");
        assert_eq!(found(&ground, &sql).await, [place]);
    }
}

/// A caller that is refused in a loop would fill the disk.
#[tokio::test]
async fn failures_that_repeat_over_and_over_are_one_entry_with_their_number() {
    let ground = ground().await;
    let denied = |code| {
        let detail = serde_json::json!({ "code": code });
        let room = &ground.room;
        async move {
            room.note(&Actor::library(), "gateway.call", Target::kind("gateway"), Outcome::Denied, &detail)
                .await
        }
    };
    for code in ["access_denied", "not_found"] {
        for _ in 0..100 {
            denied(code).await.expect("an entry, or a number");
        }
    }
    assert_eq!(ground.entries("gateway.call").await.len(), 2 * 64, "the first of each reason");
    ground.room.close().await.expect("an end");
    let room = ground.node().await;
    let entries = room.audit().list(&Filter::default(), false, None, 1000).await.expect("entries").items;
    let mut details: Vec<_> = entries
        .into_iter()
        .map(|it| it.entry)
        .filter(|it| it.action == "gateway.call")
        .map(|it| it.detail)
        .collect();
    details.sort();
    details.dedup();
    assert_eq!(
        details,
        [
            r#"{"code":"access_denied","repeats":36}"#,
            r#"{"code":"access_denied"}"#,
            r#"{"code":"not_found","repeats":36}"#,
            r#"{"code":"not_found"}"#,
        ]
    );
    assert_eq!(room.audit().verify(&[]).await.expect("a verification").faults, []);
}

#[tokio::test]
async fn what_is_rare_in_a_long_trail_is_searched_for_step_by_step() {
    let ground = ground().await;
    ground.make(new("rare")).await;
    let first = ground.value("SELECT CAST(MAX(seq) AS TEXT) FROM audit_logs").await;
    // No entry of ours: none of this reads their links.
    let fill = format!(
        "INSERT INTO audit_logs (chain_id, seq, uid, at_ms, action, actor, target_kind, target_id, target_name, outcome, detail, \
         request_id, remote_address, key_id, link) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) \
         SELECT a.chain_id, {first} + n.i, a.uid, a.at_ms, 'credential.read', a.actor, a.target_kind, a.target_id, 'often', a.outcome, \
         a.detail, a.request_id, a.remote_address, a.key_id, a.link FROM audit_logs a, n WHERE a.seq = {first}"
    );
    ground.database.execute(&fill).await;
    ground.database.execute("UPDATE audit_heads SET seq = seq + 100001").await;
    let search = async |target: &str, cursor| {
        let filter = Filter { target: Some(target.to_owned()), ..Filter::default() };
        ground.room.audit().search(&filter, cursor, 10).await.expect("a search")
    };
    let often = search("often", None).await;
    assert_eq!((often.page.items.len(), often.searched_back_to), (10, None));
    let (mut cursor, mut steps) = (None, 0);
    let found = loop {
        let found = search("rare", cursor).await;
        steps += 1;
        match found.searched_back_to {
            Some(on) => {
                assert!(found.page.items.is_empty() && cursor.is_none_or(|before| on < before));
                cursor = Some(on);
            }
            None => break found,
        }
    };
    assert_eq!((steps, found.page.items.len()), (3, 1));
    assert_eq!(found.page.items[0].entry.action, "credential.create");
}
