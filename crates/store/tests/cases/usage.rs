//! Usage records, and the sums of a day.

use strongroom_model::Millis;
use strongroom_store::StoreError;
use strongroom_store::usage::{self, Kind, Record};

use super::counter::record;
use super::ground::{NOW, ground, uid};

#[tokio::test]
async fn records_are_written_once_and_summed_up_by_day() {
    let ground = ground().await;
    let yesterday = Millis(NOW.0 - 86_400_000);
    let failed = Record { status: 500, cost_nano_usd: None, total_ms: None, ..record(3, Some(uid(1)), NOW) };
    let refused = Record { status: 404, ..record(6, Some(uid(1)), NOW) };
    let read = Record { kind: Kind::Read, ..record(5, Some(uid(1)), NOW) };
    let records = [
        record(1, Some(uid(1)), NOW),
        record(2, Some(uid(1)), NOW),
        failed,
        record(4, Some(uid(1)), yesterday),
        read,
        refused,
    ];
    for part in records.chunks(2) {
        let mut tx = ground.write().await;
        usage::insert_all(&mut tx, part).await.unwrap();
        tx.commit().await.unwrap();
    }
    let sums = "SELECT m.kind, d.day_start_ms / 86400000, d.requests, d.errors_client, d.errors_provider, d.input_tokens, \
                d.cost_nano_usd, d.unpriced, d.first_byte_ms_sum, d.first_byte_count, d.total_ms_sum, d.total_count \
                FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid ORDER BY m.kind, d.day_start_ms";
    let sums: Vec<Vec<String>> = ground
        .database
        .query_text(sums)
        .await
        .into_iter()
        .map(|row| row.into_iter().flatten().collect())
        .collect();
    let day = NOW.0 / 86_400_000;
    let (today, before) = (day.to_string(), (day - 1).to_string());
    assert_eq!(
        sums,
        [
            vec!["call", &before, "1", "0", "0", "10", "100", "0", "3", "1", "9", "1"],
            vec!["call", &today, "4", "1", "1", "40", "300", "1", "12", "4", "27", "3"],
            vec!["read", &today, "1", "0", "0", "10", "100", "0", "3", "1", "9", "1"],
        ]
    );
    let mut session = ground.read().await;
    assert!(usage::exists(&mut session, uid(4)).await.unwrap());
    assert!(!usage::exists(&mut session, uid(9)).await.unwrap());
    drop(session);
    let mut tx = ground.write().await;
    let twice = usage::insert_all(&mut tx, &records[..1]).await;
    assert!(matches!(twice, Err(StoreError::Taken(_))), "{twice:?}");
}

#[tokio::test]
async fn many_records_at_once_are_all_written() {
    let ground = ground().await;
    let records: Vec<_> = (0..150).map(|number| record(number, Some(uid(1)), NOW)).collect();
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, &records).await.unwrap();
    tx.commit().await.unwrap();
    let count = ground.database.query_text("SELECT COUNT(*), SUM(requests) FROM usage_records").await;
    assert_eq!(count[0], [Some("150".to_owned()), Some("150".to_owned())]);
}

#[tokio::test]
async fn what_records_have_in_common_is_written_once_and_again_when_it_was_not_committed() {
    let ground = ground().await;
    let write = async |number: u8, is_committed: bool| {
        let mut tx = ground.write().await;
        let done = usage::insert_all(&mut tx, &[record(number, Some(uid(1)), NOW)]).await;
        match (&done, is_committed) {
            (Ok(()), true) => tx.commit().await.unwrap(),
            _ => tx.roll_back().await.unwrap(),
        }
        done
    };
    let seen = async || ground.database.query_text("SELECT COUNT(*) FROM usage_records").await[0][0].clone();
    write(1, false).await.unwrap();
    assert_eq!(seen().await.as_deref(), Some("0"));
    write(2, true).await.unwrap();
    assert_eq!(seen().await.as_deref(), Some("1"), "a rolled-back batch has taught nothing");
    for table in ["usage_dims", "usage_contexts"] {
        ground.database.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
        write(3 + u8::from(table == "usage_dims"), true)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error:?}"));
        // Who does not know it has to write it.
        let other = super::ground::connect(ground.database.url()).await;
        let mut tx = other.write().await.unwrap();
        usage::insert_all(&mut tx, &[record(9, Some(uid(1)), NOW)]).await.unwrap_err();
        drop(tx);
        other.close().await;
        ground.database.execute(&format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
    }
    assert_eq!(seen().await.as_deref(), Some("3"));
}
