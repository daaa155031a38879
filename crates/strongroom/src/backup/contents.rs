//! Contents of a backup: read without a key and compared with its digests, or opened row by row.

use std::io::Read;

use strongroom_crypto::MasterKey;
use strongroom_crypto::backup::{Opener, unwrap_key};
use strongroom_crypto::digest::Digest;
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::backup::{Row, Table};

use super::file::{Frame, Header, Manifest, Reader, Seal, TableCount, damaged, read_lines};
use crate::audit::Anchor;

/// Facts that a backup states about itself, once its digests are found right.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Its identity.
    pub uid: String,
    /// When its snapshot was taken.
    pub created_at: Millis,
    /// The version of strongroom that made it.
    pub program: String,
    /// The database it was made of: `sqlite` or `postgres`.
    pub database: String,
    /// The version of its schema.
    pub schema: i64,
    /// Fingerprints of the master keys that open it.
    pub masters: Vec<String>,
    /// The ends of its audit chains.
    pub audit_heads: Vec<Anchor>,
    /// Its tables.
    pub tables: Vec<TableSummary>,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// Part of a table that a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its sealed bytes.
    pub sha256: String,
}

/// Counts what stands in a file as it is read.
struct Tally {
    counts: Vec<(TableCount, Digest)>,
    last: usize,
}

impl Tally {
    fn new(header: &Header) -> Self {
        let count = |name: &str| TableCount { name: name.to_owned(), ..TableCount::default() };
        let counts = header.tables.iter().map(|table| (count(&table.name), Digest::default())).collect();
        Self { counts, last: 0 }
    }

    fn add(&mut self, table: usize, rows: u64, head: &[u8], sealed: &[u8]) -> Result<(), Problem> {
        if table < self.last {
            return Err(damaged("its tables are out of order"));
        }
        let (count, digest) =
            self.counts.get_mut(table).ok_or_else(|| damaged("rows of a table that it does not have"))?;
        self.last = table;
        count.rows += rows;
        count.chunks += 1;
        digest.update(head);
        digest.update(sealed);
        Ok(())
    }

    fn finish(self) -> Vec<TableCount> {
        self.counts.into_iter().map(|(count, digest)| TableCount { sha256: digest.hex(), ..count }).collect()
    }
}

/// Reads a backup without any key, and compares rows and bytes with what it says about itself: that it is complete and was
/// not changed by accident. Who changes it on purpose can compute the digests again; that is found with the key.
///
/// # Errors
/// [`Problem`] of kind `Integrity` naming what is wrong; of kind `Invalid` when it is no backup.
pub fn inspect(file: impl Read) -> Result<Contents, Problem> {
    let (mut reader, header, _) = Reader::open(file)?;
    let mut tally = Tally::new(&header);
    let mut manifest: Option<Manifest> = None;
    let mut is_sealed = false;
    loop {
        match reader.next()? {
            Frame::Rows { table, rows, head, sealed } if manifest.is_none() => {
                tally.add(table, rows, &head, &sealed)?;
            }
            Frame::Manifest(bytes) if manifest.is_none() => {
                let read =
                    serde_json::from_slice(&bytes).map_err(|_| damaged("its manifest cannot be read"))?;
                manifest = Some(read);
            }
            Frame::Seal { .. } if manifest.is_some() && !is_sealed => is_sealed = true,
            Frame::End if is_sealed => break,
            _ => return Err(damaged("its parts are out of order")),
        }
    }
    let manifest = manifest.ok_or_else(|| damaged("it has no manifest"))?;
    let found = tally.finish();
    if found != manifest.tables {
        let table = found.iter().find(|count| !manifest.tables.contains(count));
        let name = table.map_or("?", |count| count.name.as_str());
        return Err(damaged(&format!("the rows of the table {name} are not those of its manifest")));
    }
    Ok(Contents {
        uid: header.uid,
        created_at: Millis(header.created_at_ms),
        program: header.program,
        database: header.database,
        schema: header.schema,
        masters: header.keys.into_iter().map(|key| key.master_fingerprint).collect(),
        audit_heads: header
            .audit_heads
            .into_iter()
            .map(|head| Anchor { chain_id: head.chain_id, seq: head.seq, link: head.link })
            .collect(),
        tables: found
            .into_iter()
            .map(|count| TableSummary { name: count.name, rows: count.rows, sha256: count.sha256 })
            .collect(),
        sha256: reader.digest(),
        bytes: reader.bytes,
    })
}

