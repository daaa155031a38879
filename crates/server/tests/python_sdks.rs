//! The gateway before the providers' own libraries for Python.

use std::process::Command;

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use strongroom_testkit::{Backend, real_parts};

const BACKEND: Backend = Backend::Sqlite;

#[expect(dead_code, reason = "shared with suites that call the server themselves")]
mod cases {
    #[path = "../cases/sdks.rs"]
    pub(crate) mod sdks;
    #[path = "../cases/stage.rs"]
    pub(crate) mod stage;
}
#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_own_libraries_work_by_base_url_and_token_alone() {
    let mut program = Command::new(real_parts::python_program("python"));
    program.arg(real_parts::workspace_root().join("testkit/python/sdks.py"));
    cases::sdks::run(program).await;
}

/// Paths of the programs in `examples/gateway/`, and the provider that each calls by its library.
fn examples() -> Vec<(String, &'static str)> {
    let folder = real_parts::workspace_root().join("examples/gateway");
    let files =
        std::fs::read_dir(folder).expect("the folder of examples").map(|entry| entry.expect("a file"));
    let mut paths: Vec<_> = files.map(|file| file.path().display().to_string()).collect();
    paths.sort_unstable();
    let provider = |path: &str| match path.rsplit('/').next().expect("a name") {
        "anthropic_messages.py" => "anthropic",
        "google_genai.py" => "gemini",
        "openai_chat.py" => "openai",
        other => panic!("no provider is known for the example {other}"),
    };
    paths.into_iter().map(|path| (path.clone(), provider(&path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_print_answers_and_what_a_limit_refuses() {
    let stage = cases::stage::Stage::new().await;
    let python = real_parts::python_program("python").display().to_string();
    let examples = examples();
    assert_eq!(examples.len(), 3, "{examples:?}");
    for (path, provider) in examples {
        stage.credential(provider, provider, Mode::Ok, json!({})).await;
        let (code, said, errors) = stage.cli(&["run", "--gateway", "--", &python, &path]);
        let all = "answer: Hello from the fake.\nstream: Hello from the fake.\n";
        assert_eq!((code, said.as_str()), (0, all), "{path}: {errors}");

        let limited = ["run", "--gateway", "--requests", "1", "--", &python, &path];
        let (code, said, errors) = stage.cli(&limited);
        let refused = said.strip_prefix("answer: Hello from the fake.\nrefused: ");
        assert_eq!(code, 0, "{path}: {said}{errors}");
        assert!(refused.is_some_and(|it| it.contains("Rate limit exceeded")), "{path}: {said}{errors}");
    }
}
