//! Every form of a database URL that programs and providers write, with what becomes of it.

use std::path::Path;

use super::*;

/// Accepted as a file, as a URL of PostgreSQL, or refused with a word of the remedy.
enum Is {
    File(&'static str),
    Server(&'static str),
    Refused(&'static str),
}

use Is::{File, Refused, Server};

const TABLE: &[(&str, Is)] = &[
    // sqlx, SQLite
    ("sqlite:a.db", File("/srv/app/a.db")),
    ("sqlite:./a.db", File("/srv/app/./a.db")),
    ("sqlite:../a.db", File("/srv/app/../a.db")),
    ("sqlite:sub/a.db", File("/srv/app/sub/a.db")),
    ("sqlite:/vol/a.db", File("/vol/a.db")),
    ("sqlite://a.db", File("/srv/app/a.db")),
    ("sqlite://sub/a.db", File("/srv/app/sub/a.db")),
    ("sqlite:///vol/x/a.db", File("/vol/x/a.db")),
    ("sqlite:////vol/a.db", File("/vol/a.db")),
    ("sqlite://///vol/a.db", File("/vol/a.db")),
    ("sqlite3:////vol/a.db", File("/vol/a.db")),
    ("SQLITE:/vol/a.db", File("/vol/a.db")),
    (" sqlite:/vol/a.db\n", File("/vol/a.db")),
    ("\"sqlite:/vol/a.db\"", File("/vol/a.db")),
    ("sqlite:/vol/a b%20c.db", File("/vol/a b c.db")),
    ("sqlite:/vol/100%.db", File("/vol/100%.db")),
    ("sqlite:/vol/a%3Fb%23c.db", File("/vol/a?b#c.db")),
    ("sqlite:/vol/a.db?mode=rwc", File("/vol/a.db")),
    ("sqlite:/vol/a.db?timeout=20", File("/vol/a.db")),
    ("sqlite:/vol/a.db?connection_limit=1&socket_timeout=3", File("/vol/a.db")),
    ("sqlite:/vol/a.db?mode=ro", Refused("leave it out")),
    ("sqlite:/vol/a.db?immutable=1", Refused("leave it out")),
    ("sqlite:///app.db", Refused("sqlite:PATH")),
    ("sqlite:///db.sqlite3", Refused("sqlite:PATH")),
    ("sqlite://localhost/vol/a.db", Refused("sqlite:")),
    ("sqlite:", Refused("sqlite:PATH")),
    ("sqlite://", Refused("sqlite:PATH")),
    ("sqlite:///", Refused("sqlite:PATH")),
    ("sqlite:/vol/", Refused("sqlite:PATH")),
    ("sqlite::memory:", Refused("sqlite:PATH")),
    ("sqlite://:memory:", Refused("sqlite:PATH")),
    ("sqlite:///:memory:", Refused("sqlite:PATH")),
    ("sqlite:x?mode=memory", Refused("sqlite:PATH")),
    ("sqlite:~/a.db", Refused("~")),
    ("sqlite:///C:/data/a.db", Refused("Windows")),
    ("sqlite:/vol/a%00.db", Refused("NUL")),
    // SQLAlchemy with a driver
    ("sqlite+aiosqlite:////vol/a.db", File("/vol/a.db")),
    ("sqlite+aiosqlite:///a.db", File("/srv/app/a.db")),
    ("sqlite+pysqlite:///sub/a.db", File("/srv/app/sub/a.db")),
    ("sqlite+pysqlite://", Refused("sqlite:PATH")),
    // Prisma, libSQL
    ("file:/vol/a.db", File("/vol/a.db")),
    ("file:///vol/a.db", File("/vol/a.db")),
    ("file://localhost/vol/a.db", File("/vol/a.db")),
    ("file:./dev.db", Refused("sqlite:")),
    ("file:dev.db", Refused("sqlite:")),
    ("file::memory:?cache=shared", Refused("memory")),
    // libpq, sqlx
    ("postgres://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgresql://u:p@h:5433/d", Server("postgres://u:p@h:5433/d")),
    ("POSTGRES://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgres://h", Server("postgres://h")),
    ("postgres://h:/d", Server("postgres://h:/d")),
    ("postgres:///d", Server("postgres:///d")),
    ("postgres://u:p@[::1]:5432/d", Server("postgres://u:p@[::1]:5432/d")),
    ("postgres://u@/d?host=/run/pg", Server("postgres:///d?user=u&host=/run/pg")),
    (
        "postgres://u:p@/d?host=/cloudsql/a:b:c",
        Server("postgres:///d?user=u&password=p&host=/cloudsql/a:b:c"),
    ),
    ("postgres://u:p%26%2B+@/d", Server("postgres:///d?user=u&password=p%26%2B%2B")),
    ("postgres://u@:5433/d?host=/run/pg", Server("postgres:///d?user=u&port=5433&host=/run/pg")),
    ("postgres:///d?host=/run/pg&user=u", Server("postgres:///d?host=/run/pg&user=u")),
    ("postgresql://%2Frun%2Fpg/d", Server("postgres://%2Frun%2Fpg/d")),
    (
        "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/ca.pem",
        Server("postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/ca.pem"),
    ),
    (
        "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=system",
        Server("postgres://u:p@h/d?sslmode=verify-full"),
    ),
    ("postgres://u:p@h/d?sslrootcert=system", Refused("write both")),
    ("postgres://u:p@h/d?sslmode=strict", Refused("verify-full")),
    ("postgres://u:p@h1,h2/d", Refused("postgres:// with one")),
    ("postgres://u:p@h1:1,h2:2/d?target_session_attrs=read-write", Refused("postgres:// with one")),
    ("postgres://u:p@/d?host=h1,h2", Refused("postgres:// with one")),
    (
        "postgres://u:p@h/d?application_name=x&options=-c%20a=b",
        Server("postgres://u:p@h/d?application_name=x&options=-c%20a=b"),
    ),
    ("postgres://u:p@h:port/d", Refused("postgres://")),
    ("postgres://u:p@h/d?port=x", Refused("postgres://")),
    ("postgres://u:p@::1/d", Refused("brackets")),
    ("postgres:h/d", Refused("postgres://")),
    ("host=h user=u dbname=d", Refused("postgres://")),
    // passwords
    ("postgres://u:a@b:c@h/d", Server("postgres://u:a@b:c@h/d")),
    ("postgres://u:p%40%2F%3F%23@h/d", Server("postgres://u:p%40%2F%3F%23@h/d")),
    ("postgres://u:100%@h/d", Server("postgres://u:100%@h/d")),
    ("postgres://u:!$&'()*+,;=~_-.@h/d", Server("postgres://u:!$&'()*+,;=~_-.@h/d")),
    ("postgres://u:a/b@h/d", Refused("%2F")),
    ("postgres://u:a?b@h/d", Refused("%3F")),
    ("postgres://u:a#b@h/d", Refused("%23")),
    // SQLAlchemy, Django
    ("postgresql+psycopg://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgresql+psycopg2://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgresql+asyncpg://u:p@h/d?ssl=require", Server("postgres://u:p@h/d?sslmode=require")),
    ("postgresql+pg8000://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgis://u:p@h/d", Server("postgres://u:p@h/d")),
    ("pgsql://u:p@h/d", Server("postgres://u:p@h/d")),
    ("postgres://u:p@%2Frun%2Fpg/d", Server("postgres://u:p@%2Frun%2Fpg/d")),
    ("postgres://u:p@h/d?conn_max_age=600", Server("postgres://u:p@h/d")),
    // Prisma, node-postgres
    ("postgresql://u:p@h/d?schema=public", Server("postgres://u:p@h/d")),
    (
        "postgresql://u:p@h/d?schema=public&connection_limit=5&pgbouncer=true",
        Server("postgres://u:p@h/d?pgbouncer=true"),
    ),
    (
        "postgres://u:p@h/d?pgbouncer=1&sslmode=require",
        Server("postgres://u:p@h/d?pgbouncer=true&sslmode=require"),
    ),
    ("postgres://u:p@h/d?pgbouncer=false", Server("postgres://u:p@h/d")),
    ("postgres://u:p@h/d?pgbouncer=maybe", Refused("pgbouncer=true")),
    ("postgresql://u:p@h/d?schema=mine", Refused("search_path")),
    ("postgres://u:p@h/d?ssl=true", Server("postgres://u:p@h/d?sslmode=require")),
    ("postgres://u:p@h/d?ssl=false&sslmode=verify-ca", Server("postgres://u:p@h/d?sslmode=verify-ca")),
    ("postgres://u:p@h/d?ssl=maybe", Refused("sslmode")),
    // providers
    (
        "postgres://u:p@ep-x.eu.neon.tech/d?sslmode=require&channel_binding=require",
        Server("postgres://u:p@ep-x.eu.neon.tech/d?sslmode=require"),
    ),
    (
        "postgres://u:p@x.cockroachlabs.cloud:26257/d?sslmode=verify-full",
        Server("postgres://u:p@x.cockroachlabs.cloud:26257/d?sslmode=verify-full"),
    ),
    // others
    ("jdbc:postgresql://h/d?user=u", Refused("leave `jdbc:` out")),
    ("mysql://u:p@h/d", Refused("sqlite:PATH")),
    ("mongodb+srv://u:p@h/d", Refused("sqlite:PATH")),
    ("/vol/a.db", Refused("sqlite:PATH")),
    ("", Refused("sqlite:PATH")),
];

#[test]
fn every_form_of_a_url_is_read_as_its_writer_meant_it_or_refused_with_the_remedy() {
    for (text, is) in TABLE {
        let parsed = DatabaseUrl::parse(text, Path::new("/srv/app"));
        match is {
            File(path) => {
                let url = parsed.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(url.sqlite_path(), Some(Path::new(path)), "{text}");
                assert!(!url.expose().starts_with("sqlite://"), "{text}: {}", url.expose());
            }
            Server(expected) => {
                let url = parsed.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!((url.kind(), url.expose()), (DatabaseKind::Postgres, *expected), "{text}");
                // What is stored again is read the same.
                let again = DatabaseUrl::parse(url.expose(), Path::new("/")).expect(text);
                assert_eq!(again.expose(), *expected, "{text}");
            }
            Refused(remedy) => {
                let error = parsed.err().unwrap_or_else(|| panic!("{text} is accepted"));
                assert!(error.contains(remedy), "{text}: {error}");
            }
        }
    }
}

#[test]
fn three_slashes_are_absolute_unless_only_the_relative_folder_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("instance")).expect("a folder");
    let parse = |text: &str| DatabaseUrl::parse(text, folder.path());
    assert!(parse("sqlite:///instance/a.db").is_err());
    let absolute = format!("sqlite://{}/instance/a.db", folder.path().display());
    assert_eq!(parse(&absolute).expect("a file").sqlite_path(), Some(&*folder.path().join("instance/a.db")));
}

#[test]
fn a_folder_with_two_slashes_in_front_is_the_same_folder() {
    for folder in ["//vol/data", "///vol/data", "/vol/data"] {
        let url = DatabaseUrl::sqlite(&Path::new(folder).join("strongroom.db")).expect("a file");
        assert_eq!(
            (url.expose(), url.sqlite_path()),
            ("sqlite:/vol/data/strongroom.db", Some(Path::new("/vol/data/strongroom.db")))
        );
    }
}
