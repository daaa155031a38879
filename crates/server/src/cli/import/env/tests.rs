//! `.env` files on their way into an API in memory.

use tempfile::TempDir;

use super::*;
use crate::cli::import::fake_api::FakeApi;

/// A directory with these files.
fn files(contents: &[(&str, &str)]) -> (TempDir, Vec<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    let write = |(name, text): &(&str, &str)| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let paths = contents.iter().map(write).collect();
    (directory, paths)
}

fn stored(api: &FakeApi) -> Vec<(String, String)> {
    api.stored().into_iter().map(|(name, key)| (name, key.unwrap())).collect()
}

#[tokio::test]
async fn files_move_in_once_and_only_once() {
    let (_directory, paths) = files(&[
        (
            ".env",
            "# keys\r\nexport OPENAI_API_KEY=\"sk-proj-one\" # main\r\nOPENAI_API_KEY_2='sk-$two'\r\nPORT=80\r\nGROQ_API_KEY=\r\n",
        ),
        ("other.env", "OPENAI_API_KEY=sk-proj-one\nGOOGLE_API_KEY=AIza-three\nMISTRAL_API_KEY=m\n"),
    ]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, false, &api.session(true)).await.unwrap(), Exit::Ok);
    let expected =
        [("gemini-primary", "AIza-three"), ("openai-primary", "sk-proj-one"), ("openai-2", "sk-$two")];
    let expected: Vec<_> =
        expected.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
    assert_eq!(stored(&api), expected);
    assert_eq!(run(&paths, false, &api.session(true)).await.unwrap(), Exit::Ok);
    assert_eq!(stored(&api), expected);
    let requests = api.requests();
    assert!(
        requests.iter().all(|it| it.source == "env" && it.skip_known_secrets && !it.dry_run),
        "{requests:?}"
    );
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_stores_nothing() {
    let (_directory, paths) = files(&[(".env", "OPENAI_API_KEY=sk-proj-one\n")]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, true, &api.session(false)).await.unwrap(), Exit::Ok);
    assert!(api.stored().is_empty() && api.requests()[0].dry_run);
}

#[tokio::test]
async fn nothing_is_sent_when_there_is_nothing_to_send() {
    let (_directory, paths) = files(&[(".env", "OPENAI_API_KEY=your_key_here\nMISTRAL_API_KEY=m\n")]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, false, &api.session(false)).await.unwrap(), Exit::Ok);
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_before_anything_happens() {
    let (directory, mut paths) = files(&[(".env", "OPENAI_API_KEY=sk-proj-one\n")]);
    let api = FakeApi::default();
    paths.push(directory.path().join("absent.env"));
    let error = run(&paths, false, &api.session(true)).await.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.message.contains("absent.env") && api.requests().is_empty(), "{error}");
    std::fs::write(&paths[1], b"OPENAI_API_KEY=canary\xff").unwrap();
    let error = run(&paths, false, &api.session(true)).await.unwrap_err();
    assert!(error.message.contains("not UTF-8") && !error.message.contains("canary"), "{error}");
}

/// What is left to do after these lines were sent to this API.
async fn afterwards(api: &FakeApi, text: &str) -> Afterwards {
    let (_directory, paths) = files(&[(".env", text)]);
    let keys = find(gather(&paths, &api.session(true).output).unwrap()).keys;
    let client = api.session(true).client;
    let sender = Sender { client: &client, source: "env", dry_run: false, skip_known_secrets: true };
    let imported = sender.send(keys.iter().map(row).collect(), |_| {}).await.unwrap();
    Afterwards::of(&keys, &imported, false, &client).await.unwrap()
}

fn line_numbers(afterwards: &Afterwards) -> Vec<String> {
    let number = |line: String| line.rsplit_once(':').unwrap().1.to_owned();
    afterwards.removable().into_iter().map(number).collect()
}

#[tokio::test]
async fn a_line_can_go_only_when_its_very_key_is_stored() {
    let api = FakeApi::default();
    let text = "OPENAI_API_KEY=sk-one\nGROQ_API_KEY=\"gsk-\ntwo\"\nOPENAI_API_KEY_2=sk-one\n";
    assert_eq!(line_numbers(&afterwards(&api, text).await), ["1", "2-3", "4"]);
    // The same key under a name and with properties that an admin has changed since.
    api.change("openai-primary", |row| {
        row.name = "main".to_owned();
        (row.priority, row.rate_limit) = (Some(3), Some(7));
    });
    assert_eq!(line_numbers(&afterwards(&api, text).await), ["1", "2-3", "4"]);
    // Another key under the name that this one would get.
    let other = afterwards(&api, "GROQ_API_KEY=gsk-other\nOPENAI_API_KEY=sk-one\n").await;
    assert_eq!(line_numbers(&other), ["2"]);
    assert!(other.lines().iter().any(|line| line.contains("\"groq-primary\" was there already")));
}

#[test]
fn the_preview_masks_keys_and_names_lines() {
    let (_directory, paths) =
        files(&[(".env", "\nOPENAI_API_KEY=sk-proj-0123456789abcdefghij0123456789abcdefghij\n")]);
    let output = FakeApi::default().session(true).output;
    let shown = preview(&find(gather(&paths, &output).unwrap()).keys).to_string();
    assert!(
        shown.contains("openai-primary") && shown.contains(".env:2") && shown.contains("sk-proj-…"),
        "{shown}"
    );
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn the_summary_is_one_line_and_a_failure_has_its_reason() {
    let key = FoundKey {
        provider: &strongroom_model::provider::KNOWN[0],
        name: "gemini-primary".to_owned(),
        value: Secret::from("canary"),
        places: vec![("GEMINI_API_KEY".to_owned(), Place::Environment)],
    };
    let reason = Some("too long".to_owned());
    let imported =
        ImportedRow { name: key.name.clone(), outcome: "failed".to_owned(), reason, id: None, digest: None };
    let report = report(&[key], &[imported], false, &Afterwards::default());
    let shown = text(&report);
    assert!(shown.contains("too long") && shown.ends_with("\nmigrated 0, skipped 0, failed 1"), "{shown}");
    assert!(!serde_json::to_string(&report).unwrap().contains("canary"));
}
