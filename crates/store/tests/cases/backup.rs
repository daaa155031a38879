//! Whole tables out and in: all of them, in one order on both databases, as they were at one moment.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_model::limit::{LimitScope, Unit, Window};
use strongroom_store::backup::{self, Cell, Kind, LEFT_OUT, Reader, Row, Table, tables};
use strongroom_store::{Session, StoreError, credential, limit, meta, node, region_class, schema, user};
use strongroom_testkit::{Backend, TestDatabase};

use super::ground::{NOW, connect, ground, provider, row, stored_user, uid};

fn table(name: &str) -> Table {
    tables().into_iter().find(|table| table.name == name).expect("a table")
}

async fn all(session: &mut Session, table: &Table) -> Vec<Row> {
    let (mut rows, mut reader) = (Vec::new(), Reader::new(table));
    loop {
        let page = reader.next_page(session).await.expect("a page");
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// Name, and the columns with their kinds and whether they are of the key.
type Shape = BTreeMap<String, BTreeSet<(String, String, bool)>>;

async fn shapes_of_the_schema(database: &TestDatabase) -> Shape {
    let sql = match super::BACKEND {
        Backend::Sqlite => {
            "SELECT m.name, c.name, c.type, c.pk > 0 FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> '_sqlx_migrations'"
        }
        Backend::Postgres => {
            "SELECT c.table_name, c.column_name, c.data_type, EXISTS (SELECT 1 FROM information_schema.table_constraints t \
             JOIN information_schema.key_column_usage k ON k.constraint_name = t.constraint_name \
             AND k.table_schema = t.table_schema WHERE t.constraint_type = 'PRIMARY KEY' \
             AND t.table_name = c.table_name AND k.column_name = c.column_name) \
             FROM information_schema.columns c JOIN information_schema.tables b ON b.table_schema = c.table_schema \
             AND b.table_name = c.table_name AND b.table_type = 'BASE TABLE' \
             JOIN pg_class p ON p.relname = c.table_name AND p.relnamespace = 'public'::regnamespace AND NOT p.relispartition \
             WHERE c.table_schema = current_schema() AND c.table_name <> '_sqlx_migrations'"
        }
    };
    let mut found = Shape::new();
    for row in database.query_text(sql).await {
        let [table, column, kind, key] = row.try_into().expect("four columns");
        let kind = match kind.expect("a type").to_uppercase().as_str() {
            "TEXT" => "Text".to_owned(),
            "BIGINT" | "INTEGER" => "Integer".to_owned(),
            "BOOLEAN" => "Boolean".to_owned(),
            other => format!("{other}, which no backup can hold"),
        };
        let is_key = matches!(key.as_deref(), Some("1" | "t"));
        found.entry(table.expect("a name")).or_default().insert((column.expect("a name"), kind, is_key));
    }
    found
}

#[tokio::test]
async fn the_registry_has_every_table_and_column_of_the_schema() {
    let ground = ground().await;
    let mut registered = Shape::new();
    for table in tables() {
        let columns = table.columns.iter().enumerate();
        let columns = columns.map(|(at, (name, kind))| (name.clone(), format!("{kind:?}"), at < table.key));
        registered.insert(table.name.clone(), columns.collect());
    }
    // What is missing here goes into crates/store/src/backup/registry.rs, or it would not be in a backup.
    let mut schema = shapes_of_the_schema(&ground.database).await;
    for table in LEFT_OUT {
        assert!(
            schema.remove(*table).is_some(),
            "{table} is left out of backups, and there is no such table"
        );
    }
    assert_eq!(registered, schema);
    assert!(table("api_credentials").counts_up);
    assert_eq!(table("api_credentials").columns[6], ("is_active".to_owned(), Kind::Boolean));
}

#[tokio::test]
async fn every_table_of_the_schema_has_one_region_class() {
    let ground = ground().await;
    let schema: Vec<String> = shapes_of_the_schema(&ground.database).await.into_keys().collect();
    let mut classed: Vec<&str> = region_class::TABLES.iter().flat_map(|(_, names)| *names).copied().collect();
    classed.sort_unstable();
    // What is missing here goes into crates/store/src/region_class.rs.
    assert_eq!(classed, schema);
    assert_eq!(region_class::of("usage_lines"), Some(region_class::RegionClass::Own));
    assert_eq!(region_class::of("no_such_table"), None);
}

#[tokio::test]
async fn a_table_comes_out_in_the_order_of_bytes_and_goes_in_as_it_was() {
    let (from, to) = (ground().await, ground().await);
    // In the order of a language `_` and capitals stand elsewhere; more than a page.
    let names = ["a", "B", "_", "ä", "aB", "Z", "zz\u{1f511}", "it's \"quoted\"\n"];
    let mut tx = from.write().await;
    for (number, name) in names.iter().enumerate() {
        let id = i64::try_from(number).expect("small") + 1;
        user::insert(&mut tx, &stored_user(id, name)).await.expect("a user");
    }
    for number in 0..1203 {
        assert!(
            meta::claim(&mut tx, &format!("{}-{number}", names[number % 8]), "x").await.expect("an answer")
        );
    }
    tx.commit().await.expect("a commit");
    let provider = provider("openai");
    let mut first = row(1, "one", &provider);
    first.endpoint = Some("https://example.com");
    let id = from.put(first).await;

    let mut snapshot = from.store.snapshot().await.expect("a snapshot");
    let mut tx = to.write().await;
    let mut read = BTreeMap::new();
    for table in tables() {
        let rows = all(&mut snapshot, &table).await;
        backup::clear(&mut tx, &table).await.expect("an empty table");
        assert!(backup::is_empty(&mut tx, &table).await.expect("an answer"));
        backup::insert(&mut tx, &table, &rows).await.expect("rows");
        assert_eq!(backup::is_empty(&mut tx, &table).await.expect("an answer"), rows.is_empty());
        read.insert(table.name, rows);
    }
    tx.commit().await.expect("a commit");
    let facts = &read["strongroom_meta"];
    assert!(facts.len() >= 1203, "{}", facts.len());
    let keys: Vec<_> = facts.iter().map(|row| row[0].clone()).collect();
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut sorted = keys.clone();
    sorted.sort_by_key(text);
    assert_eq!(keys, sorted);
    assert_eq!(read["users"].len(), names.len());
    assert_eq!(read["users"][1][1], Cell::Text("B".to_owned()));
    assert_eq!(read["users"][1][3], Cell::Boolean(true));

    let mut snapshot = to.store.snapshot().await.expect("a snapshot");
    for table in tables() {
        assert_eq!(all(&mut snapshot, &table).await, read[&table.name], "{}", table.name);
    }
    drop(snapshot);
    assert_eq!(to.get(id).await.endpoint.as_deref(), Some("https://example.com"));
    let grants = credential::grant::list(&mut to.read().await, 0, 10).await.expect("grants");
    assert_eq!((grants.len(), grants[0].name.as_str(), grants[0].mac.mac.as_str()), (1, "one", "mac of 1"));
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_is_written_after_it() {
    let ground = ground().await;
    let users = table("users");
    ground.put_user(1).await;
    let mut snapshot = ground.store.snapshot().await.expect("a snapshot");
    ground.put_user(2).await;
    assert_eq!(all(&mut snapshot, &users).await.len(), 1);
    drop(snapshot);
    let mut later = ground.store.snapshot().await.expect("a snapshot");
    assert_eq!(all(&mut later, &users).await.len(), 2);
}

#[tokio::test]
async fn numbers_go_on_behind_the_highest_that_was_ever_given_out() {
    let (from, to) = (ground().await, ground().await);
    let (provider, credentials) = (provider("openai"), table("api_credentials"));
    assert_eq!(backup::last_number(&mut from.read().await, &credentials).await.expect("a number"), 0);
    from.put(row(1, "one", &provider)).await;
    let second = from.put(row(2, "two", &provider)).await;
    from.database.execute("DELETE FROM credential_versions; DELETE FROM api_credentials").await;
    let last = backup::last_number(&mut from.read().await, &credentials).await.expect("a number");
    assert_eq!(last, second.0);
    let mut tx = to.write().await;
    backup::count_from(&mut tx, &credentials, last).await.expect("a start");
    tx.commit().await.expect("a commit");
    assert_eq!(to.put(row(3, "three", &provider)).await.0, last + 1);
}

#[tokio::test]
async fn rows_and_names_that_are_none_of_ours_are_refused() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    let facts = table("strongroom_meta");
    let is_schema = |done: Result<(), StoreError>| matches!(done, Err(StoreError::Schema(_)));
    let text = |text: &str| Cell::Text(text.to_owned());
    assert!(is_schema(backup::insert(&mut tx, &facts, &[vec![text("k")]]).await));
    assert!(is_schema(backup::insert(&mut tx, &facts, &[vec![text("k"), Cell::Integer(1)]]).await));
    for name in ["strongroom_meta; DROP TABLE users", "", "Users", "users--"] {
        let odd = Table { name: name.to_owned(), ..facts.clone() };
        assert!(is_schema(backup::insert(&mut tx, &odd, &[]).await), "{name}");
        assert!(is_schema(backup::clear(&mut tx, &odd).await), "{name}");
        assert!(
            backup::is_empty(&mut tx, &odd).await.is_err()
                && Reader::new(&odd).next_page(&mut tx).await.is_err()
        );
    }
    let odd = Table { columns: vec![("key, value".to_owned(), Kind::Text)], ..facts };
    assert!(is_schema(backup::insert(&mut tx, &odd, &[]).await));
}

#[tokio::test]
async fn a_schema_is_made_up_to_a_version_and_tells_it() {
    let database = TestDatabase::new(super::BACKEND).await;
    let store = connect(database.url()).await;
    assert_eq!(schema::version(&mut store.read().await.expect("a session")).await.expect("a version"), 0);
    schema::migrate_to(&store, 1).await.expect("the first");
    assert_eq!(schema::version(&mut store.read().await.expect("a session")).await.expect("a version"), 1);
    schema::migrate(&store).await.expect("the rest");
    let newest = schema::version(&mut store.read().await.expect("a session")).await.expect("a version");
    assert!(newest >= 2);
    schema::migrate_to(&store, newest).await.expect("nothing to do");
    for odd in [1, 9999] {
        assert!(matches!(schema::migrate_to(&store, odd).await, Err(StoreError::Schema(_))), "{odd}");
    }
}

#[tokio::test]
async fn facts_go_and_every_server_is_listed() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    assert!(meta::claim(&mut tx, "k", "v").await.expect("an answer"));
    meta::remove(&mut tx, "k").await.expect("done");
    assert_eq!(meta::get(&mut tx, "k").await.expect("an answer"), None);
    node::register(&mut tx, uid(2), NOW, NOW).await.expect("a node");
    node::register(&mut tx, uid(1), NOW, strongroom_model::Millis(i64::MAX / 2)).await.expect("a node");
    assert_eq!(node::list(&mut tx).await.expect("nodes"), [uid(1), uid(2)]);
    let scope = LimitScope::User(strongroom_model::UserId(1));
    let change = limit::LimitChange {
        scope: &scope,
        unit: Unit::Tokens,
        window: Window::Day,
        amount: Some(1),
        uid: uid(9),
        at: NOW,
    };
    limit::set(&mut tx, &change).await.expect("a limit");
    assert_eq!(limit::list(&mut tx).await.expect("limits").len(), 1);
}
