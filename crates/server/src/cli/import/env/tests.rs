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

/// Reads, asks with a yes, and sends to this API.
async fn run(paths: &[PathBuf], dry_run: bool, session: &Session) -> CliResult {
    run_with(paths, None, dry_run, session).await
}

async fn run_with(
    paths: &[PathBuf],
    base_url: Option<BaseUrl>,
    dry_run: bool,
    session: &Session,
) -> CliResult {
    let choices = Choices { base_url, dry_run, yes: session.yes };
    let found = prepare(paths, choices, &session.output)?;
    send(&found, (dry_run, None), &session.output, Some(session)).await
}

fn stored(api: &FakeApi) -> Vec<(String, String)> {
    api.stored().into_iter().map(|(name, key)| (name, key.unwrap())).collect()
}

#[tokio::test]
async fn files_move_in_once_and_only_once() {
    let (_directory, paths) = files(&[
        (
            ".env",
            "# keys\r\nexport OPENAI_API_KEY=\"sk-proj-one0123456789abcdef\" # main\r\nOPENAI_API_KEY_2='sk-two0123456789abcdef'\r\nPORT=80\r\nGROQ_API_KEY=\r\n",
        ),
        (
            "other.env",
            "OPENAI_API_KEY=sk-proj-one0123456789abcdef\nGOOGLE_API_KEY=AIza-three0123456789-three0123456789abc\nMISTRAL_API_KEY=a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6\n",
        ),
    ]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, false, &api.session(true)).await.unwrap(), Exit::Ok);
    let expected = [
        ("gemini-primary", "AIza-three0123456789-three0123456789abc"),
        ("openai-primary", "sk-proj-one0123456789abcdef"),
        ("openai-2", "sk-two0123456789abcdef"),
        ("mistral-primary", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"),
    ];
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
    let (_directory, paths) = files(&[(".env", "OPENAI_API_KEY=sk-proj-one0123456789abcdef\n")]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, true, &api.session(false)).await.unwrap(), Exit::Ok);
    assert!(api.stored().is_empty() && api.requests()[0].dry_run);
}

#[tokio::test]
async fn nothing_is_sent_when_there_is_nothing_to_send() {
    let (_directory, paths) = files(&[(".env", "OPENAI_API_KEY=your_key_here\nSTRIPE_SECRET_KEY=m\n")]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, false, &api.session(false)).await.unwrap(), Exit::Ok);
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_before_anything_happens() {
    let (directory, mut paths) = files(&[(".env", "OPENAI_API_KEY=sk-proj-one0123456789abcdef\n")]);
    let api = FakeApi::default();
    paths.push(directory.path().join("absent.env"));
    let error = run(&paths, false, &api.session(true)).await.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.message.contains("absent.env") && api.requests().is_empty(), "{error}");
    std::fs::write(&paths[1], b"OPENAI_API_KEY=canary\xff").unwrap();
    let error = run(&paths, false, &api.session(true)).await.unwrap_err();
    assert!(error.message.contains("not UTF-8") && !error.message.contains("canary"), "{error}");
}

/// Advice that is given after these lines were sent to this API.
async fn advice(api: &FakeApi, text: &str) -> CleanupAdvice {
    let (_directory, paths) = files(&[(".env", text)]);
    let found = find(gather(&paths, &api.session(true).output).unwrap());
    let client = Some(&api.session(true).client).cloned();
    let sender = Sender {
        client: client.as_ref(),
        source: "env",
        dry_run: false,
        skip_known_secrets: true,
        guard: None,
    };
    let imported = sender.send(found.keys.iter().map(row).collect(), |_| {}).await.unwrap();
    CleanupAdvice::of(&found, &imported, false, client.as_ref()).await.unwrap()
}

fn line_numbers(advice: &CleanupAdvice) -> Vec<String> {
    let number = |line: String| line.rsplit_once(':').unwrap().1.to_owned();
    advice.removable().into_iter().map(number).collect()
}

#[tokio::test]
async fn a_line_can_go_only_when_its_very_key_is_stored() {
    let api = FakeApi::default();
    let groq = format!("gsk_{}", "a1B2c3".repeat(9));
    let text = &format!(
        "OPENAI_API_KEY=sk-one0123456789abcdef\nGROQ_API_KEY=\"{groq}\n\"\nOPENAI_API_KEY_2=sk-one0123456789abcdef\n"
    );
    assert_eq!(line_numbers(&advice(&api, text).await), ["1", "2-3", "4"]);
    // The same key under a name and with properties that an admin has changed since.
    api.change("openai-primary", |row| {
        row.name = "main".to_owned();
        (row.priority, row.rate_limit) = (Some(3), Some(7));
    });
    assert_eq!(line_numbers(&advice(&api, text).await), ["1", "2-3", "4"]);
    // Another key under the name that this one would get.
    let other = advice(&api, "GROQ_API_KEY=gsk-other\nOPENAI_API_KEY=sk-one0123456789abcdef\n").await;
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
    let key = CandidateKey {
        provider: &strongroom_model::provider::KNOWN[0],
        name: "gemini-primary".to_owned(),
        value: Secret::from("canary"),
        places: vec![("GEMINI_API_KEY".to_owned(), Place::Environment)],
        endpoint: None,
        doubt: None,
    };
    let reason = Some("too long".to_owned());
    let imported =
        ImportedRow { name: key.name.clone(), outcome: "failed".to_owned(), reason, id: None, digest: None };
    let report = report(&[key], &[imported], false, &CleanupAdvice::default());
    let shown = text(&report);
    assert!(shown.contains("too long") && shown.ends_with("\nmigrated 0, skipped 0, failed 1"), "{shown}");
    assert!(!serde_json::to_string(&report).unwrap().contains("canary"));
}

