//! Faults that the build refuses in a provider's file, each with the file's name.

#[path = "../build/check.rs"]
mod check;
#[expect(dead_code, reason = "the build writes what is only read here")]
#[path = "../build/file.rs"]
mod file;

use std::path::Path;

/// All files as they are, each with its name.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

/// The files with one text in one of them replaced.
fn with(name: &str, from: &str, to: &str) -> Vec<(String, String)> {
    let mut files = files();
    let (_, text) = files.iter_mut().find(|(file, _)| file == name).expect("the file");
    assert!(text.contains(from), "{name} has no {from}");
    *text = text.replacen(from, to, 1);
    files
}

#[test]
fn the_files_are_read_in_the_order_in_which_providers_are_tried() {
    let all = check::read(&files()).unwrap();
    let names: Vec<_> = all.providers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..5], ["gemini", "groq", "openrouter", "openai", "anthropic"]);
    assert!(all.providers.iter().all(|(_, file)| file.api.refusals_like.is_none()), "they are resolved");
    assert!(!all.compatible.refusals.is_empty());
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_name() {
    for (name, from, to, told) in [
        ("groq", "title =", "titel =", "providers/groq.toml"),
        ("groq", "as_of = \"2026-11-29\"", "as_of = \"today\"", "2026-01-31"),
        ("groq", "https://api.groq.com/openai/v1\"", "http://api.groq.com\"", "no address"),
        ("groq", "https://api.groq.com/openai/v1\"", "https://api.groq.com/openai/v1/\"", "slash"),
        ("groq", "begins = \"/groq/openai/v1/\"", "begins = \"/grok/\"", "gateway.begins"),
        ("groq", "\"/groq/openai/v1/\"],\n", "\"/elsewhere/v1/\"],\n", "gateway.spellings"),
        ("groq", "least = 40", "least = 2", "lengths"),
        ("groq", "begins = \"compound\"", "begins = \"compound\"\ncontains = \"x\"", "models: give one"),
        ("groq", "keys = [\"GROQ_API_KEY\"]", "keys = []", "variable"),
        ("groq", "GROQ_KEY", "OPENAI_API_KEY", "OPENAI_API_KEY is a variable of"),
        ("groq", "key_header = \"bearer\"", "key_header = \"X Key\"", "key_header"),
        ("groq", "post = \"responses\"", "post = \"/responses\"", "below the base URL"),
        ("groq", "post = \"responses\"", "post = \"embeddings\"", "twice"),
        ("groq", "post = \"responses\"", "get = \"x\", post = \"responses\"", "one of get and post"),
        ("groq", "meter = \"chat\"", "meter = \"chats\"", "chats"),
        ("groq", "refusals_like = \"openai\"", "refusals_like = \"nobody\"", "nobody"),
        ("groq", "at = \"/error/code\"", "at = \"error\"", "JSON pointer"),
        ("groq", "dialect = \"openai\"", "dialect = \"openai\"\nowns_dialect = true", "own the dialect"),
        ("grok", "aliases = [\"xai\"", "aliases = [\"groq\"", "two providers are called"),
        ("grok", "\"frequency_penalty\",", "\"deferred\",", "twice"),
        (
            "mistral",
            "field = \"guardrails\", effect = \"refused\"",
            "field = \"safety_model\", effect = \"bytes\"",
            "another thing",
        ),
        ("anthropic", "vendor = \"anthropic\"", "vendor = \"openai\"", "vendor"),
        ("openai", "title = \"OpenAI\"", "title = 7", "providers/openai.toml"),
        ("compatible", "dialect = \"openai\"", "dialect = \"klingon\"", "providers/compatible.toml"),
    ] {
        let problem = check::read(&with(name, from, to)).expect_err(to);
        assert!(problem.contains(told), "{to}: {problem}");
    }
    let without: Vec<_> = files().into_iter().filter(|(name, _)| name != "compatible").collect();
    assert!(check::read(&without).unwrap_err().contains("compatible"));
    let renamed: Vec<_> =
        files().into_iter().map(|(name, text)| (name.replace("groq", "Groq"), text)).collect();
    assert!(check::read(&renamed).unwrap_err().contains("no name"));
}
