//! Sealed texts by the key they are under, and the list of columns that name keys.

use std::collections::BTreeSet;

use strongroom_model::credential::{Credential, Field};
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_store::alert::channel;
use strongroom_store::sealed::{self, BoundText, ChannelText, KEY_COLUMNS, SealedRow, SealedUnder, Work};
use strongroom_store::value::{self, SealedValue};
use strongroom_store::{change, credential, key, version};
use strongroom_testkit::Backend;

use super::ground::{Ground, NOW, deleted_mac, ground, provider, row, uid, wrapped};

/// Two credentials, one of them deleted, one with two versions; all under the first key. The second key is current.
async fn garden(ground: &Ground) -> (String, String) {
    let (data, fingerprint) = ground.put_keys().await;
    let openai = provider("openai");
    let one = ground.put(row(1, "one", &openai)).await;
    let mut two = row(2, "two", &openai);
    two.endpoint = Some("https://llm.example.com/v1");
    let two = ground.put(two).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.expect("done");
    for (at, field) in [
        (uid(101), Field::ApiKey),
        (uid(101), Field::ApiSecret),
        (uid(201), Field::ApiKey),
        (uid(102), Field::ApiKey),
    ] {
        let fingerprint = SecretFingerprint { key_id: fingerprint.clone(), value: "print".to_owned() };
        let text = format!("{at} {}", field.as_str());
        value::put(&mut tx, &SealedValue { version: at, field, key_id: data.clone(), text, fingerprint })
            .await
            .expect("done");
    }
    tx.commit().await.expect("done");
    let moved_on = Credential { version: uid(201), ..ground.get(one).await };
    let mut tx = ground.write().await;
    assert!(credential::update(&mut tx, &moved_on, NOW).await.expect("done"));
    assert!(credential::delete(&mut tx, two, 1, &deleted_mac(), NOW).await.expect("done"));
    key::supersede(&mut tx, "data").await.expect("done");
    let (next, wrap) = wrapped(&uid(3).to_string(), "data", NOW);
    key::insert(&mut tx, &next, &wrap).await.expect("done");
    tx.commit().await.expect("done");
    (data, next.id)
}

fn nowhere() -> sealed::After {
    (String::new(), String::new())
}

fn of_credential(row: SealedRow) -> Option<BoundText> {
    match row {
        SealedRow::Credential(text) => Some(text),
        SealedRow::Channel(_) => None,
    }
}

async fn texts(ground: &Ground, of: SealedUnder<'_>, limit: i64) -> Vec<BoundText> {
    let found = sealed::list(&mut ground.read().await, of, &nowhere(), limit).await.expect("done");
    found.into_iter().filter_map(|found| of_credential(found.text.expect("done"))).collect()
}

#[tokio::test]
async fn sealed_texts_are_found_in_old_versions_and_deleted_credentials_too() {
    let ground = ground().await;
    let (old, new) = garden(&ground).await;
    let all = texts(&ground, SealedUnder::OthersThan(&new), 10).await;
    let places: Vec<_> = all.iter().map(|text| (text.credential, text.version, text.field)).collect();
    assert_eq!(
        places,
        [
            (uid(1), uid(101), Field::ApiKey),
            (uid(1), uid(101), Field::ApiSecret),
            (uid(2), uid(102), Field::ApiKey),
            (uid(1), uid(201), Field::ApiKey),
        ]
    );
    assert_eq!(all[2].endpoint.as_deref(), Some("https://llm.example.com/v1"));
    assert_eq!(texts(&ground, SealedUnder::Key(&old), 10).await, all);
    assert_eq!(texts(&ground, SealedUnder::OthersThan(&new), 2).await, all[..2]);
    let mut session = ground.read().await;
    let behind =
        sealed::list(&mut session, SealedUnder::OthersThan(&new), &all[1].place(), 10).await.unwrap();
    assert_eq!(
        behind.into_iter().filter_map(|it| of_credential(it.text.unwrap())).collect::<Vec<_>>(),
        all[2..]
    );
    assert_eq!(sealed::count_by_key(&mut session).await.unwrap(), [(old.clone(), 4)]);
    assert!(sealed::any_under_others(&mut session, &new).await.unwrap());
    assert!(!sealed::any_under_others(&mut session, &old).await.unwrap());
}

#[tokio::test]
async fn a_text_is_replaced_unless_it_was_changed_meanwhile_and_the_change_counter_stands_still() {
    let ground = ground().await;
    let (old, new) = garden(&ground).await;
    let all = texts(&ground, SealedUnder::OthersThan(&new), 10).await;
    let before = change::current(&mut ground.read().await).await.unwrap();
    let mut tx = ground.write().await;
    for text in &all[..3] {
        let text = SealedRow::Credential(text.clone());
        assert!(sealed::replace(&mut tx, &text, &new, "resealed").await.unwrap());
    }
    let first = SealedRow::Credential(all[0].clone());
    assert!(!sealed::replace(&mut tx, &first, &new, "twice").await.unwrap());
    let changed = SealedRow::Credential(BoundText { text: "another".to_owned(), ..all[3].clone() });
    assert!(!sealed::replace(&mut tx, &changed, &new, "resealed").await.unwrap());
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(change::current(&mut session).await.unwrap(), before);
    assert_eq!(sealed::count_by_key(&mut session).await.unwrap(), [(old, 1), (new.clone(), 3)]);
    drop(session);
    let own = texts(&ground, SealedUnder::Key(&new), 10).await;
    assert!(own.len() == 3 && own.iter().all(|text| text.text == "resealed"), "{own:?}");
}

