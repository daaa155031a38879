//! URLs of PostgreSQL: as libpq defines them, and with what SQLAlchemy, Django, Prisma and node-postgres add.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>

use strongroom_model::Secret;
use url::Url;

use super::{DatabaseKind, DatabaseUrl, FORMS};

/// Parameters that sqlx knows in a PostgreSQL URL (its `PgConnectOptions`). It writes the values of others to the
/// log, so that they are taken out here.
const PARAMETERS: &[&str] = &[
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

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

const SEVERAL_HOSTS: &str = "the URL names several hosts, and one is connected to; write postgres:// with one of them, or \
                             with a proxy or a name that leads to the primary";

/// Reads what follows the scheme and its colon.
pub(super) fn parse(rest: &str) -> Result<DatabaseUrl, String> {
    let rest =
        rest.strip_prefix("//").ok_or_else(|| format!("`//` is missing behind the scheme; {FORMS}"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    // With one of these left bare in a password, the rest of it would be read as a host, a path or a parameter, and
    // be shown as such.
    if tail.contains('@') || tail.contains('#') {
        return Err(
            "there is an `@` or `#` behind the host; in a user name, a password or a parameter write `%40` for `@`, \
             `%23` for `#`, `%2F` for `/` and `%3F` for `?`"
                .to_owned(),
        );
    }
    let (who, host) = authority.rsplit_once('@').map_or((None, authority), |(who, host)| (Some(who), host));
    if host.contains(',') {
        return Err(SEVERAL_HOSTS.to_owned());
    }
    // A host that is an address of IPv6 stands in brackets; what else has a second colon has a bare one in it.
    if !host.starts_with('[') && host.matches(':').count() > 1 {
        return Err(format!(
            "the host has more than one `:`; write an address of IPv6 in brackets, and {FORMS}"
        ));
    }
    // The parser of URLs wants a host behind a user; libpq does not. User and password move into parameters then.
    let text = match who {
        Some(who) if host.is_empty() || host.starts_with(':') => without_host(who, host, tail),
        _ => format!("postgres://{authority}{tail}"),
    };
    // Its message names a part of the URL and quotes none of it.
    let url = Url::parse(&text).map_err(|error| format!("this is not a valid URL ({error}); {FORMS}"))?;
    let (kept, ignored) = parameters(&url)?;
    let given: Vec<(String, String)> = pairs(&url);
    let text = if kept == given { text } else { with_parameters(&url, &kept) };
    let mut shown = url;
    // Fails only without a host, and then there is no password either.
    if shown.password().is_some() && shown.set_password(Some("****")).is_err() {
        return Err(FORMS.to_owned());
    }
    let masked: Vec<_> = kept
        .into_iter()
        .map(|(name, value)| {
            let value = if name == "password" { "****".to_owned() } else { value };
            (name, value)
        })
        .collect();
    let shown = with_parameters(&shown, &masked);
    Ok(DatabaseUrl { kind: DatabaseKind::Postgres, text: Secret::new(text), shown, path: None, ignored })
}

/// The URL with user, password and port as parameters.
fn without_host(who: &str, host: &str, tail: &str) -> String {
    let (path, query) = tail.split_once('?').map_or((tail, ""), |(path, query)| (path, query));
    let (user, password) = who.split_once(':').map_or((who, None), |(user, password)| (user, Some(password)));
    // In a query a plus sign is a blank; in front of a host it is itself.
    let plain = |text: &str| text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let mut parts = Vec::new();
    parts.extend((!user.is_empty()).then(|| format!("user={}", plain(user))));
    parts.extend(password.map(|password| format!("password={}", plain(password))));
    parts.extend(host.strip_prefix(':').filter(|port| !port.is_empty()).map(|port| format!("port={port}")));
    parts.extend((!query.is_empty()).then(|| query.to_owned()));
    let path = if path.is_empty() { "/" } else { path };
    let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
    format!("postgres://{path}{query}")
}

/// The parameters of a URL; in the values of user and password a plus sign is itself, as for libpq.
fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

type Kept = (Vec<(String, String)>, Vec<String>);

/// The parameters for the driver, translated where others say the same in other words, and the names of those that
/// nobody knows.
fn parameters(url: &Url) -> Result<Kept, String> {
    let (mut kept, mut ignored) = (Vec::new(), Vec::new());
    let has_mode = url.query_pairs().any(|(name, _)| name == "sslmode" || name == "ssl-mode");
    let mut is_system = false;
    for (name, value) in pairs(url) {
        match name.as_str() {
            "sslmode" | "ssl-mode" if !SSL_MODES.contains(&value.to_ascii_lowercase().as_str()) => {
                return Err(format!(
                    "`sslmode` is none that there is; write one of {}",
                    SSL_MODES.join(", ")
                ));
            }
            // node-postgres, asyncpg and JDBC.
            "ssl" | "tls" => match value.to_ascii_lowercase().as_str() {
                _ if has_mode => {}
                "true" | "1" | "on" | "require" => kept.push(("sslmode".to_owned(), "require".to_owned())),
                "false" | "0" | "off" | "disable" => kept.push(("sslmode".to_owned(), "disable".to_owned())),
                mode if SSL_MODES.contains(&mode) => kept.push(("sslmode".to_owned(), mode.to_owned())),
                _ => {
                    return Err(
                        "`ssl` is neither yes nor no; write `sslmode=require` or `sslmode=verify-full`"
                            .to_owned(),
                    );
                }
            },
            // Without a file the system's authorities hold, which is what libpq means by this.
            "sslrootcert" | "ssl-root-cert" if value == "system" => is_system = true,
            "host" | "hostaddr" if value.contains(',') => return Err(SEVERAL_HOSTS.to_owned()),
            "port" if value.parse::<u16>().is_err() => {
                return Err(format!("`port` is no number of a port; {FORMS}"));
            }
            // Prisma's name for what PostgreSQL calls the search path.
            "schema" if value == "public" => {}
            "schema" | "search_path" => {
                return Err(
                    "another schema than `public` is not chosen by the URL; leave `schema` out, and write it into the \
                     role: ALTER ROLE … SET search_path = …"
                        .to_owned(),
                );
            }
            // Prisma's name for a pooler that gives each transaction another connection.
            "pgbouncer" => match value.to_ascii_lowercase().as_str() {
                "true" | "1" | "on" | "yes" => kept.push((name, "true".to_owned())),
                "false" | "0" | "off" | "no" => {}
                _ => return Err("`pgbouncer` is neither yes nor no; write `pgbouncer=true`".to_owned()),
            },
            known if PARAMETERS.contains(&known) || known.starts_with("options[") => kept.push((name, value)),
            _ => ignored.push(name),
        }
    }
    let mode = kept.iter().rev().find(|(name, _)| name == "sslmode" || name == "ssl-mode");
    if is_system && mode.is_none_or(|(_, mode)| mode != "verify-full") {
        return Err("`sslrootcert=system` needs `sslmode=verify-full`; write both".to_owned());
    }
    Ok((kept, ignored))
}

/// The URL with these parameters and no others.
fn with_parameters(url: &Url, parameters: &[(String, String)]) -> String {
    let mut url = url.clone();
    url.set_query(None);
    if !parameters.is_empty() {
        let mut encoder = url::form_urlencoded::Serializer::new(String::new());
        url.set_query(Some(&encoder.extend_pairs(parameters).finish()));
    }
    url.into()
}