#[tokio::test]
async fn a_line_stays_unless_every_key_on_it_is_stored() {
    let api = FakeApi::default();
    let (one, two) = (format!("gsk_{}", "c3D4e5".repeat(9)), format!("gsk_{}", "a1B2c3".repeat(9)));
    let text = &format!(
        "OPENAI_API_KEYS=sk-one0123456789abcdef,your-key-here\nGROQ_API_KEYS={one},{two}\nGEMINI_API_KEY=k1,k2\n"
    );
    assert_eq!(line_numbers(&advice(&api, text).await), ["2"]);
    api.change("groq-primary", |row| row.is_active = false);
    assert_eq!(line_numbers(&advice(&api, text).await), [""; 0]);
}

#[tokio::test]
async fn a_key_beside_a_base_url_goes_nowhere_until_somebody_says_where() {
    let text = "OPENAI_API_KEY=sk-one0123456789abcdef\nOPENAI_BASE_URL=https://user:canary@proxy.corp.example/v1\nMISTRAL_API_KEY=a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6\n";
    let (_directory, paths) = files(&[(".env", text)]);
    let api = FakeApi::default();
    let error = run(&paths, false, &api.session(true)).await.unwrap_err();
    assert!(
        error.message.contains("OPENAI_BASE_URL") && error.message.contains("proxy.corp.example"),
        "{error}"
    );
    assert!(
        error.exit == Exit::Usage && !error.message.contains("canary") && api.requests().is_empty(),
        "{error}"
    );
    run(&paths, true, &api.session(true)).await.unwrap();
    run_with(&paths, Some(BaseUrl::Take), false, &api.session(true)).await.unwrap();
    assert!(api.row("openai-primary").endpoint.unwrap().contains("proxy.corp.example"));
    assert_eq!(api.row("mistral-primary").endpoint, None);

    let api = FakeApi::default();
    run_with(&paths, Some(BaseUrl::Ignore), false, &api.session(true)).await.unwrap();
    assert_eq!(api.row("openai-primary").endpoint, None);
    // The provider's own address says nothing new, and one of a provider without keys concerns nobody.
    let own = "OPENAI_API_KEY=sk-two0123456789abcdef\nOPENAI_BASE_URL=https://api.openai.com/v1\nANTHROPIC_BASE_URL=https://x.example\n";
    let (_directory, paths) = files(&[(".env", own)]);
    run(&paths, false, &FakeApi::default().session(true)).await.unwrap();
    let two = "OPENAI_API_KEY=sk-two0123456789abcdef\nOPENAI_BASE_URL=https://a.example\nOPENAI_API_BASE=https://b.example\n";
    let (_directory, paths) = files(&[(".env", two)]);
    assert!(run_with(&paths, Some(BaseUrl::Take), false, &api.session(true)).await.is_err());
}

#[tokio::test]
async fn a_key_of_another_provider_is_not_stored_and_a_file_of_old_line_ends_is_read() {
    let theirs = "sk-ant-api03-0123456789abcdefghij0123456789abcdefghij";
    let text = format!("A=1\rOPENAI_API_KEY={theirs}\rOPENAI_API_KEY_2=sk-two0123456789abcdef\r");
    let (_directory, paths) = files(&[(".env", &text)]);
    let api = FakeApi::default();
    assert_eq!(run(&paths, false, &api.session(true)).await.unwrap(), Exit::Ok);
    assert_eq!(stored(&api), [("openai-2".to_owned(), "sk-two0123456789abcdef".to_owned())]);
    let variables = gather(&paths, &api.session(true).output).unwrap();
    let places: Vec<_> = variables.iter().map(|it| it.place.to_string()).collect();
    assert!(places[1].ends_with(".env:2") && places[2].ends_with(".env:3"), "{places:?}");
}

#[test]
fn a_key_in_no_assignment_is_named_by_its_line() {
    let key = "sk-proj-0123456789abcdefghij0123456789abcdefghij";
    let text = format!("A={key}\n# B={key}\nC=1 # {key}\n{key}\n");
    assert_eq!(keys_outside(&text, &dotenv::parse_any(&text)), [(2, "openai"), (3, "openai"), (4, "openai")]);
}
