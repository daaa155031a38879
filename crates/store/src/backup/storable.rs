//! Rows of a backup that was made before text was bounded on its way into the ledger: as either database can store them.
//!
//! SQLite took any text for a model. PostgreSQL stores no NUL, and no text of thousands of bytes in a key. What the migration is
//! going to bring within bounds only has to get as far as there; this is the one place where it is made to.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use strongroom_model::LedgerText;

use super::{Cell, Row, Table};
use crate::session::Backend;

/// Tables of the ledger whose text came from outside, and how their rows are told: the audit trail has a chain over its text, and
/// whatever else there is was checked on its way in.
const TABLES: [&str; 4] = ["usage_records", "usage_contexts", "usage_lines", "usage_days"];

/// The rows, or what can be stored of them.
pub(super) fn rows<'a>(backend: Backend, table: &Table, rows: &'a [Row]) -> Cow<'a, [Row]> {
    let is_odd = |row: &Row| {
        let mut cells = row.iter().zip(&table.columns);
        cells.any(|(cell, (column, _))| storable(backend, column, cell).is_some())
    };
    if !TABLES.contains(&table.name.as_str()) || !rows.iter().any(is_odd) {
        return Cow::Borrowed(rows);
    }
    let mend = |row: &Row| {
        let cells = row.iter().zip(&table.columns);
        cells
            .map(|(cell, (column, _))| storable(backend, column, cell).unwrap_or_else(|| cell.clone()))
            .collect()
    };
    Cow::Owned(rows.iter().map(mend).collect())
}

/// Returns the value to store in place of a cell; `None` for the cell itself.
fn storable(backend: Backend, column: &str, cell: &Cell) -> Option<Cell> {
    let Cell::Text(text) = cell else { return None };
    let has_nul = text.contains('\0');
    match column {
        "model" => {
            let is_odd = has_nul || text.len() > LedgerText::MAX_BYTES;
            is_odd.then(|| Cell::Text(stand_in(text)))
        }
        "raw_usage" | "request_id" => has_nul.then_some(Cell::Null),
        _ => (has_nul && backend == Backend::Postgres).then(|| Cell::Text(text.replace('\0', "?"))),
    }
}

/// No name either, so that the migration sums it up with all the others that are none; but one that no other text has, so that rows
/// which are told apart by it stay so until then.
fn stand_in(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    digest.iter().fold(String::from("\u{1}"), |all, byte| format!("{all}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Kind;

    #[test]
    fn what_cannot_be_stored_is_told_apart_all_the_same_and_nothing_else_is_touched() {
        let columns = ["uid", "actor", "model", "raw_usage"].map(|name| (name.to_owned(), Kind::Text));
        let table =
            Table { name: "usage_contexts".to_owned(), columns: columns.into(), key: 1, counts_up: false };
        let row = |cells: [&str; 4]| -> Row { cells.map(|cell| Cell::Text(cell.to_owned())).into() };
        let good = [row(["a", "local:zo\u{eb}", &"m".repeat(128), "{}"]), vec![Cell::Null; 4]];
        let long = "m".repeat(3_000);
        let odd = [row(["a", "b\0", "a\0b", "{\0}"]), row(["b", "b", &long, "{}"]), good[0].clone()];
        for backend in [Backend::Sqlite, Backend::Postgres] {
            assert!(matches!(rows(backend, &table, &good), Cow::Borrowed(_)));
            let mended = rows(backend, &table, &odd);
            assert_eq!(mended[2], good[0]);
            assert_eq!((&mended[0][3], &mended[1][3]), (&Cell::Null, &odd[1][3]));
            let models: Vec<_> = mended.iter().map(|row| row[2].clone()).collect();
            assert_ne!(models[0], models[1]);
            for model in &models[..2] {
                let Cell::Text(model) = model else { panic!("{model:?}") };
                assert!(
                    model.len() < 100 && !model.contains('\0') && LedgerText::named(model).is_none(),
                    "{model:?}"
                );
            }
        }
        assert_eq!(rows(Backend::Postgres, &table, &odd)[0][1], Cell::Text("b?".to_owned()));
        let other = Table { name: "audit_logs".to_owned(), ..table };
        assert!(matches!(rows(Backend::Postgres, &other, &odd), Cow::Borrowed(_)));
    }
}
