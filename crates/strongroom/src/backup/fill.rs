//! The rows of a backup on their way into tables: the file is read twice, and all of it goes into one transaction.

use std::io::{Read, Seek, SeekFrom};

use strongroom_model::Problem;
use strongroom_store::backup::{self, Row};
use strongroom_store::schema::RESTORE;
use strongroom_store::{Store, Write, meta};

use super::contents::Opened;
use super::{Step, Watcher};

pub(super) fn rewind(file: &mut impl Seek) -> Result<(), Problem> {
    let done = file.seek(SeekFrom::Start(0));
    done.map(|_| ()).map_err(|error| Problem::internal(format!("the backup cannot be read again: {error}")))
}

/// Puts every row where it was, in one transaction, in place of what an attempt before may have left.
pub(super) async fn fill(
    store: &Store,
    opened: &mut Opened<impl Read>,
    attempt: Option<&str>,
    watch: Watcher<'_>,
) -> Result<(), Problem> {
    let mut tx = store.write().await?;
    for table in opened.tables.iter().rev() {
        backup::clear(&mut tx, table).await?;
    }
    let mut rows: u64 = 0;
    watch(Step::Filling { rows })?;
    while let Some((table, found)) = opened.next()? {
        let table = &opened.tables[table];
        insert(&mut tx, table, &found).await?;
        rows += found.len() as u64;
        watch(Step::Filling { rows })?;
    }
    for (table, shape) in opened.tables.iter().zip(&opened.header.tables) {
        if let Some(last) = shape.last_number {
            backup::count_from(&mut tx, table, last).await?;
        }
    }
    if let Some(attempt) = attempt {
        meta::claim(&mut tx, RESTORE, attempt).await?;
    }
    Ok(tx.commit().await?)
}

async fn insert(tx: &mut Write, table: &backup::Table, rows: &[Row]) -> Result<(), Problem> {
    let done = backup::insert(tx, table, rows).await;
    done.map_err(|error| {
        Problem::internal(format!("rows of the table {} cannot be restored", table.name)).caused_by(error)
    })
}
