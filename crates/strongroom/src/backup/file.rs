//! The bytes of a backup file: a head, frames, and an end.

use std::io::Read;

use serde::{Deserialize, Serialize};
use strongroom_crypto::digest::Digest;
use strongroom_model::Problem;
use strongroom_store::backup::{Cell, Kind, Row, Table};

/// The first line of every backup. Its number moves when older programs could not read the file.
pub(super) const MAGIC: &[u8] = b"strongroom backup 1\n";

const ROWS: u8 = b'R';
const MANIFEST: u8 = b'M';
const SEAL: u8 = b'S';
const END: u8 = b'E';

/// Head of the file, in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) uid: String,
    pub(super) created_at_ms: i64,
    /// The version of the program that made it.
    pub(super) program: String,
    pub(super) database: String,
    /// The last migration of the schema.
    pub(super) schema: i64,
    pub(super) nonce_prefix: String,
    pub(super) keys: Vec<WrappedKey>,
    /// Every master under which the keys in the database are wrapped.
    pub(super) masters: Vec<String>,
    pub(super) audit_heads: Vec<AuditHead>,
    pub(super) tables: Vec<TableShape>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrappedKey {
    pub(super) master_fingerprint: String,
    pub(super) wrapped: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditHead {
    pub(super) chain_id: String,
    pub(super) seq: i64,
    pub(super) link: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TableShape {
    pub(super) name: String,
    /// Name and kind of each: `text`, `integer` or `boolean`.
    pub(super) columns: Vec<(String, String)>,
    /// How many of them are the primary key.
    pub(super) key: usize,
    /// The highest number given out, where the first column counts up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_number: Option<i64>,
}

/// Manifest behind the rows, in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) tables: Vec<TableCount>,
}

/// Shape of a table in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableCount {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) chunks: u64,
    /// SHA-256 of its frames, sealed as they are.
    pub(super) sha256: String,
}

/// Seal behind the manifest: SHA-256 of the plain rows of each table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    pub(super) tables: Vec<(String, String)>,
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
    }
}

impl TableShape {
    pub(super) fn of(table: &Table, last_number: Option<i64>) -> Self {
        let column = |(name, kind): &(String, Kind)| (name.clone(), kind_name(*kind).to_owned());
        let columns = table.columns.iter().map(column).collect();
        Self { name: table.name.clone(), columns, key: table.key, last_number }
    }

    pub(super) fn table(&self) -> Result<Table, Problem> {
        let column = |(name, kind): &(String, String)| {
            let kinds = [Kind::Text, Kind::Integer, Kind::Boolean];
            let kind = kinds.into_iter().find(|it| kind_name(*it) == kind);
            let kind = kind.ok_or_else(|| damaged("a column of a kind that there is not"))?;
            Ok::<_, Problem>((name.clone(), kind))
        };
        Ok(Table {
            name: self.name.clone(),
            columns: self.columns.iter().map(column).collect::<Result<_, _>>()?,
            key: self.key,
            counts_up: self.last_number.is_some(),
        })
    }
}

/// The problem of a file that is not as it was written.
pub(super) fn damaged(what: &str) -> Problem {
    Problem::integrity(format!(
        "the backup is damaged: {what}; take another copy of the file, or another backup"
    ))
}

/// A row as a line: a JSON array and a line feed.
pub(super) fn write_line(row: &Row, lines: &mut Vec<u8>) {
    let cell = |cell: &Cell| match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Text(text) => text.as_str().into(),
        Cell::Integer(number) => (*number).into(),
        Cell::Boolean(boolean) => (*boolean).into(),
    };
    let line = serde_json::Value::Array(row.iter().map(cell).collect());
    lines.extend_from_slice(line.to_string().as_bytes());
    lines.push(b'\n');
}

/// The rows of a chunk.
pub(super) fn read_lines(lines: &[u8]) -> Result<Vec<Row>, Problem> {
    let odd = || damaged("a row is not what strongroom writes");
    let cell = |value: serde_json::Value| match value {
        serde_json::Value::Null => Ok(Cell::Null),
        serde_json::Value::String(text) => Ok(Cell::Text(text)),
        serde_json::Value::Bool(boolean) => Ok(Cell::Boolean(boolean)),
        serde_json::Value::Number(number) => number.as_i64().map(Cell::Integer).ok_or_else(odd),
        _ => Err(odd()),
    };
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let read = |line: &[u8]| {
        let values: Vec<serde_json::Value> = serde_json::from_slice(line).map_err(|_| odd())?;
        values.into_iter().map(cell).collect()
    };
    lines.map(read).collect()
}

/// Puts a file together, piece by piece, and keeps its digest.
#[derive(Debug, Default)]
pub(super) struct Writer {
    whole: Digest,
}

impl Writer {
    fn put(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.whole.update(&bytes);
        bytes
    }

