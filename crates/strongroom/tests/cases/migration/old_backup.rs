//! Backups of the version before: its tables, its schema, and in them what it let be spoilt.

use std::io::Cursor;

use serde_json::{Value, json};
use strongroom::backup::{OpenWindows, restore};
use strongroom::{Actor, MasterKey, Strongroom};
use strongroom_crypto::backup::{Sealer, wrap};
use strongroom_crypto::digest::Digest;
use strongroom_crypto::{Key, random};
use strongroom_store::backup::{Cell, Kind, Reader, last_number};
use strongroom_testkit::{Backend, TestDatabase};

use super::super::backup::proof_of;
use super::super::ground::NOW;
use super::fill::{Old, SCHEMA, installation, store_of, tables_of_old};
use super::{kept_from, options};

/// What AES-GCM adds to a plaintext.
const TAG: usize = 16;

fn digest_of(bytes: &[u8]) -> [u8; 32] {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.bytes()
}

fn sized(mark: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short").to_be_bytes();
    [mark, &length, bytes].concat()
}

/// The file that the version before would have made, written by what `docs/format.md` says about it.
pub(super) async fn backup_of_old(old: &Old) -> Vec<u8> {
    let store = store_of(&old.database).await;
    let mut session = store.snapshot().await.expect("a snapshot");
    let master = MasterKey::parse(old.key.expose()).expect("a key");
    let (uid, key) = (random::uid(), Key::generate());
    let mut sealer = Sealer::new(&key);
    let tables = tables_of_old();
    let mut shapes = Vec::new();
    for table in &tables {
        let kind = |kind| match kind {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
        };
        let columns: Vec<_> = table.columns.iter().map(|(name, it)| json!([name, kind(*it)])).collect();
        let mut shape = json!({ "name": table.name, "columns": columns, "key": table.key });
        if table.counts_up {
            shape["lastNumber"] = last_number(&mut session, table).await.expect("a number").into();
        }
        shapes.push(shape);
    }
    let heads = strongroom_store::audit::heads(&mut session).await.expect("heads").into_iter();
    let heads: Vec<_> =
        heads.map(|head| json!({ "chainId": head.chain_id, "seq": head.seq, "link": head.link })).collect();
    let header = json!({
        "uid": uid.to_string(), "createdAtMs": NOW.0, "program": "0.0.1", "schema": SCHEMA,
        "database": session.backend().as_str(), "noncePrefix": sealer.prefix(),
        "keys": [{ "masterFingerprint": master.fingerprint(), "wrapped": wrap(&master, uid, &key) }],
        "masters": [master.fingerprint()], "auditHeads": heads, "tables": shapes,
    });
    let mut bytes = sized(b"strongroom backup 1\n", header.to_string().as_bytes());
    let beside = digest_of(&bytes);
    let (mut counts, mut open) = (Vec::new(), Vec::new());
    for (number, table) in tables.iter().enumerate() {
        let mut reader = Reader::new(table);
        let (mut sealed_digest, mut open_digest) = (Digest::default(), Digest::default());
        let (mut all, mut chunks) = (0, 0);
        loop {
            let rows = reader.next_page(&mut session).await.expect("rows");
            if rows.is_empty() {
                break;
            }
            let cell = |cell: &Cell| match cell {
                Cell::Null => Value::Null,
                Cell::Text(text) => text.as_str().into(),
                Cell::Integer(number) => (*number).into(),
                Cell::Boolean(boolean) => (*boolean).into(),
            };
            let line = |row: &Vec<Cell>| format!("{}\n", Value::Array(row.iter().map(cell).collect()));
            let lines: String = rows.iter().map(line).collect();
            open_digest.update(lines.as_bytes());
            let mut head = vec![b'R'];
            head.extend(u16::try_from(number).expect("few").to_be_bytes());
            head.extend(u32::try_from(rows.len()).expect("few").to_be_bytes());
            head.extend(u32::try_from(lines.len() + TAG).expect("short").to_be_bytes());
            let aad = [&beside[..], &head].concat();
            let sealed = sealer.seal(&aad, lines.as_bytes(), false).expect("a chunk");
            let frame = [head, sealed].concat();
            sealed_digest.update(&frame);
            bytes.extend(frame);
            (all, chunks) = (all + rows.len(), chunks + 1);
        }
        counts.push(
            json!({ "name": table.name, "rows": all, "chunks": chunks, "sha256": sealed_digest.hex() }),
        );
        open.push(json!([table.name, open_digest.hex()]));
    }
    bytes.extend(sized(b"M", json!({ "tables": counts }).to_string().as_bytes()));
    let seal = json!({ "tables": open }).to_string();
    bytes.push(b'S');
    bytes.extend(u32::try_from(seal.len() + TAG).expect("short").to_be_bytes());
    let aad = digest_of(&bytes);
    bytes.extend(sealer.seal(&aad, seal.as_bytes(), true).expect("a seal"));
    bytes.push(b'E');
    let whole = digest_of(&bytes);
    bytes.extend(whole);
    drop(session);
    store.close().await;
    bytes
}

/// From one database into another, spoilt as it is.
async fn moves(from: Backend, to: Backend) {
    let old = installation(from).await;
    old.fill(2_000).await;
    old.spoil(false).await;
    let bytes = backup_of_old(&old).await;
    assert_eq!(proof_of(&bytes, &old.key).await.expect("a proof").faults, [""; 0]);
    let database = TestDatabase::new(to).await;
    let target = options(&database, &old);
    let mut quiet = |_| Ok(());
    let done =
        restore(&mut Cursor::new(&bytes), &target, OpenWindows::Keep, &Actor::library(), &mut quiet).await;
    assert_eq!(done.expect("a restore").proof.faults, [""; 0], "{from:?} to {to:?}");
    let room = Strongroom::open(target).await.expect("a strongroom");
    assert_eq!(room.usage(Actor::library()).verify(kept_from()).await.expect("an answer"), []);
    room.close().await.expect("nothing is lost");
    let lines = old.value("SELECT COUNT(*) FROM usage_lines").await;
    let there = database.query_text("SELECT COUNT(*), COUNT(DISTINCT model) FROM usage_records").await;
    // Six names that somebody asked for, and the one for all others.
    assert_eq!(there[0], [Some(lines), Some("7".to_owned())], "{from:?} to {to:?}");
}

#[tokio::test]
async fn a_backup_of_the_version_before_is_restored_and_repaired() {
    moves(super::super::BACKEND, super::super::BACKEND).await;
    if super::super::BACKEND == Backend::Postgres {
        moves(Backend::Sqlite, Backend::Postgres).await;
        moves(Backend::Postgres, Backend::Sqlite).await;
    }
}
