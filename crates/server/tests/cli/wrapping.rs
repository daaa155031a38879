//! What people paste around a key: by every way in it is stored as it is, or refused; never with what was around it.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::{Value, json};

use crate::harness::{Done, Place, credential};

const KEY: &str = "sk-proj-canary0123456789abcdefghijklmnopqrstuvwxyz";
const OTHER: &str = "sk-proj-canary9876543210zyxwvutsrqponmlkjihgfedcba";

/// What stands before and behind the key, and whether it may come off.
fn wrappings() -> Vec<(String, bool)> {
    let certain = [
        "@",
        "@\n",
        "@\r\n",
        "@\r",
        "@\n\n",
        " @ ",
        "\t@",
        "\u{feff}@",
        "\u{feff}@\r\n",
        "\"@\"",
        "'@'",
        "`@`",
        "\"@\"\n",
        "\u{201c}@\u{201d}",
        "\u{a0}@",
        " '@' \r\n",
        "\"@\n\"",
        "@\u{2028}",
    ];
    let ambiguous = [
        "",
        "\n",
        "\"@",
        "@'",
        "@,",
        "@;",
        "@,&",
        "@ &",
        "@\n&",
        "@\r\n&\r\n",
        "NAME_KEY=@",
        "OPENAI_API_KEY=\"@\"",
        "export A_KEY=@",
        "set A_KEY=@",
        "$env:A_KEY=@",
        "A_KEY: @",
        "apiKey: @",
        "{\"apiKey\": \"@\"}",
        "x-api-key: @",
        "Authorization: Bearer @",
        "Bearer @",
        "bearer @",
        "@ # mine",
        "# @",
        "@\\n",
        "@\u{200b}",
        "\u{200b}@",
        "\u{202e}@",
        "@\u{2069}",
        "@\u{1b}[0m",
        "sk-...",
        "your-key-here",
        "xxx",
        "changeme",
        "<key>",
        "$OPENAI_API_KEY",
        "${OPENAI_API_KEY}",
        "op://vault/item/key",
        "https://api.openai.com/v1",
        "sk\u{2011}proj-0123456789abcdefghij0123456789",
    ];
    // An at sign stands for the key, an ampersand for another one.
    let full = |text: &&str| text.replace('@', KEY).replace('&', OTHER);
    certain.iter().map(|it| (full(it), true)).chain(ambiguous.iter().map(|it| (full(it), false))).collect()
}

/// The keys that the server was sent.
async fn sent(place: &Place) -> Vec<String> {
    let calls = place.server.received_requests().await.unwrap();
    let bodies = calls.iter().filter_map(|call| serde_json::from_slice::<Value>(&call.body).ok());
    bodies
        .flat_map(|body| match body["rows"].as_array() {
            Some(rows) => rows.clone(),
            None => vec![body],
        })
        .filter_map(|row| row["apiKey"].as_str().map(str::to_owned))
        .collect()
}

async fn check(way: &str, text: &str, comes_off: bool, done: &Done, place: &Place) {
    let sent = sent(place).await;
    done.shows_no_canary();
    if comes_off {
        assert_eq!((sent.as_slice(), done.code), (&[KEY.to_owned()][..], 0), "{way} {text:?}: {done:?}");
    } else {
        assert!(sent.is_empty() && !done.stderr.is_empty(), "{way} {text:?}: {sent:?} {done:?}");
    }
    assert!(!done.stderr.contains("can go") || comes_off, "{way} {text:?}: {}", done.stderr);
}

#[tokio::test]
async fn a_key_is_stored_as_it_is_or_refused_by_every_way_in() {
    for (text, comes_off) in wrappings() {
        for way in ["stdin", "file", "wide file", "argument", "stage", "import env"] {
            // A shell's argument has no end of line of its own, and none holds a NUL.
            let place = Place::with_server().await;
            place.answers("POST", "/api/admin/credentials", 201, credential(1, "a", "openai")).await;
            place
                .answers("GET", "/api/admin/credentials", 200, format!("[{}]", credential(1, "a", "openai")))
                .await;
            place.answers("POST", "/api/admin/credentials/1/stage", 200, credential(1, "a", "openai")).await;
            let row = json!({ "name": "openai-primary", "outcome": "migrated", "id": 1 });
            let report = json!({ "dryRun": false, "migrated": 1, "skipped": 0, "failed": 0, "rows": [row] });
            place.answers("POST", "/api/admin/credentials/import", 200, report.to_string()).await;
            let file = place.home.path().join("key");
            let add = ["credential", "add", "a", "--provider", "openai"];
            let from_file = [&add[..], &["--api-key-file", "key"]].concat();
            let done = match way {
                "stdin" => place.run_with_stdin(&[&add[..], &["--api-key-stdin"]].concat(), &text).await,
                "file" => {
                    std::fs::write(&file, &text).unwrap();
                    place.run(&from_file).await
                }
                "wide file" => {
                    let wide: Vec<u8> =
                        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
                    std::fs::write(&file, wide).unwrap();
                    place.run(&from_file).await
                }
                "argument" => place.run(&[&add[..], &["--api-key", &text]].concat()).await,
                "stage" if comes_off => continue,
                "stage" => {
                    place.run_with_stdin(&["credential", "stage", "a", "--api-key-stdin"], &text).await
                }
                _ => {
                    let escaped: String = text
                        .chars()
                        .map(|character| match character {
                            '\n' => "\\n".to_owned(),
                            '\r' => "\\r".to_owned(),
                            '"' | '\\' | '$' => format!("\\{character}"),
                            other => other.to_string(),
                        })
                        .collect();
                    std::fs::write(&file, format!("OPENAI_API_KEY=\"{escaped}\"\n")).unwrap();
                    place.run(&["import", "env", "--file", "key", "--yes"]).await
                }
            };
            check(way, &text, comes_off, &done, &place).await;
        }
    }
}

#[tokio::test]
async fn what_was_taken_off_is_told() {
    let place = Place::with_server().await;
    place.answers("POST", "/api/admin/credentials", 201, credential(1, "a", "openai")).await;
    let add = ["credential", "add", "a", "--provider", "openai", "--api-key-stdin"];
    let plain = place.run_with_stdin(&add, &format!("{KEY}\n")).await;
    assert_eq!((plain.code, plain.stderr.as_str()), (0, ""), "the end of a line is no wrapping");
    let wrapped = place.run_with_stdin(&add, &format!("\u{feff}\"{KEY}\" \r\n")).await;
    assert!(
        wrapped.stderr.contains("a byte order mark, blanks and quotes around the API key"),
        "{wrapped:?}"
    );
    let theirs = KEY.replace("sk-proj-", "sk-ant-api03-");
    let warned = place.run_with_stdin(&add, &theirs).await;
    assert!(warned.code == 0 && warned.stderr.contains("form of a key of anthropic"), "{warned:?}");
    warned.shows_no_canary();
}
