//! Partitions of the ledger: made ahead, filled from what had none, dropped whole. On SQLite there are none.

use strongroom_model::{Millis, Uid};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_partition::{self, Dropped};
use strongroom_testkit::Backend;

use super::counter::record as counter_record;
use super::ground::{Ground, NOW, ground, uid};

const DAY: i64 = 86_400_000;

fn record(number: u8, at: i64) -> Record {
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.to_be_bytes()[2..]);
    Record { uid: Uid::from_bytes(bytes), ..counter_record(number, Some(uid(1)), Millis(at)) }
}

async fn write(ground: &Ground, records: &[Record]) {
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, records).await.expect("an answer");
    tx.commit().await.expect("an answer");
}

/// How many records each partition has, by the end of its name.
async fn partitions(ground: &Ground) -> Vec<(String, String)> {
    if ground.database.backend() == Backend::Sqlite {
        return Vec::new();
    }
    let sql = "SELECT SUBSTR(CAST(tableoid::regclass AS TEXT), 13), COUNT(*) FROM usage_lines GROUP BY 1 ORDER BY 1";
    let rows = ground.database.query_text(sql).await.into_iter();
    rows.map(|row| (row[0].clone().expect("a name"), row[1].clone().expect("a count"))).collect()
}

async fn count(ground: &Ground) -> String {
    ground.database.query_text("SELECT COUNT(*) FROM usage_lines").await[0][0].clone().expect("a count")
}

async fn made(ground: &Ground, at: Millis) -> i64 {
    let mut tx = ground.write().await;
    let made = usage_partition::make_ahead(&mut tx, at).await.expect("an answer");
    tx.commit().await.expect("an answer");
    made
}

async fn dropped(ground: &Ground, before: i64) -> Dropped {
    let mut tx = ground.write().await;
    let dropped = usage_partition::drop_oldest(&mut tx, Millis(before)).await.expect("an answer");
    tx.commit().await.expect("an answer");
    dropped
}

#[tokio::test]
async fn records_move_into_the_partitions_of_their_days_and_go_with_them() {
    let ground = ground().await;
    let is_sqlite = super::BACKEND == Backend::Sqlite;
    let today = NOW.0 - NOW.0 % DAY;
    let records = [
        record(1, today - 40 * DAY),
        record(2, today),
        record(3, today + DAY - 1),
        record(4, today + DAY),
        record(5, today + 90 * DAY),
    ];
    write(&ground, &records).await;
    assert_eq!(made(&ground, NOW).await, if is_sqlite { 0 } else { 8 });
    assert_eq!(made(&ground, NOW).await, 0, "all are there");
    let named = |parts: &[(&str, &str)]| -> Vec<(String, String)> {
        let parts = parts.iter().filter(|_| !is_sqlite);
        parts.map(|(name, count)| ((*name).to_owned(), (*count).to_owned())).collect()
    };
    let all = named(&[("20260131", "2"), ("20260201", "1"), ("other", "2")]);
    assert_eq!(partitions(&ground).await, all);
    assert_eq!(count(&ground).await, "5");
    for record in &records {
        assert!(usage::exists(&mut ground.read().await, record.uid).await.unwrap());
    }
    write(&ground, &[record(6, today + 7), record(7, today - DAY)]).await;
    let all = named(&[("20260131", "3"), ("20260201", "1"), ("other", "3")]);
    assert_eq!(partitions(&ground).await, all);

    assert_eq!(dropped(&ground, today + DAY - 1).await, Dropped::None, "its day is not over");
    let first = if is_sqlite { Dropped::None } else { Dropped::Records(3) };
    assert_eq!(dropped(&ground, today + DAY).await, first);
    assert_eq!(dropped(&ground, today + DAY).await, Dropped::None);
    assert_eq!(count(&ground).await, if is_sqlite { "7" } else { "4" });
    // It can be made again, and what was not of a partition was not dropped with one.
    assert_eq!(made(&ground, NOW).await, i64::from(!is_sqlite));
    assert_eq!(partitions(&ground).await, named(&[("20260201", "1"), ("other", "3")]));
}

#[tokio::test]
async fn a_partition_that_somebody_reads_is_not_waited_for() {
    let ground = ground().await;
    let today = NOW.0 - NOW.0 % DAY;
    made(&ground, NOW).await;
    write(&ground, &[record(1, today)]).await;
    let mut reader = ground.store.snapshot().await.expect("a snapshot");
    assert!(usage::exists(&mut reader, record(1, today).uid).await.expect("an answer"));
    if super::BACKEND == Backend::Postgres {
        assert_eq!(dropped(&ground, today + DAY).await, Dropped::Busy);
        // Nobody who writes had to wait for it, or is stopped by it.
        write(&ground, &[record(2, today)]).await;
        drop(reader);
        assert_eq!(dropped(&ground, today + DAY).await, Dropped::Records(2));
    }
}

#[tokio::test]
async fn records_do_not_wait_for_a_partition_that_is_being_made() {
    let ground = ground().await;
    let today = NOW.0 - NOW.0 % DAY;
    made(&ground, NOW).await;
    let mut tx = ground.write().await;
    let later = usage_partition::make_ahead(&mut tx, Millis(today + 20 * DAY)).await.expect("an answer");
    if super::BACKEND == Backend::Postgres {
        assert_eq!(later, 8);
        write(&ground, &[record(1, today), record(2, today + DAY)]).await;
        assert!(usage::exists(&mut ground.read().await, record(1, today).uid).await.expect("an answer"));
    }
    tx.commit().await.expect("an answer");
    write(&ground, &[record(3, today + 20 * DAY)]).await;
}
