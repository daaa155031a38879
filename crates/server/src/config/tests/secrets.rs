//! Secrets: as a value or as a file, and never on any way out.

use std::os::unix::fs::MetadataExt;

use super::*;

/// Every setting that is a secret, with its first variable.
fn secret_settings() -> impl Iterator<Item = (&'static setting::Setting, &'static str)> {
    settings().filter(|setting| setting.is_secret()).map(|setting| (setting, setting.variables[0]))
}

/// A text with the canary that the setting takes.
fn planted(variable: &str) -> String {
    if variable.ends_with("DATABASE_URL") {
        format!("postgres://app:{CANARY}@db/x")
    } else if variable == "STRONGROOM_PROXY" {
        format!("http://app:{CANARY}@proxy:3128/")
    } else {
        CANARY.to_owned()
    }
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let mut tried = 0;
    for (setting, variable) in secret_settings() {
        let in_environment = Place::new()
            .file("secret", format!("{}\n", planted(variable)))
            .variable(&format!("{variable}_FILE"), "secret");
        let mut field = setting.file_name().unwrap();
        if let Some((section, key)) = field.clone().split_once('.') {
            field = format!("[{section}]\n{key}");
        }
        let in_toml = Place::new()
            .file("secret", format!("{}\n", planted(variable)))
            .variable("STRONGROOM_CONFIG", "strongroom.toml")
            .file("strongroom.toml", format!("{field} = 'secret'"));
        for place in [in_environment, in_toml] {
            let Config { database, encryption, auth, endpoints, .. } = place.loaded().config;
            let found = [
                encryption.key.map(|key| key.expose().to_owned()),
                encryption.previous.map(|key| key.expose().to_owned()),
                auth.jwt_secret.map(|secret| secret.expose().to_owned()),
                auth.admin_token.map(|token| token.expose().to_owned()),
                Some(database.url.expose().to_owned()),
                endpoints.proxy.map(|proxy| proxy.with_password().to_owned()),
            ];
            assert!(found.contains(&Some(planted(variable))), "{}", setting.name());
            tried += 1;
        }
    }
    assert_eq!(tried, 12);
}

#[test]
fn a_secret_as_value_and_as_file_is_an_error_that_names_both() {
    for (setting, variable) in secret_settings() {
        for variable in setting.variables {
            let file = format!("{variable}_FILE");
            let place = Place::new().variable(variable, CANARY).variable(&file, "secret");
            let problem = place.problem();
            assert_eq!(problem, format!("{variable} and {file} are both set; keep one of them"));
        }
        let (section, key) = (setting.section, setting.key);
        // Of what decides over keys nothing is taken from there.
        if !["encryption", "auth", "endpoints"].contains(&section) {
            let place = Place::new().file(".env", format!("{variable}={CANARY}\n{variable}_FILE=secret"));
            let problem = place.problem();
            assert!(problem.contains(&format!("{variable} (.env line 1) and {variable}_FILE (.env line 2)")));
        }
        let place = Place::new()
            .variable("STRONGROOM_CONFIG", "strongroom.toml")
            .file("strongroom.toml", format!("[{section}]\n{key} = '{CANARY}'\n{key}_file = 'x'"));
        let problem = place.problem();
        assert!(problem.contains(&format!("{section}.{key} in strongroom.toml and {section}.{key}_file")));
    }
}

#[test]
fn a_stronger_source_replaces_a_weaker_one_in_either_form() {
    let place = Place::new()
        .file("key", "from the file")
        .file(".env", "ENCRYPTION_KEY=weaker")
        .variable("ENCRYPTION_KEY_FILE", "key");
    assert_eq!(place.loaded().config.encryption.key.unwrap().expose(), "from the file");
}

