//! Names that mean nothing, and names that mean nothing in this place.

use super::*;

#[test]
fn an_unknown_field_is_an_error_with_the_nearest_name() {
    let problem = Place::new().file("strongroom.toml", "[databse]\nurl = 'sqlite:x'").problem();
    assert_eq!(problem, "unknown field `databse.url` in strongroom.toml; did you mean `database.url`?");
    let problem = Place::new().file("strongroom.toml", "[databse]").problem();
    assert_eq!(problem, "unknown section `databse` in strongroom.toml; did you mean `database`?");
    let problem = Place::new().file("strongroom.toml", "listen = '127.0.0.1:1'").problem();
    assert_eq!(problem, "unknown field `listen` in strongroom.toml; did you mean `http.listen`?");
    let problem = Place::new().file("strongroom.toml", "[http.tls]\ncert = 'x'").problem();
    assert!(
        problem.starts_with("unknown field `http.tls` in strongroom.toml; did you mean `http.tls_"),
        "{problem}"
    );
    assert!(Place::new().file("strongroom.toml", "[database]").load().is_ok());
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let place = Place::new()
        .file(".env", "STRONGROOM_LISTN=x\nSOMETHING_ELSE=y")
        .variable("STRONGROOM_DATA_DIRECTORY", "x")
        .variable("STRONGROOM_SERVICE_HOST", "10.0.0.1")
        .variable("STRONGROOM_PORT", "tcp://10.0.0.1:8420")
        .variable("STRONGROOM_PORT_8420_TCP", "tcp://10.0.0.1:8420");
    assert_eq!(
        place.loaded().warnings,
        [
            "the variable STRONGROOM_DATA_DIRECTORY means nothing here; did you mean `STRONGROOM_DATA_DIR`?",
            "the variable STRONGROOM_LISTN means nothing here; did you mean `STRONGROOM_LISTEN`?",
        ]
    );
}

#[test]
fn what_the_command_line_reads_is_known_and_ignored_in_files() {
    let names = setting::CLIENT_VARIABLES.iter().map(|variable| variable.name);
    let mut place = Place::new();
    for name in names.clone() {
        place = place.variable(name, "x");
    }
    assert_eq!(place.loaded().warnings, Vec::<String>::new());

    let dotenv: String = names.map(|name| format!("{name}=x\n")).collect();
    let place = Place::new().file(".env", dotenv).file(
        "strongroom.toml",
        "STRONGROOM_URL = 'x'\n[client]\nurl = 'x'\ntoken = 'x'\ntoken_file = 'x'\nca_file = 'x'",
    );
    let warnings = place.loaded().warnings;
    assert_eq!(warnings.len(), 9, "{warnings:#?}");
    assert!(warnings.iter().all(|warning| warning.contains("from the real environment only")));
    assert!(
        warnings.contains(
            &"STRONGROOM_TOKEN in .env is ignored: the command line reads it from the real environment only"
                .to_owned()
        )
    );
}
