//! Precedence of the sources, and defaults without any.

use super::*;

fn listen(place: &Place) -> String {
    place.loaded().config.http.listen.to_string()
}

fn source(loaded: &Loaded, name: &str) -> String {
    describe(loaded).into_iter().find(|report| report.name == name).unwrap().source
}

#[test]
fn every_source_is_weaker_than_the_one_before_it() {
    let mut place = Place::new();
    assert_eq!(listen(&place), "127.0.0.1:8420");
    assert_eq!(source(&place.loaded(), "http.listen"), "default");

    place = place.file("strongroom.toml", "[http]\nlisten = '127.0.0.1:1'");
    assert_eq!(listen(&place), "127.0.0.1:1");
    assert_eq!(source(&place.loaded(), "http.listen"), "http.listen in strongroom.toml");

    place = place.file(".env", "# ours\nexport STRONGROOM_LISTEN=\"127.0.0.1:2\"");
    assert_eq!(listen(&place), "127.0.0.1:2");
    assert_eq!(source(&place.loaded(), "http.listen"), "STRONGROOM_LISTEN (.env line 2)");

    place = place.variable("STRONGROOM_LISTEN", "127.0.0.1:3");
    assert_eq!(listen(&place), "127.0.0.1:3");
    assert_eq!(source(&place.loaded(), "http.listen"), "STRONGROOM_LISTEN");

    place = place.overrides(Overrides { listen: Some("127.0.0.1:4".into()), ..Overrides::default() });
    assert_eq!(listen(&place), "127.0.0.1:4");
    assert_eq!(source(&place.loaded(), "http.listen"), "--listen");
}

#[test]
fn every_flag_is_stronger_than_its_variable() {
    let place = Place::new()
        .variable("STRONGROOM_DATA_DIR", "/elsewhere")
        .variable("STRONGROOM_LOG_FORMAT", "pretty")
        .variable("STRONGROOM_DATABASE_MIGRATE", "true")
        .overrides(Overrides {
            data_dir: Some("here".into()),
            log_format: Some(LogFormat::Json),
            no_migrate: true,
            ..Overrides::default()
        });
    let config = place.loaded().config;
    assert_eq!(config.data_dir, place.path("here"));
    assert_eq!(config.log.format, Some(LogFormat::Json));
    assert!(!config.database.migrate);
    // Every flag in the table has been tried here or above.
    let flags: Vec<_> = settings().filter_map(|setting| setting.flag).collect();
    assert_eq!(flags, ["--data-dir", "--no-migrate", "--listen", "--log-format"]);
}

#[test]
fn the_configuration_file_can_be_named() {
    let place = Place::new()
        .file("strongroom.toml", "[http]\nlisten = '127.0.0.1:1'")
        .file("a.toml", "[http]\nlisten = '127.0.0.1:2'")
        .file("b.toml", "[http]\nlisten = '127.0.0.1:3'")
        .variable("STRONGROOM_CONFIG", "a.toml");
    assert_eq!(listen(&place), "127.0.0.1:2");
    let place = place.overrides(Overrides { config: Some("b.toml".into()), ..Overrides::default() });
    assert_eq!(listen(&place), "127.0.0.1:3");
    let place = Place::new().variable("STRONGROOM_CONFIG", "gone.toml");
    assert!(
        place.problem().starts_with("gone.toml, named by STRONGROOM_CONFIG, cannot be read: No such file")
    );
    let place = Place::new().variable("STRONGROOM_CONFIG", "");
    assert!(place.problem().starts_with("STRONGROOM_CONFIG is empty"));
}

#[test]
fn without_anything_the_data_directory_is_below_home() {
    let place = Place::new();
    let config = place.loaded().config;
    assert_eq!(config.data_dir, place.path(".local/share/strongroom"));
    assert_eq!(config.database.url.sqlite_path(), Some(&*config.data_dir.join("strongroom.db")));
    assert!(config.database.migrate && config.fallback.environment && !config.endpoints.allow_private);
    assert_eq!((config.database.max_connections, config.audit.head_interval_seconds), (10, 300));
    assert!(
        config.encryption.key.is_none()
            && config.auth.jwt_secret.is_none()
            && config.auth.admin_token.is_none()
    );
    assert_eq!(
        (config.log.format_for(true), config.log.format_for(false)),
        (LogFormat::Pretty, LogFormat::Json)
    );
    assert_eq!(config.log.level, "info");

    let place = place.variable("XDG_DATA_HOME", "relative, and so ignored");
    assert_eq!(place.loaded().config.data_dir, place.path(".local/share/strongroom"));
    let place = place.variable("XDG_DATA_HOME", "/srv/data");
    assert_eq!(place.loaded().config.data_dir, PathBuf::from("/srv/data/strongroom"));
}

#[test]
fn without_a_home_the_data_directory_has_to_be_named() {
    let mut place = Place::new();
    place.variables.clear();
    assert!(place.problem().contains("set STRONGROOM_DATA_DIR"));
    let place = place.variable("STRONGROOM_DATA_DIR", "data");
    assert_eq!(place.loaded().config.data_dir, place.path("data"));
}

