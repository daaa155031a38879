//! Code knows dialects, files know providers: no provider's name stands in a text of the product's code, but for those that
//! are listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use strongroom_testkit::real_parts::workspace_root;

/// Files whose texts name providers, how many texts, and why. Numbers may only fall.
const EXCEPTIONS: &[(&str, usize, &str)] = &[
    ("crates/client/src/wire/alert.rs", 2, "Examples of the API."),
    ("crates/client/src/wire/credential.rs", 2, "Examples of the API."),
    ("crates/client/src/wire/limit.rs", 2, "Examples of the API."),
    ("crates/client/src/wire/token.rs", 1, "Examples of the API."),
    (
        "crates/connectors/src/ai/gateway/json_picker/marks.rs",
        1,
        "A name in OpenAI's language, as one provider writes it.",
    ),
    ("crates/connectors/src/ai/gateway/operation.rs", 1, "What a path in OpenAI's language has in it."),
    ("crates/connectors/src/ai/gateway/refusal.rs", 1, "The name of a header."),
    ("crates/connectors/src/ai/gateway/request/openai.rs", 2, "Fields of OpenAI's language."),
    ("crates/connectors/src/ai/gateway/spelling.rs", 1, "What a path in OpenAI's language has in it."),
    ("crates/connectors/src/ai/gateway/usage.rs", 1, "The name of a header."),
    ("crates/connectors/src/endpoint_guard/reach.rs", 1, "The host of a cloud's metadata."),
    ("crates/connectors/src/key_pattern/foreign.rs", 2, "Whose keys look like those of others."),
    ("crates/dashboard/src/page/credential_list.rs", 1, "An example of a command."),
    ("crates/dashboard/src/page/overview.rs", 5, "Colours that stay the same in every chart."),
    ("crates/dashboard/src/page/reveal.rs", 6, "Examples of addresses, and names of formats."),
    (
        "crates/dashboard/src/page/start.rs",
        5,
        "Examples of commands and of addresses, and how libraries are told them.",
    ),
    ("crates/model/src/provider.rs", 1, "Examples in an error."),
    ("crates/model/src/provider/variable.rs", 1, "A word of many clouds' variables."),
    ("crates/server/src/api/route/explain.rs", 1, "An example in an error."),
    ("crates/server/src/cli/credential/add.rs", 1, "The name of a format."),
    ("crates/server/src/cli/offboard.rs", 1, "Help: who tells of a key."),
    ("crates/server/src/config/fallback.rs", 1, "An example in a setting's description."),
    ("crates/server/src/config/gateway.rs", 1, "Examples in a setting's description."),
    ("crates/server/src/api/docs_page/example.rs", 2, "Examples of the API."),
    ("crates/server/src/gateway/attempt.rs", 2, "Names of headers."),
    ("crates/server/src/gateway/header.rs", 2, "Names of headers."),
    (
        "crates/server/src/gateway/header/passed.rs",
        14,
        "Names of headers: which may pass is decided for all providers together.",
    ),
    ("crates/server/src/gateway/target.rs", 3, "Examples in errors, and the name of a header."),
    ("crates/server/src/http/parameter.rs", 1, "Examples of the API."),
    ("crates/strongroom/src/credential/create.rs", 1, "The name of a format."),
    ("crates/strongroom/src/credential/rotate.rs", 1, "The remedy in an error."),
];

/// Words that are also plain English, and count only where a text is the word alone.
const WORDS: [&str; 1] = ["together"];

fn names() -> Vec<String> {
    let mut names = Vec::new();
    for known in strongroom_model::provider::KNOWN {
        names.push(known.name.to_owned());
        names.extend(known.aliases.iter().map(|alias| (*alias).to_owned()));
    }
    names
}

/// The code of a file without its tests and without lines of comment.
fn product(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The texts between double quotes, roughly: raw texts among them.
fn texts(code: &str) -> Vec<String> {
    let (mut texts, mut text, mut characters) = (Vec::new(), None::<String>, code.chars());
    while let Some(character) = characters.next() {
        match (&mut text, character) {
            (Some(inside), '\\') => inside.extend(characters.next()),
            (Some(_), '"') => texts.extend(text.take()),
            (Some(inside), other) => inside.push(other),
            (None, '\'') => {
                // A letter between single quotes may be a double quote.
                let rest = characters.as_str();
                if rest.starts_with("\"'") || rest.starts_with("\\\"'") {
                    characters.nth(rest.find('\'').unwrap_or(0));
                }
            }
            (None, '"') => text = Some(String::new()),
            (None, _) => {}
        }
    }
    texts
}

fn names_a_provider(text: &str, names: &[String]) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| {
        let is_alone = word.len() == text.len();
        names.iter().any(|name| name == word && (is_alone || !WORDS.contains(&word)))
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_some_and(|name| !name.to_string_lossy().ends_with("tests"))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_providers_name_stands_in_code_but_for_those_that_are_listed() {
    let names = names();
    let root = workspace_root();
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir(root.join("crates")).expect("the crates") {
        let mut files = Vec::new();
        sources(&entry.expect("an entry").path().join("src"), &mut files);
        for file in files {
            let code = product(&fs::read_to_string(&file).expect("text"));
            let count = texts(&code).iter().filter(|text| names_a_provider(text, &names)).count();
            if count > 0 {
                let path = file.strip_prefix(&root).expect("below the root").display().to_string();
                counts.insert(path, count);
            }
        }
    }
    let allowed: BTreeMap<_, _> =
        EXCEPTIONS.iter().map(|(file, count, _)| ((*file).to_owned(), *count)).collect();
    assert_eq!(
        counts, allowed,
        "a provider belongs into crates/model/providers/; what falls is lowered here"
    );
}

#[test]
fn names_are_seen_where_they_stand() {
    let names = names();
    for (code, count) in [
        (r#"match name { "groq" => 1, _ => 2 }"#, 1),
        (r#"let path = "/groq/openai/v1";"#, 1),
        (r#"let quote = '"'; let name = "xai";"#, 1),
        (r#"let text = "say \"openai\" to all of them together";"#, 1),
        (r#"let word = "all together now"; let kind = "together";"#, 1),
        ("/// \"groq\"\nfn groq() {}", 0),
        ("let a = 1;\n#[cfg(test)]\nmod tests { const A: &str = \"groq\"; }", 0),
    ] {
        let found = texts(&product(code)).iter().filter(|text| names_a_provider(text, &names)).count();
        assert_eq!(found, count, "{code}");
    }
}
