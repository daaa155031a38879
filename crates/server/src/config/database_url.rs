//! Address of the database: a URL that may hold a password and never shows it.

mod postgres;
mod sqlite;
#[cfg(test)]
mod table;

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::utf8_percent_encode;
use strongroom_model::Secret;

/// The databases that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// A file on this machine.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// The URL of a database. `Debug` and `Display` show it with `****` in place of a password.
#[derive(Clone)]
pub struct DatabaseUrl {
    kind: DatabaseKind,
    text: Secret,
    shown: String,
    path: Option<PathBuf>,
    ignored: Vec<String>,
}

const FORMS: &str = "write sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// Names by which SQLAlchemy, Django, Go and Node call PostgreSQL; each may be followed by `+` and a driver.
const POSTGRES_SCHEMES: [&str; 6] = ["postgres", "postgresql", "postgis", "pgsql", "timescale", "psql"];

impl DatabaseUrl {
    /// Reads the URL of a database as sqlx, libpq, SQLAlchemy, Django and Prisma write it; `docs/configuration.md` lists
    /// the forms. A relative path starts at `folder`.
    ///
    /// # Errors
    /// A sentence with the fault and the remedy, never any part of the text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        // Container tools hand on the quotes of an environment file.
        let text = text.trim();
        let text = ['"', '\'']
            .iter()
            .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
            .unwrap_or(text);
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let (name, driver) =
            scheme.split_once('+').map_or((scheme.as_str(), None), |(name, it)| (name, Some(it)));
        match name {
            "sqlite" | "sqlite3" => sqlite::parse(rest, driver.is_some(), folder),
            "file" => sqlite::parse_file(rest, folder),
            "jdbc" => Err(format!("this is a URL of JDBC; leave `jdbc:` out, and {FORMS}")),
            name if POSTGRES_SCHEMES.contains(&name) => postgres::parse(rest),
            _ => Err(format!("this is not the URL of a database that is supported; {FORMS}")),
        }
    }

    /// The SQLite database in this file.
    ///
    /// # Errors
    /// When the path is not text in UTF-8.
    pub fn sqlite(path: &Path) -> Result<Self, String> {
        let text = path.to_str().ok_or_else(|| {
            format!(
                "the path of the database, {}, is not text in UTF-8; choose another folder",
                path.display()
            )
        })?;
        if text.contains('\0') {
            return Err("the path of the database holds a NUL character; choose another".to_owned());
        }
        // Two slashes at the start would be read as the start of a host, and the rest as a relative path.
        let text = match text.strip_prefix('/') {
            Some(rest) => format!("/{}", rest.trim_start_matches('/')),
            None => text.to_owned(),
        };
        let url = format!("sqlite:{}", utf8_percent_encode(&text, sqlite::IN_PATH));
        Ok(Self::of_sqlite(url, PathBuf::from(text)))
    }

    fn of_sqlite(url: String, path: PathBuf) -> Self {
        Self {
            kind: DatabaseKind::Sqlite,
            shown: url.clone(),
            text: Secret::new(url),
            path: Some(path),
            ignored: Vec::new(),
        }
    }

    /// Kind of the database.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// The URL as it is, for sqlx. With a password, when there is one.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The absolute path of an SQLite database.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Names of parameters that nobody knows; they are not in the URL any more.
    #[must_use]
    pub fn ignored_parameters(&self) -> &[String] {
        &self.ignored
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::parse(text, Path::new("/srv/app"))
    }

    #[test]
    fn an_sqlite_path_is_absolute_and_comes_back_whole() {
        for (text, path, url) in [
            ("sqlite:a.db", "/srv/app/a.db", "sqlite:/srv/app/a.db"),
            ("sqlite://a/b.db", "/srv/app/a/b.db", "sqlite:/srv/app/a/b.db"),
            ("sqlite:///x/y.db?mode=rwc", "/x/y.db", "sqlite:/x/y.db?mode=rwc"),
            ("sqlite:/x/a%3Fb.db", "/x/a?b.db", "sqlite:/x/a%3Fb.db"),
            ("SQLite:/x/ü 1.db", "/x/ü 1.db", "sqlite:/x/%C3%BC 1.db"),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.kind(), DatabaseKind::Sqlite);
            assert_eq!(parsed.sqlite_path(), Some(Path::new(path)), "{text}");
            assert_eq!((parsed.expose(), parsed.to_string().as_str()), (url, url), "{text}");
        }
        let odd = Path::new("/x/50%?#.db");
        let url = DatabaseUrl::sqlite(odd).unwrap();
        assert_eq!(parse(url.expose()).unwrap().sqlite_path(), Some(odd));
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://app:canary@db/strongroom",
            "postgresql://app:can%40ary-canary@db:5433/strongroom?sslmode=verify-full",
            "postgres://app:x@canary@db/strongroom",
            "postgres://db/strongroom?user=app&password=canary",
            "postgres://db/strongroom?sslpassword=canary&sslmode=require",
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.kind(), DatabaseKind::Postgres);
            let printed = format!("{url} {url:?} {:?}", Some(&url));
            assert!(!printed.contains("canary") && printed.contains("strongroom"), "{printed}");
        }
        let url = parse("postgres://app:canary@db:5433/strongroom?sslmode=require").unwrap();
        assert_eq!(url.expose(), "postgres://app:canary@db:5433/strongroom?sslmode=require");
        assert_eq!(url.to_string(), "postgres://app:****@db:5433/strongroom?sslmode=require");
    }

    #[test]
    fn parameters_that_sqlx_would_write_to_the_log_are_taken_out() {
        let url =
            parse("postgres://db/x?channel_binding=require&sslmode=require&sslpassword=canary").unwrap();
        assert_eq!(url.expose(), "postgres://db/x?sslmode=require");
        assert_eq!(url.ignored_parameters(), ["channel_binding", "sslpassword"]);
    }

    #[test]
    fn errors_name_the_forms_and_never_the_text() {
        for text in [
            "canary",
            "canary://x",
            "mysql://app:canary@db/x",
            "file:canary.db",
            "postgres:canary",
            "postgres://app:can/canary@db/x",
            "postgres://app:1/canary@db/x",
            "postgres://app:1?canary@db/x",
            "postgres://app:1#canary@db/x",
            "postgres://app:canary#1@db/x",
            "postgres://app:canary@db:port/x",
            "postgres://app:canary@[::1/x",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("canary") && error.contains("write"), "{text}: {error}");
        }
        for text in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite://:memory:", "sqlite:x?mode=memory"] {
            assert!(parse(text).unwrap_err().contains("sqlite:PATH"), "{text}");
        }
    }
}