    /// The head of the file, and what is beside every chunk in its AAD.
    pub(super) fn head(&mut self, header: &[u8]) -> (Vec<u8>, [u8; 32]) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&length(header));
        bytes.extend_from_slice(header);
        let bytes = self.put(bytes);
        (bytes, self.whole.bytes())
    }

    pub(super) fn rows(&mut self, head: [u8; 11], sealed: &[u8]) -> Vec<u8> {
        self.put([&head, sealed].concat())
    }

    pub(super) fn manifest(&mut self, manifest: &[u8]) -> Vec<u8> {
        self.put([&[MANIFEST][..], &length(manifest), manifest].concat())
    }

    /// The head of the seal. The digest of all up to here is its AAD.
    pub(super) fn seal_head(&mut self, sealed_length: usize) -> (Vec<u8>, [u8; 32]) {
        let bytes = self.put([&[SEAL][..], &length_of(sealed_length)].concat());
        (bytes, self.whole.bytes())
    }

    pub(super) fn end(&mut self, sealed: &[u8]) -> Vec<u8> {
        let mut bytes = self.put([sealed, &[END]].concat());
        bytes.extend_from_slice(&self.whole.bytes());
        bytes
    }
}

fn length_of(bytes: usize) -> [u8; 4] {
    // A page of rows is far below 4 GiB; what were not would not verify.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

fn length(bytes: &[u8]) -> [u8; 4] {
    length_of(bytes.len())
}

/// The head of a frame of rows; part of its AAD.
pub(super) fn rows_head(table: usize, rows: usize, sealed_length: usize) -> [u8; 11] {
    let mut head = [0; 11];
    head[0] = ROWS;
    head[1..3].copy_from_slice(&u16::try_from(table).unwrap_or(u16::MAX).to_be_bytes());
    head[3..7].copy_from_slice(&length_of(rows));
    head[7..].copy_from_slice(&length_of(sealed_length));
    head
}

/// A piece of the file behind its head.
#[derive(Debug)]
pub(super) enum Frame {
    Rows {
        table: usize,
        rows: u64,
        head: [u8; 11],
        sealed: Vec<u8>,
    },
    Manifest(Vec<u8>),
    Seal {
        aad: [u8; 32],
        sealed: Vec<u8>,
    },
    /// The digest of the whole file is right, and nothing stands behind it.
    End,
}

/// Reads a file from its start to its end.
#[derive(Debug)]
pub(super) struct Reader<R> {
    inner: R,
    whole: Digest,
    pub(super) bytes: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the head; what is beside every chunk in its AAD comes with it.
    pub(super) fn open(inner: R) -> Result<(Self, Header, [u8; 32]), Problem> {
        let mut reader = Self { inner, whole: Digest::default(), bytes: 0 };
        let magic = reader.take(MAGIC.len()).unwrap_or_default();
        if reader.bytes == 0 && magic.is_empty() {
            return Err(damaged("it is empty"));
        }
        if magic != MAGIC {
            let is_newer = magic.starts_with(b"strongroom backup ");
            let what = if is_newer {
                "a backup of another version of strongroom"
            } else {
                "no backup of strongroom"
            };
            return Err(Problem::invalid("FILE", format!("the file is {what}")));
        }
        let header = reader.sized()?;
        let header = serde_json::from_slice(&header).map_err(|_| damaged("its head cannot be read"))?;
        let aad = reader.whole.bytes();
        Ok((reader, header, aad))
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, Problem> {
        // Read as it comes: a length that was changed does not ask for more memory than the file has bytes.
        let mut bytes = Vec::new();
        let read = (&mut self.inner).take(length as u64).read_to_end(&mut bytes).map_err(unreadable)?;
        self.bytes += read as u64;
        if read < length {
            return Err(damaged(&format!("it ends after {} bytes, in the middle", self.bytes)));
        }
        self.whole.update(&bytes);
        Ok(bytes)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let bytes = self.take(N)?;
        bytes.as_slice().try_into().map_err(|_| damaged("a number is cut"))
    }

    fn sized(&mut self) -> Result<Vec<u8>, Problem> {
        let length = u32::from_be_bytes(self.number()?);
        self.take(length as usize)
    }

    pub(super) fn next(&mut self) -> Result<Frame, Problem> {
        let at = self.bytes;
        match self.number::<1>()?[0] {
            ROWS => {
                let table: [u8; 2] = self.number()?;
                let rows: [u8; 4] = self.number()?;
                let length: [u8; 4] = self.number()?;
                let sealed = self.take(u32::from_be_bytes(length) as usize)?;
                let mut head = [ROWS; 11];
                head[1..3].copy_from_slice(&table);
                head[3..7].copy_from_slice(&rows);
                head[7..].copy_from_slice(&length);
                let (table, rows) = (u16::from_be_bytes(table).into(), u32::from_be_bytes(rows).into());
                Ok(Frame::Rows { table, rows, head, sealed })
            }
            MANIFEST => Ok(Frame::Manifest(self.sized()?)),
            SEAL => {
                let length = u32::from_be_bytes(self.number()?);
                let aad = self.whole.bytes();
                Ok(Frame::Seal { aad, sealed: self.take(length as usize)? })
            }
            END => {
                let digest = self.whole.bytes();
                if self.take(32)? != digest {
                    return Err(damaged("its digest is not that of its bytes"));
                }
                let mut more = Vec::new();
                (&mut self.inner).take(1).read_to_end(&mut more).map_err(unreadable)?;
                if more.is_empty() { Ok(Frame::End) } else { Err(damaged("something stands behind its end")) }
            }
            _ => Err(damaged(&format!("at byte {at} stands what strongroom does not write"))),
        }
    }

    /// The digest of all that was read.
    pub(super) fn digest(&self) -> String {
        self.whole.hex()
    }
}

fn unreadable(error: std::io::Error) -> Problem {
    Problem::internal(format!("the backup cannot be read: {error}"))
}