#[test]
fn our_database_url_is_stronger_than_the_general_one_wherever_it_stands() {
    let url = |place: &Place| place.loaded().config.database.url.expose().to_owned();
    let place = Place::new().variable("DATABASE_URL", "postgres://db/theirs");
    assert_eq!(url(&place), "postgres://db/theirs");
    let place = place.file(".env", "STRONGROOM_DATABASE_URL=postgres://db/ours");
    assert_eq!(url(&place), "postgres://db/ours");
    let place = place.variable("STRONGROOM_DATABASE_URL", "postgres://db/nearer");
    assert_eq!(url(&place), "postgres://db/nearer");
    let place = Place::new()
        .file("url", "postgres://db/file\n")
        .variable("DATABASE_URL", "postgres://db/theirs")
        .variable("STRONGROOM_DATABASE_URL_FILE", "url");
    assert_eq!(url(&place), "postgres://db/file");
}

#[test]
fn a_relative_path_starts_where_it_is_written() {
    let place = Place::new().variable("STRONGROOM_CONFIG", "etc/s.toml");
    fs::create_dir(place.path("etc")).unwrap();
    let place = place.file("etc/key", "k").file("key", "other").file(
        "etc/s.toml",
        "data_dir = 'data'\n[encryption]\nkey_file = 'key'\n[database]\nurl = 'sqlite:a.db'\n\
         [http]\ntls_cert_file = 'c'\ntls_key_file = '/k'",
    );
    let config = place.loaded().config;
    assert_eq!(config.data_dir, place.path("etc/data"));
    assert_eq!(config.encryption.key.unwrap().expose(), "k");
    assert_eq!(config.encryption.key_file, Some(place.path("etc/key")));
    assert_eq!(config.database.url.sqlite_path(), Some(&*place.path("etc/a.db")));
    assert_eq!(config.http.tls_cert_file, Some(place.path("etc/c")));
    assert_eq!(config.http.tls_key_file, Some("/k".into()));
}

#[test]
fn a_dollar_in_the_dotenv_file_stays_a_dollar() {
    let place = Place::new().file(".env", "OPENAI_API_KEY=a$HOME${HOME}b").variable("HOME", "/home");
    assert_eq!(place.loaded().provider_environment[0].1.expose(), "a$HOME${HOME}b");
}

#[test]
fn keys_of_providers_come_from_the_environment_and_then_from_the_dotenv_file() {
    let place = Place::new()
        .file(".env", "OPENAI_API_KEY=a\nGROQ_API_KEY=b\nGOOGLE_API_KEY=c\nMISTRAL_API_KEY=\nOTHER=d")
        .variable("OPENAI_API_KEY", "e")
        .variable("GROQ_API_KEY", "");
    let found = place.loaded().provider_environment;
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(found, [("GOOGLE_API_KEY", "c"), ("OPENAI_API_KEY", "e")]);
}

#[test]
fn a_folder_called_dotenv_is_none_of_ours() {
    let place = Place::new();
    fs::create_dir(place.path(".env")).unwrap();
    assert_eq!(place.loaded().warnings, Vec::<String>::new());
}

#[test]
fn a_command_does_not_let_a_file_in_the_working_directory_say_where_keys_go() {
    let command = || Overrides { is_command: true, ..Overrides::default() };
    let place = Place::new()
        .file(
            ".env",
            format!(
                "STRONGROOM_DATABASE_URL=postgres://elsewhere/db\nDATABASE_URL=sqlite:other\nENCRYPTION_KEY={}",
                "0a".repeat(32)
            ),
        )
        .file("strongroom.toml", "data_dir = 'here'\n[http]\nlisten = '127.0.0.1:1'");
    assert!(place.loaded().config.database.url.to_string().contains("elsewhere"), "`serve` follows it");

    let place = place.overrides(command());
    let loaded = place.loaded();
    assert!(loaded.config.database.url.to_string().ends_with("/.local/share/strongroom/strongroom.db"));
    assert!(loaded.config.data_dir.ends_with(".local/share/strongroom"));
    assert_eq!(listen(&place), "127.0.0.1:1", "the rest of the file holds");
    assert_eq!(loaded.warnings.len(), 3, "{:?}", loaded.warnings);

    let named = Overrides { config: Some(place.path("strongroom.toml")), ..command() };
    let place = place.overrides(named).variable("STRONGROOM_DATABASE_URL", "sqlite:mine");
    assert_eq!(place.loaded().config.data_dir, place.path("here"));
    assert!(place.loaded().config.database.url.to_string().ends_with("mine"));
}

