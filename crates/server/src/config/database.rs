//! Section `database`: which one, how many connections, and who changes its schema.

use std::path::Path;

use super::database_url::DatabaseUrl;
use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Its address.
    pub url: DatabaseUrl,
    /// Most connections that a pool may hold; at least 1.
    pub max_connections: u32,
    /// True when `serve` brings the schema up to date by itself.
    pub migrate: bool,
}

const URL: Setting = Setting {
    section: "database",
    key: "url",
    variables: &["STRONGROOM_DATABASE_URL", "DATABASE_URL"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule("`sqlite:<data_dir>/strongroom.db`"),
    sample: r#"url = "postgres://strongroom@db.internal/strongroom?sslmode=verify-full""#,
    doc: "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or another form of the list above; a secret, as it may hold a password.",
    show: |config| config.database.url.to_string(),
};

const MAX_CONNECTIONS: Setting = Setting {
    section: "database",
    key: "max_connections",
    variables: &["STRONGROOM_DATABASE_MAX_CONNECTIONS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("10"),
    sample: "max_connections = 10",
    doc: "How many connections to the database one process holds at the most.",
    show: |config| config.database.max_connections.to_string(),
};

const MIGRATE: Setting = Setting {
    section: "database",
    key: "migrate",
    variables: &["STRONGROOM_DATABASE_MIGRATE"],
    flag: Some("--no-migrate"),
    kind: ValueKind::Flag,
    default: DefaultValue::Value("true"),
    sample: "migrate = true",
    doc: "Whether `serve` brings the schema up to date; with `false`, run `strongroom migrate` as the owner first.",
    show: |config| config.database.migrate.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[URL, MAX_CONNECTIONS, MIGRATE];

pub(super) fn read(reader: &mut Reader<'_>, data_dir: Option<&Path>) -> Option<DatabaseConfig> {
    let url = if reader.is_set(&URL) {
        reader.read(&URL, DatabaseUrl::parse)
    } else {
        // Without a data directory there is a problem already, and it is about that one.
        data_dir.and_then(|folder| reader.checked(DatabaseUrl::sqlite(&folder.join("strongroom.db"))))
    };
    if let Some(url) = &url {
        for parameter in url.ignored_parameters() {
            reader.warning(format!(
                "the database URL has a parameter `{parameter}` that is not known; it is ignored"
            ));
        }
    }
    let max_connections = reader.read(&MAX_CONNECTIONS, |text, _| whole_number(text, 1..=10_000));
    let migrate = reader.flag(&MIGRATE);
    Some(DatabaseConfig { url: url?, max_connections: max_connections?, migrate: migrate? })
}
