//! The table of settings: unique names, and samples that set their own row.

use std::collections::BTreeSet;

use super::*;

#[test]
fn no_name_and_no_variable_stands_for_two_things() {
    let all: Vec<String> = variables().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    let names: Vec<String> = settings().flat_map(|it| [Some(it.name()), it.file_name()]).flatten().collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn every_row_stands_in_its_section_and_its_sample_sets_it() {
    for section in SECTIONS {
        for setting in section.settings {
            assert_eq!(setting.section, section.name, "{}", setting.key);
            let sample: toml::Table = setting.sample.parse().unwrap();
            let key = sample.keys().next().unwrap().as_str();
            assert!(key == setting.key || key == format!("{}_file", setting.key), "{}", setting.name());
            assert!(!setting.doc.is_empty() && !setting.doc.contains(['\n', '|']), "{}", setting.name());
        }
    }
}
