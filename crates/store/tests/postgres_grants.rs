//! The published grants are complete: every table is in them, and the audit trail can only be added to.

use std::collections::BTreeMap;

use strongroom_model::Clock;
use strongroom_store::schema;
use strongroom_store::{Store, StoreOptions};
use strongroom_testkit::{Backend, TestDatabase};

const GRANTS: &str = include_str!("../../../docs/postgres-grants.sql");

/// What the role may do, by table.
async fn privileges(database: &TestDatabase, role: &str) -> BTreeMap<String, Vec<String>> {
    let sql = format!(
        "SELECT tablename, privilege FROM pg_tables CROSS JOIN \
         unnest(ARRAY['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE']) AS privilege \
         WHERE schemaname = 'public' AND has_table_privilege('{role}', 'public.' || tablename, privilege) \
         ORDER BY tablename, privilege"
    );
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in database.query_text(&sql).await {
        let [Some(table), Some(privilege)] = row.as_slice() else { panic!("{row:?}") };
        found.entry(table.clone()).or_default().push(privilege.clone());
    }
    found
}

#[tokio::test]
async fn the_published_grants_cover_every_table_and_protect_the_audit_trail() {
    let database = TestDatabase::new(Backend::Postgres).await;
    let store = Store::connect(&StoreOptions {
        url: database.url().to_owned(),
        max_connections: 1,
        clock: Clock::Database,
    })
    .await
    .unwrap();
    schema::migrate(&store).await.unwrap();
    store.close().await;

    // Roles belong to the whole server: the name has to be as unique as the database's.
    let role = format!("app_{}", database.name());
    database.execute(&format!("CREATE ROLE {role}")).await;
    // What an owner might have done before.
    database.execute(&format!("GRANT ALL ON audit_logs TO {role}; GRANT SELECT ON tokens TO PUBLIC")).await;
    let grants = GRANTS.replace(":\"app\"", &role);
    for _ in 0..2 {
        database.execute(&grants).await;
    }

    let found = privileges(&database, &role).await;
    let all = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') \
               AND NOT relispartition";
    let all = database.query_text(all).await;
    for table in all.iter().map(|row| row[0].as_deref().unwrap()) {
        assert!(found.contains_key(table), "docs/postgres-grants.sql says nothing of the table {table}");
    }
    assert_eq!(found["audit_logs"], ["INSERT", "SELECT"]);
    assert_eq!(found["counter_entries"], ["INSERT", "SELECT"]);
    assert_eq!(found["usage_lines"], ["DELETE", "INSERT", "SELECT"]);
    for table in ["usage_contexts", "usage_dims", "tag_sets"] {
        assert_eq!(found[table], ["INSERT", "SELECT"], "{table}");
    }
    // Partitions are used through their table alone.
    assert!(!found.keys().any(|table| table.starts_with("usage_lines_")), "{found:?}");
    assert_eq!(found["change_log"], ["DELETE", "INSERT", "SELECT"]);
    assert_eq!(found["job_leases"], ["INSERT", "SELECT", "UPDATE"]);
    assert_eq!(found["usage_days"], ["INSERT", "SELECT", "UPDATE"]);
    let rolled_up = [
        "usage_5m",
        "usage_hours",
        "usage_day_writes",
        "usage_marks",
        "usage_days_mix",
        "limit_samples",
        "limit_refusals",
    ];
    let of_subjects =
        ["usage_subject_days", "usage_subject_hours", "usage_subject_months", "credential_health"];
    for table in rolled_up.iter().chain(&of_subjects) {
        assert_eq!(found[*table], ["DELETE", "INSERT", "SELECT", "UPDATE"], "{table}");
    }
    for table in ["usage_tops", "credential_transitions"] {
        assert_eq!(found[table], ["DELETE", "INSERT", "SELECT"], "{table}");
    }
    assert_eq!(found["_sqlx_migrations"], ["SELECT"]);
    assert_eq!(found["api_credentials"], ["DELETE", "INSERT", "SELECT", "UPDATE"]);
    for (table, privileges) in &found {
        let never = ["REFERENCES", "TRIGGER", "TRUNCATE"];
        assert!(
            !privileges.iter().any(|privilege| never.contains(&privilege.as_str())),
            "{table}: {privileges:?}"
        );
    }
    // Partitions are made and dropped by the owner's functions, which find the owner's tables whoever calls them.
    let functions = "SELECT CAST(oid::regprocedure AS TEXT), prosecdef, array_to_string(proconfig, ' '), \
                     has_function_privilege('ROLE', oid, 'EXECUTE'), NOT EXISTS (SELECT 1 FROM aclexplode(proacl) a \
                     WHERE a.grantee = 0) FROM pg_proc WHERE proname LIKE 'usage_lines_%' ORDER BY 1";
    let functions = database.query_text(&functions.replace("ROLE", &role)).await;
    assert_eq!(functions.len(), 2, "{functions:?}");
    for function in &functions {
        let texts: Vec<_> = function.iter().map(|text| text.as_deref().unwrap()).collect();
        assert_eq!((texts[1], texts[3], texts[4]), ("t", "t", "t"), "{texts:?}");
        assert!(texts[2].contains("search_path=public, pg_temp"), "{texts:?}");
    }
    database
        .execute(&format!(
            "CREATE SCHEMA odd; CREATE TABLE odd.usage_lines (uid TEXT); GRANT USAGE ON SCHEMA odd TO {role}; \
             SET search_path = odd; SET ROLE {role}; SELECT public.usage_lines_make_partitions(0, 1)"
        ))
        .await;
    let made = "SELECT CAST(relnamespace::regnamespace AS TEXT) FROM pg_class WHERE relname = 'usage_lines_19700101'";
    assert_eq!(database.query_text(made).await, [[Some("public".to_owned())]]);

    let public = "SELECT table_name FROM information_schema.table_privileges \
                  WHERE table_schema = 'public' AND grantee = 'PUBLIC'";
    assert_eq!(database.query_text(public).await, Vec::<Vec<Option<String>>>::new());

    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
