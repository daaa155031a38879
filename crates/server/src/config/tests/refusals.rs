//! Configurations that a server does not start with, and the remedy that is told.

use super::*;

#[test]
fn plaintext_where_others_can_connect_has_to_be_asked_for() {
    for address in ["0.0.0.0:8420", "192.168.1.2:80", "[::]:8420", "[2001:db8::1]:1", "[::ffff:10.0.0.1]:1"] {
        let place = Place::new().variable("STRONGROOM_LISTEN", address);
        let problem = place.problem();
        for remedy in ["STRONGROOM_TLS_CERT_FILE", "127.0.0.1", "STRONGROOM_ALLOW_PLAINTEXT=true"] {
            assert!(problem.contains(remedy), "{problem}");
        }
        assert!(place.variable("STRONGROOM_ALLOW_PLAINTEXT", "true").load().is_ok());
        let with_tls = Place::new()
            .variable("STRONGROOM_LISTEN", address)
            .variable("STRONGROOM_TLS_CERT_FILE", "cert.pem")
            .variable("STRONGROOM_TLS_KEY_FILE", "key.pem");
        assert!(with_tls.load().is_ok());
    }
    for address in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:8420", "[::ffff:127.0.0.1]:1"] {
        assert!(Place::new().variable("STRONGROOM_LISTEN", address).load().is_ok(), "{address}");
    }
}

#[test]
fn tls_needs_both_files() {
    for (there, missing) in [
        ("STRONGROOM_TLS_CERT_FILE", "STRONGROOM_TLS_KEY_FILE"),
        ("STRONGROOM_TLS_KEY_FILE", "STRONGROOM_TLS_CERT_FILE"),
    ] {
        let problem = Place::new().variable(there, "a.pem").problem();
        assert!(problem.contains(&format!("set {missing} too")), "{problem}");
    }
}

#[test]
fn a_jwt_secret_is_long_and_no_placeholder() {
    let problem = Place::new().variable("JWT_SECRET", "secret").problem();
    assert!(problem.starts_with("JWT_SECRET: 6 bytes are too short"), "{problem}");
    let place = Place::new().variable("JWT_SECRET", "your-super-secret-jwt-key-change-in-production");
    assert!(place.problem().contains("placeholder"));
    let place = Place::new().file("s", "changeme").variable("JWT_SECRET_FILE", "s");
    assert!(place.problem().starts_with("JWT_SECRET_FILE: 8 bytes"));
    assert!(Place::new().variable("JWT_SECRET", CANARY).loaded().config.auth.jwt_secret.is_some());
}

#[test]
fn every_malformed_value_is_told_with_its_source() {
    for (variable, value, told) in [
        ("STRONGROOM_LISTEN", "localhost", "127.0.0.1:8420"),
        ("STRONGROOM_LISTEN", "8420", "127.0.0.1:8420"),
        ("STRONGROOM_DATABASE_MAX_CONNECTIONS", "0", "from 1 to"),
        ("STRONGROOM_DATABASE_MAX_CONNECTIONS", "many", "from 1 to"),
        ("STRONGROOM_DATABASE_MIGRATE", "maybe", "true or false"),
        ("STRONGROOM_ALLOW_PLAINTEXT", "2", "true or false"),
        ("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "ja", "true or false"),
        ("STRONGROOM_ENVIRONMENT_FALLBACK", "-", "true or false"),
        ("STRONGROOM_LOG_FORMAT", "xml", "json or pretty"),
        ("STRONGROOM_LOG", "strongroom=loud", "a level such as info"),
        ("STRONGROOM_AUDIT_HEAD_INTERVAL_SECONDS", "0", "from 1 to"),
        ("STRONGROOM_DATA_DIR", "~/data", "write the whole path"),
        ("STRONGROOM_DATA_DIR", "", "is empty"),
        ("DATABASE_URL", "mysql://db/x", "sqlite:PATH"),
    ] {
        let problem = Place::new().variable(variable, value).problem();
        assert!(problem.starts_with(variable) && problem.contains(told), "{problem}");
    }
}

#[test]
fn a_flag_is_read_in_every_usual_spelling() {
    for (text, expected) in
        [("true", true), ("1", true), ("Yes", true), ("off", false), ("0", false), ("FALSE", false)]
    {
        let config = Place::new().variable("STRONGROOM_ENVIRONMENT_FALLBACK", text).loaded().config;
        assert_eq!(config.fallback.environment, expected, "{text}");
    }
}

#[test]
fn all_problems_are_told_together() {
    let place = Place::new()
        .file("strongroom.toml", "[databse]\nurl = 'x'\n[audit]\nhead_interval_seconds = '5'")
        .variable("STRONGROOM_DATA_DIR", "~")
        .variable("STRONGROOM_LISTEN", "x")
        .variable("STRONGROOM_TLS_KEY_FILE", "k")
        .variable("JWT_SECRET", "x")
        .variable("STRONGROOM_LOG", "=x=");
    let error = place.load().unwrap_err();
    assert_eq!(error.problems.len(), 7, "{error}");
    let printed = error.to_string();
    assert!(printed.starts_with("the configuration cannot be used, for 7 reasons:\n  - "), "{printed}");
    assert_eq!(printed.lines().count(), 8);
}

#[test]
fn the_wrong_form_of_a_field_is_told_with_the_right_one() {
    for (text, told) in [
        ("data_dir = 1", "`data_dir` in strongroom.toml must be a text in quotes"),
        (
            "[database]\nmigrate = 'true'",
            "`database.migrate` in strongroom.toml must be true or false, without quotes",
        ),
        ("[database]\nmax_connections = 1.5", "must be a whole number"),
        ("[http]\nlisten = ['127.0.0.1:1']", "`http.listen` in strongroom.toml must be a text in quotes"),
        ("[http]\nlisten = ", "strongroom.toml is not valid TOML at line 2, column 10"),
    ] {
        let problem = Place::new().file("strongroom.toml", text).problem();
        assert!(problem.contains(told), "{problem}");
    }
}

#[test]
fn a_dotenv_line_about_us_that_cannot_be_read_is_an_error_and_another_a_warning() {
    let problem = Place::new().file(".env", "A=1\nENCRYPTION_KEY=\"x\n").problem();
    assert!(problem.starts_with(".env line 2: the quote is never closed"), "{problem}");
    assert!(problem.contains("about ENCRYPTION_KEY"), "{problem}");
    let warnings = Place::new().file(".env", "not an assignment\nA=1").loaded().warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with(".env line 1: "), "{warnings:?}");
    let warnings = Place::new().file(".env", "STRONGROOM_LOG=warn\nSTRONGROOM_LOG=debug").loaded().warnings;
    assert_eq!(warnings, [".env sets STRONGROOM_LOG more than once; line 1 is passed over"]);
    let problem = Place::new().file(".env", b"A=\xff").problem();
    assert!(problem.starts_with(".env in the working directory cannot be read"), "{problem}");
}