#[test]
fn an_empty_secret_is_not_an_unset_one() {
    for (setting, variable) in secret_settings() {
        for empty in ["", "  "] {
            let problem = Place::new().variable(variable, empty).problem();
            assert!(problem.starts_with(&format!("{variable} is empty")), "{problem}");
        }
        let problem = Place::new().file("none", "\n").variable(&format!("{variable}_FILE"), "none").problem();
        assert!(
            problem.starts_with(&format!("{variable}_FILE: ")) && problem.contains("none is empty"),
            "{problem}"
        );
        let (section, key) = (setting.section, setting.key);
        let place = Place::new().variable("STRONGROOM_CONFIG", "strongroom.toml");
        let problem = place.file("strongroom.toml", format!("[{section}]\n{key} = ''")).problem();
        assert!(problem.starts_with(&format!("{section}.{key} in strongroom.toml is empty")), "{problem}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let problem = Place::new().variable("JWT_SECRET_FILE", "/gone/secret").problem();
    assert!(problem.starts_with("JWT_SECRET_FILE: /gone/secret cannot be read: No such file"), "{problem}");
}

#[test]
fn a_file_that_others_may_read_is_warned_of() {
    let place = Place::new().file("key", CANARY).variable("ENCRYPTION_KEY_FILE", "key");
    assert_eq!(place.loaded().warnings, Vec::<String>::new());
    fs::set_permissions(place.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = place.loaded().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("chmod 600"), "{warnings:?}");
}

#[test]
fn the_key_file_of_the_data_directory_is_warned_of_too() {
    let place = Place::new();
    fs::create_dir(place.path("data")).unwrap();
    let place = place.file("data/master.key", CANARY);
    let place = place.variable("STRONGROOM_DATA_DIR", "data");
    assert_eq!(place.loaded().warnings, Vec::<String>::new());
    fs::set_permissions(place.path("data/master.key"), fs::Permissions::from_mode(0o640)).unwrap();
    // Its group is the one of whoever runs this; that of `root` lets in nobody new.
    let is_of_root = fs::metadata(place.path("data/master.key")).unwrap().gid() == 0;
    assert_eq!(place.loaded().warnings.len(), usize::from(!is_of_root));
    fs::set_permissions(place.path("data/master.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = place.loaded().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("chmod 600"), "{warnings:?}");
    // One that is not used is nobody's concern.
    let place = place.file("key", CANARY).variable("ENCRYPTION_KEY_FILE", "key");
    assert_eq!(place.loaded().warnings, Vec::<String>::new());
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let mut place = Place::new().variable("OPENAI_API_KEY", CANARY);
    for (_, variable) in secret_settings() {
        place = place.variable(variable, &planted(variable));
    }
    let loaded = place.loaded();
    let reports = describe(&loaded);
    let environment: Environment = [("ENCRYPTION_KEY", CANARY)].into_iter().collect();
    let printed = format!(
        "{loaded:?} {:?} {} {reports:?} {} {environment:?}",
        loaded.config,
        loaded.config.database.url,
        serde_json::to_string(&reports).unwrap(),
    );
    assert!(!printed.contains(CANARY) && !printed.contains("canary"), "{printed}");
    for name in ["encryption.key", "auth.jwt_secret", "auth.admin_token"] {
        assert!(reports.iter().any(|report| report.name == name && report.value == "set"), "{name}");
    }
    let proxy = reports.iter().find(|report| report.name == "endpoints.proxy").unwrap();
    assert_eq!(proxy.value, "proxy:3128");
    let url = reports.iter().find(|report| report.name == "database.url").unwrap();
    assert_eq!(url.value, "postgres://app:****@db/x");
    let unset = describe(&Place::new().loaded());
    assert!(unset.iter().any(|report| report.name == "auth.jwt_secret" && report.value == "unset"));
}

#[test]
fn no_error_holds_a_secret() {
    let toml = |text: &str| Place::new().file("strongroom.toml", text.replace("CANARY", CANARY));
    let variable = |name: &str, value: &str| Place::new().variable(name, &value.replace("CANARY", CANARY));
    let places = [
        variable("JWT_SECRET", "canary"),
        variable("STRONGROOM_DATABASE_URL", "CANARY"),
        variable("STRONGROOM_DATABASE_URL", "mysql://a:CANARY@db/x"),
        variable("STRONGROOM_DATABASE_URL", "postgres://a:CANARY@db:x/x"),
        variable("DATABASE_URL", "postgres://a:1/CANARY@db/x"),
        variable("ENCRYPTION_KEY", "CANARY").variable("ENCRYPTION_KEY_FILE", "x"),
        Place::new().file(".env", format!("ENCRYPTION_KEY=\"{CANARY}\nX=1")),
        Place::new().file(".env", format!("ENCRYPTION_KEY {CANARY}")),
        toml("[auth]\njwt_secret = CANARY"),
        toml("[auth]\njwt_secret = \"CANARY"),
        toml("[auth]\njwt_secret = \"\"\"CANARY"),
        toml("[auth]\njwt_secret = \"\\CANARY\""),
        toml("[auth]\njwt_secret = 'a' CANARY"),
        toml("[auth]\njwt_secret 'CANARY'"),
        toml("[auth]\njwt_secret = 'CANARY'\njwt_secret = 'CANARY'"),
        toml("[auth]\njwt_secret = ['CANARY']"),
        toml("[auth]\njwt_secret = {a = 'CANARY'}"),
        toml("[auth]\njwt_secrte = 'CANARY'"),
        toml("auth = 'CANARY'"),
    ];
    for place in places {
        let error = place.load().unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("canary"), "{printed}");
        assert!(!error.problems.is_empty());
    }
}
