//! Databases from anywhere in the place of the original's: read or refused, never changed, and nothing in them is taken
//! for what it is not.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};
use strongroom_model::Millis;
use strongroom_store::legacy_source::{LegacyRow, LegacySource, LegacySourceError};

/// The most rows that are read of one file: a damaged tree may seem to have more than fit into it.
const MOST_ROWS: usize = 10_000;

/// The table with the columns of every generation.
const TABLE: &str = "CREATE TABLE api_credentials (id INTEGER PRIMARY KEY, name, provider, api_key, api_secret, \
                     endpoint, priority, is_active, is_global, user_id, rate_limit, usage_count, \
                     current_month_usage, last_used, created_at, updated_at, organization_id, configuration, \
                     daily_limit, monthly_limit, created_by)";

const INSERT: &str = "INSERT INTO api_credentials VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                      $14, $15, $16, $17, $18, $19, $20)";

const CELLS: usize = 20;

/// What begins with SQLite's mark is a file, the rest cells of one row with a byte 0xff between them.
pub(crate) async fn foreign(data: &[u8]) {
    match data.starts_with(b"SQLite format 3\0") {
        true => file(data).await,
        false => row(data).await,
    }
}

/// A file: read as far as it goes, or refused, and left alone either way.
async fn file(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("app.db");
    std::fs::write(&path, data).expect("a file");
    let before = listing(directory.path());
    // An error is as good an outcome as rows: it names what is wrong with the file.
    let (Ok(()) | Err(_)) = read(&path).await.map(|rows| rows.iter().for_each(check));
    assert_eq!(listing(directory.path()), before, "reading left a trace");
}

async fn read(path: &Path) -> Result<Vec<LegacyRow>, LegacySourceError> {
    let mut source = LegacySource::open(path.to_str().expect("a plain path")).await?;
    let mut rows: Vec<LegacyRow> = Vec::new();
    loop {
        let page = source.next_page(3).await?;
        assert!(page.len() <= 3 && rows.len() < MOST_ROWS, "{} rows", rows.len());
        if page.is_empty() {
            break;
        }
        let ids: Vec<i64> = rows.last().into_iter().chain(&page).map(|row| row.id).collect();
        assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");
        rows.extend(page);
    }
    source.close().await?;
    Ok(rows)
}

/// Every file of a directory with its bytes.
fn listing(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries =
        std::fs::read_dir(directory).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file"))).collect()
}

/// Whatever was read can be written down.
fn check(row: &LegacyRow) {
    for at in [row.last_used, row.created_at, row.updated_at].into_iter().flatten() {
        assert_eq!(Millis::parse(&at.to_string()).ok(), Some(at), "{at:?}");
    }
    let printed = format!("LegacyRow {{ id: {:?}, name: {:?}, .. }}", row.id, row.name);
    assert_eq!(format!("{row:?}"), printed, "sealed texts and configurations are not printed");
}

/// One row: its texts come back to the byte, and what cannot be read is named and left out.
async fn row(data: &[u8]) {
    let mut cells: Vec<Option<&[u8]>> =
        data.split(|byte| *byte == 0xff).take(CELLS).map(|cell| (cell != b"\0").then_some(cell)).collect();
    cells.resize(CELLS, None);
    let directory = tempfile::tempdir().expect("a folder");
    let path = directory.path().join("app.db");
    write(&path, &cells).await;
    let rows = read(&path).await.expect("a sound database");
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    check(row);

    let text = |place: usize| cells[place].and_then(|cell| std::str::from_utf8(cell).ok());
    let filled = |place: usize| text(place).filter(|text| !text.is_empty());
    let texts = [
        (row.name.as_deref(), text(0)),
        (row.provider.as_deref(), text(1)),
        (row.api_key.as_deref(), filled(2)),
        (row.api_secret.as_deref(), filled(3)),
        (row.endpoint.as_deref(), filled(4)),
        (row.organization_id.as_deref(), filled(15)),
        (row.configuration.as_deref(), filled(16)),
        (row.created_by.as_deref(), filled(19)),
    ];
    texts.iter().for_each(|(read, written)| assert_eq!(read, written));
    let numbers = [
        ("priority", row.priority, 5),
        ("user_id", row.user_id, 8),
        ("rate_limit", row.minute_limit, 9),
        ("usage_count", row.usage_count, 10),
        ("current_month_usage", row.current_month_usage, 11),
        ("daily_limit", row.daily_limit, 17),
        ("monthly_limit", row.monthly_limit, 18),
    ];
    for (column, read, place) in numbers {
        let is_named = row.unreadable.contains(&column);
        match text(place).map(str::trim).and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => assert_eq!((read, is_named), (Some(number), false), "{column}"),
            // Else a number with a point or an exponent, which stands for itself, or nothing.
            None => assert!(!(read.is_some() && is_named), "{column}"),
        }
        let is_written = cells[place].is_some_and(|cell| !cell.is_empty());
        assert!(read.is_some() || is_named || !is_written, "{column} is neither read nor named");
    }
    for (column, read, place) in [("is_active", row.is_active, 6), ("is_global", row.is_global, 7)] {
        let is_written = cells[place].is_some_and(|cell| !cell.is_empty());
        assert_eq!(row.unreadable.contains(&column), read.is_none() && is_written, "{column}");
    }
}

async fn write(path: &Path, cells: &[Option<&[u8]>]) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).page_size(512);
    let options = options.journal_mode(SqliteJournalMode::Off);
    let mut connection: SqliteConnection = options.connect().await.expect("a new file");
    sqlx::raw_sql(TABLE).execute(&mut connection).await.expect("the table");
    let row = cells.iter().fold(sqlx::query(INSERT), |row, cell| {
        match cell.map(|cell| std::str::from_utf8(cell).map_err(|_| cell)) {
            None => row.bind(None::<String>),
            Some(Ok(text)) => row.bind(text.to_owned()),
            Some(Err(bytes)) => row.bind(bytes.to_vec()),
        }
    });
    row.execute(&mut connection).await.expect("a row");
    connection.close().await.expect("the file is written");
}
