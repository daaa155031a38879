//! Where the database is: a URL that may hold a password and never shows it.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use strongroom_model::Secret;
use url::Url;

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

/// What would end the path in a `sqlite:` URL, or be taken for an escape.
const IN_SQLITE_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// Parameters that sqlx knows in a PostgreSQL URL (its `PgConnectOptions`). It writes the values of others to the
/// log, so that they are taken out here.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

impl DatabaseUrl {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`; a relative path starts at `folder`.
    ///
    /// # Errors
    /// What is wrong and the mend, never any part of the text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => Self::parse_sqlite(rest, folder),
            "postgres" | "postgresql" => Self::parse_postgres(text),
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
        let url = format!("sqlite:{}", utf8_percent_encode(text, IN_SQLITE_PATH));
        Ok(Self::of_sqlite(url, path.to_path_buf()))
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

    fn parse_sqlite(rest: &str, folder: &Path) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = rest.split_once('?').map_or((rest, None), |(path, rest)| (path, Some(rest)));
        let in_memory = path == ":memory:"
            || parameters.is_some_and(|text| text.split('&').any(|parameter| parameter == "mode=memory"));
        if in_memory {
            return Err(format!(
                "a database in memory forgets every credential when the process ends; {FORMS}"
            ));
        }
        if path.is_empty() {
            return Err(format!("the path of the SQLite database is missing; {FORMS}"));
        }
        let decoded = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| "the path of the SQLite database is not text in UTF-8; choose another".to_owned())?;
        let mut url = Self::sqlite(&folder.join(&*decoded))?;
        if let Some(parameters) = parameters {
            let text = format!("{}?{parameters}", url.text.expose());
            url.shown.clone_from(&text);
            url.text = Secret::new(text);
        }
        Ok(url)
    }

    fn parse_postgres(text: &str) -> Result<Self, String> {
        let authority = text.split_once("://").map(|(_, rest)| rest).ok_or(FORMS)?;
        // With one of these left bare in a password, the rest of it would be read as a host, a path or a parameter, and
        // be shown as such.
        let misread = authority
            .find(['/', '?', '#'])
            .is_some_and(|end| authority[end..].contains('@') || authority[end..].contains('#'));
        let misread = misread.then(|| {
            "there is an `@` or `#` behind the host; in a user name or password write `%40` for `@`, `%23` for `#`, `%2F` \
             for `/` and `%3F` for `?`"
                .to_owned()
        });
        let url = match (Url::parse(text), misread) {
            (_, Some(reason)) => return Err(reason),
            // Its message names a part of the URL and quotes none of it.
            (Err(error), None) => return Err(format!("this is not a valid URL ({error}); {FORMS}")),
            (Ok(url), None) => url,
        };
        let is_known = |name: &str| POSTGRES_PARAMETERS.contains(&name) || name.starts_with("options[");
        let ignored: Vec<String> =
            url.query_pairs().map(|(name, _)| name.into_owned()).filter(|name| !is_known(name)).collect();
        let text = if ignored.is_empty() {
            Secret::from(text)
        } else {
            Secret::new(with_parameters(&url, |name, value| is_known(name).then(|| value.to_owned())))
        };
        let mut shown = url;
        // Fails only without a host, and then there is no password either.
        if shown.password().is_some() && shown.set_password(Some("****")).is_err() {
            return Err(FORMS.to_owned());
        }
        let shown = with_parameters(&shown, |name, value| {
            is_known(name).then(|| if name == "password" { "****".to_owned() } else { value.to_owned() })
        });
        Ok(Self { kind: DatabaseKind::Postgres, text, shown, path: None, ignored })
    }

    /// Which database it is.
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

/// The URL with the parameters that `keep` gives back.
fn with_parameters(url: &Url, keep: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut url = url.clone();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(name, value)| Some((name.to_string(), keep(&name, &value)?)))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        let mut encoder = url::form_urlencoded::Serializer::new(String::new());
        url.set_query(Some(&encoder.extend_pairs(kept).finish()));
    }
    url.into()
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
