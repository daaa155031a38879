//! Making a backup: one snapshot of every table, sealed on the way out.

use async_stream::try_stream;
use futures::Stream;
use serde_json::json;
use strongroom_crypto::backup::{Sealer, wrap};
use strongroom_crypto::digest::Digest;
use strongroom_crypto::{Key, random};
use strongroom_model::audit::Target;
use strongroom_model::{Problem, Uid};
use strongroom_store::Session;
use strongroom_store::backup::{Reader, tables};
use strongroom_store::schema;

use super::BackupService;
use super::file::{
    AuditHead, Header, Manifest, Seal, TableCount, TableShape, WrappedKey, Writer, rows_head, write_line,
};
use crate::custody::trail::entry;

/// Bytes that AES-GCM adds to a plaintext.
const TAG: usize = 16;

/// A backup that is about to be made.
#[derive(Debug)]
pub struct Backup {
    /// Its identity, which the audit trail names too.
    pub uid: Uid,
    session: Session,
    header: Header,
    key: Key,
}

impl BackupService {
    /// Starts a backup: says so in the audit trail, and takes the snapshot, which has that entry in it.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn create(&self) -> Result<Backup, Problem> {
        let custody = &self.custody;
        let uid = random::uid();
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let target = Target { kind: "backup".into(), id: Some(uid.to_string()), name: None };
        let entry = entry(&self.actor, "backup.create", target, now, &json!({}));
        custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;

        let mut session = custody.store.snapshot().await?;
        let key = Key::generate();
        let masters = strongroom_store::key::list_masters(&mut session).await?;
        // Under each that opens what is in it: while the master key is being replaced, the one or the other may be gone when
        // the backup is needed.
        let held = custody.masters.iter().filter(|master| masters.contains(&master.fingerprint()));
        let keys = held.map(|master| WrappedKey {
            master_fingerprint: master.fingerprint(),
            wrapped: wrap(master, uid, &key),
        });
        let mut shapes = Vec::new();
        for table in tables() {
            let last = match table.counts_up {
                true => Some(strongroom_store::backup::last_number(&mut session, &table).await?),
                false => None,
            };
            shapes.push(TableShape::of(&table, last));
        }
        let heads = strongroom_store::audit::heads(&mut session).await?;
        let header = Header {
            uid: uid.to_string(),
            created_at_ms: session.now().await?.0,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            database: session.backend().as_str().to_owned(),
            schema: schema::version(&mut session).await?,
            nonce_prefix: String::new(),
            keys: keys.collect(),
            masters,
            audit_heads: heads
                .into_iter()
                .map(|head| AuditHead { chain_id: head.chain_id, seq: head.seq, link: head.link })
                .collect(),
            tables: shapes,
        };
        Ok(Backup { uid, session, header, key })
    }
}

impl Backup {
    /// The bytes of the file. Ends with an error when not all could be read: what came before is no backup then.
    pub fn into_stream(self) -> impl Stream<Item = Result<Vec<u8>, Problem>> + Send + 'static {
        let Self { mut session, mut header, key, .. } = self;
        try_stream! {
            let mut sealer = Sealer::new(&key);
            header.nonce_prefix = sealer.prefix();
            let mut writer = Writer::default();
            let (head, beside) = writer.head(&json_of(&header)?);
            yield head;
            let mut manifest = Manifest { tables: Vec::new() };
            let mut seal = Seal { tables: Vec::new() };
            for (number, table) in tables().iter().enumerate() {
                let mut count = TableCount { name: table.name.clone(), ..TableCount::default() };
                let (mut sealed_digest, mut open_digest) = (Digest::default(), Digest::default());
                let mut reader = Reader::new(table);
                loop {
                    let rows = reader.next_page(&mut session).await?;
                    if rows.is_empty() {
                        break;
                    }
                    let mut lines = Vec::new();
                    rows.iter().for_each(|row| write_line(row, &mut lines));
                    open_digest.update(&lines);
                    let head = rows_head(number, rows.len(), lines.len() + TAG);
                    let aad = [&beside[..], &head].concat();
                    let sealed = sealer.seal(&aad, &lines, false).ok_or_else(too_large)?;
                    let frame = writer.rows(head, &sealed);
                    sealed_digest.update(&frame);
                    count.rows += rows.len() as u64;
                    count.chunks += 1;
                    yield frame;
                }
                count.sha256 = sealed_digest.hex();
                manifest.tables.push(count);
                seal.tables.push((table.name.clone(), open_digest.hex()));
            }
            yield writer.manifest(&json_of(&manifest)?);
            let seal = json_of(&seal)?;
            let (head, aad) = writer.seal_head(seal.len() + TAG);
            yield head;
            let sealed = sealer.seal(&aad, &seal, true).ok_or_else(too_large)?;
            yield writer.end(&sealed);
        }
    }
}

fn too_large() -> Problem {
    Problem::internal("the database has more rows than one backup can hold")
}

fn json_of(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value)
        .map_err(|error| Problem::internal("the backup cannot be written").caused_by(error))
}