#[test]
fn no_file_in_the_working_directory_chooses_the_master_key_who_comes_in_or_where_keys_may_be_sent() {
    let key = "0a".repeat(32);
    for (name, text, says) in [
        (".env", format!("ENCRYPTION_KEY={key}"), "ENCRYPTION_KEY in .env"),
        (".env", "ENCRYPTION_KEY_FILE=key".to_owned(), "ENCRYPTION_KEY_FILE in .env"),
        (".env", format!("export ENCRYPTION_KEY_PREVIOUS={key}"), "ENCRYPTION_KEY_PREVIOUS in .env"),
        (
            ".env",
            "STRONGROOM_ALLOW_PRIVATE_ENDPOINTS=true".to_owned(),
            "STRONGROOM_ALLOW_PRIVATE_ENDPOINTS in .env",
        ),
        ("strongroom.toml", format!("[encryption]\nkey = '{key}'"), "encryption.key in strongroom.toml"),
        (
            "strongroom.toml",
            "[encryption]\nkey_file = 'key'".to_owned(),
            "encryption.key_file in strongroom.toml",
        ),
        (
            "strongroom.toml",
            format!("[encryption]\nprevious = '{key}'"),
            "encryption.previous in strongroom.toml",
        ),
        (".env", format!("JWT_SECRET={key}"), "JWT_SECRET in .env"),
        (".env", "STRONGROOM_PROXY=http://a:1".to_owned(), "STRONGROOM_PROXY in .env"),
        (".env", "JWT_SECRET_FILE=key".to_owned(), "JWT_SECRET_FILE in .env"),
        (".env", format!("STRONGROOM_ADMIN_TOKEN={key}"), "STRONGROOM_ADMIN_TOKEN in .env"),
        ("strongroom.toml", format!("[auth]\njwt_secret = '{key}'"), "auth.jwt_secret in strongroom.toml"),
        ("strongroom.toml", format!("[auth]\nadmin_token = '{key}'"), "auth.admin_token in strongroom.toml"),
        (
            "strongroom.toml",
            "[endpoints]\nallow_private = true".to_owned(),
            "endpoints.allow_private in strongroom.toml",
        ),
    ] {
        for is_command in [false, true] {
            let place = Place::new().file("key", &key).file(name, &text);
            let place = place.overrides(Overrides { is_command, ..Overrides::default() });
            let loaded = place.loaded();
            let config = loaded.config;
            let is_chosen = config.encryption.key.is_some()
                || config.encryption.previous.is_some()
                || config.auth.jwt_secret.is_some()
                || config.auth.admin_token.is_some()
                || config.endpoints.proxy.is_some();
            assert!(!is_chosen && !config.endpoints.allow_private, "{text}");
            assert_eq!(loaded.warnings.len(), 1, "{text}: {:?}", loaded.warnings);
            let warning = &loaded.warnings[0];
            assert!(
                warning.starts_with(says) && warning.contains("is ignored") && !warning.contains(&key),
                "{warning}"
            );
        }
    }
    // A file that somebody names by hand is trusted; one that a .env names is not.
    let file = |place: Place| place.file("s.toml", format!("[encryption]\nkey = '{key}'"));
    let named = file(Place::new().variable("STRONGROOM_CONFIG", "s.toml")).loaded();
    assert_eq!((named.config.encryption.key.unwrap().expose(), named.warnings), (key.as_str(), Vec::new()));
    let by_dotenv = file(Place::new().file(".env", "STRONGROOM_CONFIG=s.toml")).loaded();
    assert!(by_dotenv.config.encryption.key.is_none() && by_dotenv.warnings.len() == 1);
    let problem = Place::new().file(".env", format!("ENCRYPTION_KEY={CANARY}")).problem();
    assert!(problem.contains("is no master key") && !problem.contains(CANARY), "{problem}");
}

#[test]
fn keys_of_providers_in_the_environment_come_without_their_wrapping() {
    let place = Place::new().variable("OPENAI_API_KEY", " \"sk-1\"\r\n");
    assert_eq!(place.loaded().provider_environment[0].1.expose(), "sk-1");
}

#[test]
fn a_proxy_that_only_the_environment_names_is_told_of_without_its_password() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = format!("http://user:{CANARY}@proxy:3128");
        let warnings = Place::new().variable(name, &proxy).loaded().warnings;
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(name) && !warnings[0].contains(CANARY),
            "{warnings:?}"
        );
    }
    assert_eq!(Place::new().variable("HTTPS_PROXY", "").loaded().warnings, Vec::<String>::new());
    let own = Place::new().variable("HTTPS_PROXY", "http://a:1").variable("STRONGROOM_PROXY", "http://b:2");
    let own = own.variable("STRONGROOM_NO_PROXY", "llm.internal, .corp").loaded();
    assert_eq!(own.warnings, Vec::<String>::new());
    let proxy = own.config.endpoints.proxy.unwrap();
    assert_eq!(
        (proxy.shown().as_str(), proxy.exceptions()),
        ("b:2", &["llm.internal".to_owned(), "corp".to_owned()][..])
    );
    let problem = Place::new().variable("STRONGROOM_PROXY", &format!("socks5://u:{CANARY}@b:2")).problem();
    assert!(
        problem.starts_with("STRONGROOM_PROXY: this is no HTTP proxy") && !problem.contains(CANARY),
        "{problem}"
    );
}