#[tokio::test]
async fn a_row_that_holds_what_we_never_write_is_told_by_its_place() {
    let ground = ground().await;
    let (_, new) = garden(&ground).await;
    let edit =
        format!("UPDATE credential_values SET field = 'x', key_id = NULL WHERE version_uid = '{}'", uid(102));
    ground.database.execute(&edit).await;
    let mut session = ground.read().await;
    let found = sealed::list(&mut session, SealedUnder::OthersThan(&new), &nowhere(), 10).await.unwrap();
    let unreadable: Vec<_> = found.iter().filter(|found| found.text.is_none()).collect();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].place, (uid(102).to_string(), "x".to_owned()));
    assert!(
        sealed::any_under_others(&mut session, &new).await.unwrap(),
        "without a key is not under this one"
    );
}

#[tokio::test]
async fn values_of_channels_are_listed_among_the_others_counted_and_replaced() {
    let ground = ground().await;
    let (old, new) = garden(&ground).await;
    let mut tx = ground.write().await;
    channel::insert(&mut tx, &super::alert::channel(150, "ops")).await.unwrap();
    for field in ["address", "secret"] {
        let (channel, field) = (uid(150), field.to_owned());
        let value =
            channel::ChannelValue { channel, field, key_id: old.clone(), text: "sealed".into(), until: None };
        channel::put_value(&mut tx, &value).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(sealed::count_by_key(&mut session).await.unwrap(), [(old.clone(), 6)]);
    let (mut after, mut places) = (nowhere(), Vec::new());
    loop {
        let page = sealed::list(&mut session, SealedUnder::Key(&old), &after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.place);
        places.extend(page.into_iter().map(|found| found.place));
    }
    let of = |at, field: &str| (uid(at).to_string(), field.to_owned());
    let expected = [
        of(101, "api_key"),
        of(101, "api_secret"),
        of(102, "api_key"),
        of(150, "address"),
        of(150, "secret"),
        of(201, "api_key"),
    ];
    assert_eq!(places, expected, "no page leaves one out");
    drop(session);
    let text = ChannelText {
        channel: uid(150),
        kind: "webhook".to_owned(),
        field: "address".to_owned(),
        key_id: old.clone(),
        text: "sealed".to_owned(),
    };
    let text = SealedRow::Channel(text);
    let mut tx = ground.write().await;
    assert!(sealed::replace(&mut tx, &text, &new, "resealed").await.unwrap());
    assert!(!sealed::replace(&mut tx, &text, &new, "twice").await.unwrap());
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(sealed::count_by_key(&mut session).await.unwrap(), [(old, 5), (new.clone(), 1)]);
    let own = sealed::list(&mut session, SealedUnder::Key(&new), &nowhere(), 9).await.unwrap();
    assert!(matches!(&own[0].text, Some(SealedRow::Channel(it)) if it.text == "resealed"), "{own:?}");
}

/// A sealed text stands beside the key that sealed it: whoever adds a column that names a key has to say in the list what
/// that key does there.
#[tokio::test]
async fn every_column_that_names_a_key_is_in_the_list() {
    let ground = ground().await;
    let named_so = match super::BACKEND {
        Backend::Sqlite => {
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND (c.name LIKE '%key_id' OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name) f \
             WHERE f.\"table\" = 'encryption_keys' AND f.\"from\" = c.name))"
        }
        Backend::Postgres => {
            "SELECT c.table_name, c.column_name FROM information_schema.columns c WHERE c.table_schema = 'public' \
             AND (c.column_name LIKE '%key_id' OR EXISTS (SELECT 1 FROM information_schema.key_column_usage k \
             JOIN information_schema.referential_constraints r ON r.constraint_name = k.constraint_name \
             JOIN information_schema.table_constraints u ON u.constraint_name = r.unique_constraint_name \
             WHERE u.table_name = 'encryption_keys' AND k.table_name = c.table_name AND k.column_name = c.column_name))"
        }
    };
    let text = |value: &Option<String>| value.clone().expect("a name");
    let there: BTreeSet<(String, String)> =
        ground.database.query_text(named_so).await.iter().map(|row| (text(&row[0]), text(&row[1]))).collect();
    let listed: BTreeSet<(String, String)> =
        KEY_COLUMNS.iter().map(|it| (it.table.to_owned(), it.column.to_owned())).collect();
    assert_eq!(there, listed);
    for column in KEY_COLUMNS.iter().filter(|column| !column.made.is_empty()) {
        // The database refuses a column that is not there.
        ground.database.query_text(&format!("SELECT {} FROM {}", column.made, column.table)).await;
    }
    let sealed: Vec<_> =
        KEY_COLUMNS.iter().filter(|it| it.work == Work::Sealed).map(|it| (it.table, it.made)).collect();
    assert_eq!(
        sealed,
        [("credential_values", "value"), ("alert_channel_values", "value")],
        "a rotation reseals these, and so do the functions above"
    );
}
