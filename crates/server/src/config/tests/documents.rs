//! The example file and the reference are complete and current. `REGENERATE=1 cargo test -p strongroom-server config`
//! writes both again.

use super::*;

fn project_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn is_current(name: &str, expected: &str) {
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(project_file(name), expected).unwrap();
    }
    let there = fs::read_to_string(project_file(name)).unwrap();
    assert!(
        there == expected,
        "{name} is not what the table of settings says; run: REGENERATE=1 cargo test -p strongroom-server config"
    );
}

#[test]
fn the_example_file_is_current() {
    is_current("strongroom.example.toml", &example_file());
}

#[test]
fn the_reference_is_current() {
    let (begin, end) = REFERENCE_MARKS;
    let text = fs::read_to_string(project_file("docs/configuration.md")).unwrap();
    let (before, rest) = text.split_once(begin).expect("the mark at which the reference begins");
    let (_, after) = rest.split_once(end).expect("the mark at which the reference ends");
    is_current("docs/configuration.md", &[before, begin, &reference_markdown(), end, after].concat());
}

#[test]
fn every_name_stands_in_both() {
    let (example, reference) = (example_file(), reference_markdown());
    for setting in settings() {
        assert!(example.contains(setting.sample), "{}", setting.name());
        assert!(reference.contains(setting.doc) && example.contains(setting.doc), "{}", setting.name());
        for variable in setting.all_variables() {
            assert!(
                example.contains(&variable) && reference.contains(&format!("`{variable}`")),
                "{variable}"
            );
        }
        if setting.is_secret() {
            assert!(example.contains(&format!("`{}_file`", setting.key)), "{}", setting.name());
            assert!(reference.contains(&format!("`{}_file`", setting.key)), "{}", setting.name());
        }
    }
    for variable in variables() {
        assert!(reference.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn the_example_file_with_every_setting_taken_is_a_configuration() {
    let text: String = example_file()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let place = Place::new().variable("STRONGROOM_CONFIG", "strongroom.toml");
    let text = text.replace("/etc/strongroom", place.folder.path().to_str().unwrap());
    let place = place
        .file("strongroom.toml", text)
        .file("master-key", CANARY)
        .file("master-key-before", CANARY)
        .file("jwt-secret", CANARY)
        .file("admin-token", CANARY);
    let loaded = place.loaded();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    for report in describe(&loaded) {
        assert!(
            report.source.ends_with(" in strongroom.toml"),
            "{} comes from {}",
            report.name,
            report.source
        );
    }
}