/// A backup that is read with its key.
pub(super) struct Opened<R> {
    reader: Reader<R>,
    pub(super) header: Header,
    /// Its tables.
    pub(super) tables: Vec<Table>,
    opener: Opener,
    beside: [u8; 32],
    digests: Vec<Digest>,
}

impl<R: Read> Opened<R> {
    /// Opens a backup.
    pub(super) fn new(file: R, masters: &[MasterKey]) -> Result<Self, Problem> {
        let (reader, header, beside) = Reader::open(file)?;
        let wrapped_under = |master: &MasterKey| {
            let fingerprint = master.fingerprint();
            header.keys.iter().find(|key| key.master_fingerprint == fingerprint)
        };
        let found = masters.iter().find_map(|master| Some((master, wrapped_under(master)?)));
        let (master, wrapped) = found.ok_or_else(|| {
            let held: Vec<_> = masters.iter().map(MasterKey::fingerprint).collect();
            let needed: Vec<_> = header.keys.iter().map(|key| key.master_fingerprint.as_str()).collect();
            Problem::invalid(
                "encryption.key",
                format!(
                    "the encryption key has fingerprint {}, but this backup needs the one with {}",
                    held.join(" and "),
                    needed.join(" or ")
                ),
            )
        })?;
        let uid: Uid = header.uid.parse().map_err(|_| damaged("its identity was changed"))?;
        let key =
            unwrap_key(master, uid, &wrapped.wrapped).map_err(|_| damaged("its key does not unwrap"))?;
        let opener = Opener::new(&key, &header.nonce_prefix).map_err(|_| damaged("its head was changed"))?;
        let tables =
            header.tables.iter().map(super::file::TableShape::table).collect::<Result<Vec<_>, _>>()?;
        let digests = vec![Digest::default(); tables.len()];
        Ok(Self { reader, header, tables, opener, beside, digests })
    }

    /// The next rows, and the number of their table; `None` at the end, once the seal is found right.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Vec<Row>)>, Problem> {
        loop {
            match self.reader.next()? {
                Frame::Rows { table, rows, head, sealed } => {
                    let aad = [&self.beside[..], &head].concat();
                    let lines = self.opener.open(&aad, &sealed, false).map_err(|_| {
                        let name = self.tables.get(table).map_or("?", |table| table.name.as_str());
                        damaged(&format!("a chunk of the table {name} was changed, moved, or left out"))
                    })?;
                    let digest = self.digests.get_mut(table).ok_or_else(|| damaged("a table too many"))?;
                    digest.update(&lines);
                    let found = read_lines(&lines)?;
                    if found.len() as u64 != rows {
                        return Err(damaged("a chunk has other rows than it says"));
                    }
                    return Ok(Some((table, found)));
                }
                Frame::Manifest(_) => {}
                Frame::Seal { aad, sealed } => {
                    let seal = self.opener.open(&aad, &sealed, true);
                    let seal = seal.map_err(|_| damaged("its seal does not fit what stands before it"))?;
                    let seal: Seal =
                        serde_json::from_slice(&seal).map_err(|_| damaged("its seal cannot be read"))?;
                    if seal.tables != self.digests() {
                        return Err(damaged("the rows are not those that were sealed"));
                    }
                    return match self.reader.next()? {
                        Frame::End => Ok(None),
                        _ => Err(damaged("something stands behind its seal")),
                    };
                }
                Frame::End => return Err(damaged("it has no seal")),
            }
        }
    }

    /// SHA-256 of the rows of each table so far, open.
    pub(super) fn digests(&self) -> Vec<(String, String)> {
        let names = self.tables.iter().map(|table| table.name.clone());
        names.zip(self.digests.iter().map(Digest::hex)).collect()
    }
}
