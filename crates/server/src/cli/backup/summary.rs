//! Summary of a backup.

use serde::Serialize;
use strongroom::backup::{Contents, Proof};

use crate::cli::output::Table;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Summary {
    backup: String,
    created_at: String,
    database: String,
    schema: i64,
    masters: Vec<String>,
    bytes: u64,
    sha256: String,
    tables: Vec<TableLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofLine>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TableLine {
    name: String,
    rows: u64,
    /// Of the sealed bytes, in this file.
    sha256: String,
    /// Of the rows themselves: the same in every backup with the same rows. Known with the master key only.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_sha256: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofLine {
    credentials: u64,
    sealed_texts: u64,
    tokens: u64,
    users: u64,
    audit_entries: u64,
    faults: Vec<String>,
}

impl Summary {
    pub(in crate::cli) fn of(contents: &Contents) -> Self {
        let tables = contents.tables.iter();
        let line = |table: &strongroom::backup::TableSummary| TableLine {
            name: table.name.clone(),
            rows: table.rows,
            sha256: table.sha256.clone(),
            content_sha256: None,
        };
        Self {
            backup: contents.uid.clone(),
            created_at: contents.created_at.to_string(),
            database: contents.database.clone(),
            schema: contents.schema,
            masters: contents.masters.clone(),
            bytes: contents.bytes,
            sha256: contents.sha256.clone(),
            tables: tables.map(line).collect(),
            proof: None,
        }
    }

    pub(in crate::cli) fn proven(contents: &Contents, proof: &Proof) -> Self {
        let mut summary = Self::of(contents);
        for line in &mut summary.tables {
            let found = proof.tables.iter().find(|(name, _)| *name == line.name);
            line.content_sha256 = found.map(|(_, digest)| digest.clone());
        }
        summary.proof = Some(ProofLine {
            credentials: proof.credentials,
            sealed_texts: proof.values,
            tokens: proof.tokens,
            users: proof.users,
            audit_entries: proof.audit_entries,
            faults: proof.faults.clone(),
        });
        summary
    }
}

/// The tables and their rows, and what is known of the whole.
pub(in crate::cli) fn table(summary: &Summary) -> Table {
    let mut table = Table::new(["what", "is"]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("backup", summary.backup.clone());
    row("made at", summary.created_at.clone());
    row("of", format!("{}, schema {}", summary.database, summary.schema));
    row("bytes", summary.bytes.to_string());
    row("sha256", summary.sha256.clone());
    for line in &summary.tables {
        row(&line.name, format!("{} rows", line.rows));
    }
    if let Some(proof) = &summary.proof {
        row("opened", format!("{} sealed texts of {} credentials", proof.sealed_texts, proof.credentials));
        row(
            "verified",
            format!("{} tokens, {} users, {} audit entries", proof.tokens, proof.users, proof.audit_entries),
        );
        for fault in &proof.faults {
            row("FAULT", fault.clone());
        }
    }
    table
}
