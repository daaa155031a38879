//! The two folders of migrations make the same schema.

use std::collections::BTreeMap;

use strongroom_model::Clock;
use strongroom_store::{Store, StoreOptions, schema};
use strongroom_testkit::{Backend, TestDatabase};

async fn migrated(backend: Backend) -> TestDatabase {
    let database = TestDatabase::new(backend).await;
    let options = StoreOptions { url: database.url().to_owned(), max_connections: 1, clock: Clock::Database };
    let store = Store::connect(&options).await.expect("a store");
    schema::migrate(&store).await.expect("a schema");
    store.close().await;
    database
}

/// The rest of each row by its first two columns.
async fn by_place(database: &TestDatabase, sql: &str) -> BTreeMap<(String, String), Vec<String>> {
    let rows = database.query_text(sql).await.into_iter();
    rows.map(|row| {
        let mut texts = row.into_iter().map(|value| value.expect("no NULL").to_lowercase());
        let place = (texts.next().expect("a column"), texts.next().expect("a column"));
        (place, texts.collect())
    })
    .collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_types_and_nullability() {
    let sqlite = migrated(Backend::Sqlite).await;
    let postgres = migrated(Backend::Postgres).await;
    // A column of a primary key cannot be null on PostgreSQL; SQLite's pragma says so only where it is written.
    let here = by_place(
        &sqlite,
        "SELECT t.name, c.name, CASE upper(c.type) WHEN 'INTEGER' THEN 'bigint' ELSE c.type END, \
         CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 'no' ELSE 'yes' END, \
         CASE WHEN c.pk > 0 THEN 'key' ELSE '' END \
         FROM sqlite_master t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    )
    .await;
    let there = by_place(
        &postgres,
        "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, \
         CASE WHEN k.column_name IS NULL THEN '' ELSE 'key' END \
         FROM information_schema.columns c LEFT JOIN (information_schema.key_column_usage k \
         JOIN information_schema.table_constraints t ON t.constraint_name = k.constraint_name \
         AND t.table_name = k.table_name AND t.constraint_type = 'PRIMARY KEY') \
         ON k.table_name = c.table_name AND k.column_name = c.column_name \
         WHERE c.table_schema = 'public' AND c.table_name <> '_sqlx_migrations' AND c.table_name IN \
         (SELECT CAST(v.relname AS TEXT) FROM pg_class v WHERE v.relnamespace = 'public'::regnamespace \
         AND v.relkind IN ('r', 'p') AND NOT v.relispartition)",
    )
    .await;
    assert!(here.len() > 50, "{here:?}");
    assert_eq!(here, there);
}

#[tokio::test]
async fn both_databases_have_the_same_views() {
    let here = by_place(
        &migrated(Backend::Sqlite).await,
        "SELECT t.name, c.name, CAST(c.cid + 1 AS TEXT) FROM sqlite_master t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'view'",
    )
    .await;
    let there = by_place(
        &migrated(Backend::Postgres).await,
        "SELECT c.table_name, c.column_name, CAST(c.ordinal_position AS TEXT) FROM information_schema.columns c \
         JOIN information_schema.views v ON v.table_name = c.table_name AND v.table_schema = c.table_schema \
         WHERE c.table_schema = 'public'",
    )
    .await;
    assert!(here.len() > 20, "{here:?}");
    assert_eq!(here, there);
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let sqlite = migrated(Backend::Sqlite).await;
    let postgres = migrated(Backend::Postgres).await;
    let here = by_place(
        &sqlite,
        "SELECT t.name, i.name, i.\"unique\", i.partial, (SELECT group_concat(name) FROM \
         (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) FROM sqlite_master t \
         JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'c'",
    )
    .await;
    let mut there = by_place(
        &postgres,
        "SELECT t.relname, i.relname, CAST(CAST(x.indisunique AS INTEGER) AS TEXT), \
         CAST(CAST(x.indpred IS NOT NULL AS INTEGER) AS TEXT), (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) \
         FROM pg_attribute a WHERE a.attrelid = i.oid) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
         JOIN pg_class t ON t.oid = x.indrelid WHERE t.relnamespace = 'public'::regnamespace \
         AND NOT t.relispartition AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)",
    )
    .await;
    assert!(here.len() > 5, "{here:?}");
    // Its planner uses them, and SQLite's does not: see migration 0007.
    for name in ["audit_logs_actor", "audit_logs_at", "audit_logs_target"] {
        assert!(there.remove(&("audit_logs".to_owned(), name.to_owned())).is_some(), "{name}");
    }
    assert_eq!(here, there);
}
