//! Names in paths: what is authorised is what is fetched, however it is spelled.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::BACKEND;
use crate::support::call::get_raw;
use crate::support::server::Installation;

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(body).unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_new_name_is_plain_or_refused() {
    let server = Installation::new(BACKEND).await.start();
    for bad in [
        ".",
        "..",
        "a/b",
        "a%2Fb",
        "%2e%2e",
        "a\\b",
        "a\u{0}b",
        "ünï",
        "a b",
        " a",
        "a\n",
        "-a",
        ".a",
        "_a",
        "*",
        "a*",
        "?",
        "123",
        "007",
        "a#",
        "a:b",
        "\u{202e}a",
        "a\u{200b}",
        "ａ",
    ] {
        let request = json!({ "name": bad, "provider": "openai" });
        let answer = server.post("/api/admin/credentials", request).await.expect(400);
        assert_eq!(answer.at("field"), "name", "{bad:?}");
    }
    for good in ["a", "A", "openai-primary", "a.b_c-d", "0x", "1.2", &"x".repeat(128)] {
        let request = json!({ "name": good, "provider": "openai" });
        server.post("/api/admin/credentials", request).await.expect(201);
    }
}

/// Ways to write a path to a name that are not, or not surely, that name.
fn spellings(name: &str) -> Vec<String> {
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = encoded.replace('%', "%25");
    let mut spellings = vec![
        name.to_owned(),
        name.to_uppercase(),
        encoded,
        twice,
        format!("{name}/"),
        format!("{name}%00"),
        format!("{name}%20"),
        format!("%20{name}"),
        format!("{name}%0a"),
        format!("./{name}"),
        format!("x/../{name}"),
        format!("..%2fcredentials%2f{name}"),
        format!("{name};x=1"),
        format!("{name}%3fx"),
        format!("{name}%23x"),
        format!("{name}%2frate-limit"),
        format!("{}%", &name[..name.len() - 1]),
        format!("{}_", &name[..name.len() - 1]),
        format!("{}*", &name[..name.len() - 1]),
    ];
    spellings.extend(["%".into(), "%2".into(), "%zz".into(), "*".into(), "_".into(), "%25".into()]);
    spellings.extend(["%ff".into(), "%c0%ae".into(), "..".into(), "%2e%2e".into(), "".into()]);
    spellings
}

#[tokio::test]
async fn every_spelling_of_a_name_leads_to_that_name_or_nowhere() {
    let server = Installation::new(BACKEND).await.start();
    let names = ["vault.a", "Vault.a", "vault_a", "vault-a", "vault.ab", "vault", "rate-limit"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(server.credential(name, json!({})).await);
    }
    let narrow = server
        .token(json!({ "name": "narrow", "role": "reader", "scope": { "credentials": ["vault.a"] } }))
        .await;
    for spelling in spellings("vault.a") {
        let path = format!("/api/credentials/{spelling}");
        let meant = percent_decode_str(&spelling).decode_utf8().ok().map(|it| it.into_owned());
        let known = meant.and_then(|meant| names.iter().position(|name| *name == meant));

        let (status, answer) = get_raw(server.address(), &path, &server.admin);
        match known {
            Some(index) => {
                assert_eq!(status, 200, "{path}: {answer}");
                assert_eq!(body(&answer)["id"], ids[index], "{path}");
                assert_eq!(body(&answer)["apiKey"], format!("sk-of-{}", names[index]), "{path}");
            }
            None => assert!((400..500).contains(&status), "{path}: {answer}"),
        }

        let (status, answer) = get_raw(server.address(), &path, &narrow);
        if known == Some(0) {
            assert_eq!((status, &body(&answer)["id"]), (200, &json!(ids[0])), "{path}");
        } else {
            assert!((400..500).contains(&status) && !answer.contains("sk-of-"), "{path}: {answer}");
        }
    }
    let entries = server.get("/api/admin/audit-logs?action=credential.read&outcome=success&limit=1000").await;
    for entry in entries.expect(200).json().as_array().unwrap() {
        assert!(names.contains(&entry["targetName"].as_str().unwrap()), "{entry}");
    }
}

/// A spelling of this text that was made up: some characters encoded, some twice, and something added at either end.
fn made_up(text: &str, choices: &mut impl Iterator<Item = u8>) -> String {
    const ADDED: [&str; 24] = [
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        ".",
        "..",
        "/",
        "%2f",
        "%2e",
        "%2e%2e",
        "%00",
        "%20",
        "*",
        "%25",
        "?",
        ";",
        "%c0%ae",
        "%ff",
        "%e2%80%8b",
        "%5c",
    ];
    let mut choose = |among: usize| usize::from(choices.next().unwrap()) % among;
    let mut spelled = ADDED[choose(ADDED.len())].to_owned();
    for character in text.chars() {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).bytes();
        let encoded: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
        match choose(16) {
            0 => spelled.push_str(&encoded.to_lowercase()),
            1 => spelled.push_str(&encoded),
            2 => spelled.push_str(&encoded.replace('%', "%25")),
            3 => spelled.extend(character.to_uppercase()),
            _ => spelled.push(character),
        }
    }
    spelled.push_str(ADDED[choose(ADDED.len())]);
    spelled
}

/// Without end, and the same in every run.
fn choices() -> impl Iterator<Item = u8> {
    (0_u64..).flat_map(|number| {
        let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()
    })
}

#[tokio::test]
async fn whatever_spelling_is_made_up_what_is_authorised_is_what_is_fetched() {
    let server = Installation::new(BACKEND).await.start();
    let names = ["vault.a", "VAULT.A", "vault-a", "vault_a"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(server.credential(name, json!({})).await);
    }
    let narrow = server
        .token(json!({ "name": "narrow", "role": "reader", "scope": { "credentials": ["vault.a"] } }))
        .await;
    let mut choices = choices();
    let (mut found, mut refused) = (0, 0);
    for number in 0..600 {
        let name = names[number % names.len()];
        let spelled = made_up(name, &mut choices);
        let path = format!("/api/credentials/{spelled}");
        let (status, answer) = get_raw(server.address(), &path, &server.admin);
        let fetched = (status == 200).then(|| {
            let place = ids.iter().position(|id| body(&answer)["id"] == *id).unwrap();
            assert_eq!(body(&answer)["apiKey"], format!("sk-of-{}", names[place]), "{path}");
            // What decodes once to a name, up to a query, is that name and no other.
            let spelled = spelled.split('?').next().unwrap();
            assert_eq!(percent_decode_str(spelled).decode_utf8_lossy(), names[place], "{path}");
            place
        });
        assert!(fetched.is_some() || (400..500).contains(&status), "{path}: {answer}");
        found += usize::from(fetched.is_some());
        refused += usize::from(fetched.is_none());
        let (status, answer) = get_raw(server.address(), &path, &narrow);
        match fetched {
            Some(0) => assert_eq!((status, &body(&answer)["id"]), (200, &json!(ids[0])), "{path}"),
            _ => assert!((400..500).contains(&status) && !answer.contains("sk-of-"), "{path}: {answer}"),
        }
    }
    assert!(found > 20 && refused > 20, "{found} found, {refused} refused");
}

#[tokio::test]
async fn every_spelling_of_an_id_leads_to_that_id_or_nowhere() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("a", json!({})).await;
    server.credential("b", json!({})).await;
    let encoded: String = id.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let around = [
        "{}",
        "+{}",
        "0{}",
        "-{}",
        "{}.0",
        "{}e0",
        "0x{}",
        "{}%00",
        "%20{}",
        "{}%20",
        "{}%0a",
        "{}/",
        "./{}",
        "{}x",
        "{},2",
        "{};x",
        "x/../{}",
        "{}%2f..%2f{}",
        "{}*",
        "{}%3f",
        "{}?x",
    ];
    let mut spellings: Vec<String> = around.iter().map(|odd| odd.replace("{}", &id.to_string())).collect();
    spellings.extend([encoded.clone(), encoded.replace('%', "%25")]);
    spellings.extend([32, 64].map(|bits| (i128::from(id) + (1_i128 << bits)).to_string()));
    let others = ["\u{661}", "\u{ff11}", "*", "%", "_", ".", "..", "null", "a", "A", "true"];
    spellings.extend(others.map(|odd| utf8_percent_encode(odd, NON_ALPHANUMERIC).to_string()));
    let mut found = 0;
    for spelling in spellings {
        let path = format!("/api/admin/credentials/{spelling}");
        let (status, answer) = get_raw(server.address(), &path, &server.admin);
        if status == 200 {
            found += 1;
            assert_eq!(body(&answer)["id"], id, "{path}: {answer}");
            let spelled = spelling.split('?').next().unwrap();
            let meant = percent_decode_str(spelled).decode_utf8_lossy().parse::<i64>();
            assert_eq!(meant.ok(), Some(id), "{path}: {answer}");
        } else {
            assert!((400..500).contains(&status), "{path}: {answer}");
        }
    }
    assert!(found >= 3, "{found}");
}

#[tokio::test]
async fn a_name_from_elsewhere_is_kept_as_it_is_and_read_percent_encoded() {
    let server = Installation::new(BACKEND).await.start();
    let odd = [
        "..",
        ".",
        "a/b",
        "a%2Fb",
        "100%",
        "with space",
        "ünïcødé 🔑",
        "q?x=1#f",
        "123",
        "\u{202e}right-to-left",
        "a\\b",
        "new\nline",
        "'; DROP TABLE users; --",
        "rate-limit",
        "%00",
        "a//b",
    ];
    let rows: Vec<_> = odd
        .iter()
        .map(|name| {
            json!({ "name": name, "provider": "openai", "apiKey": format!("sk-of-{name}"), "isActive": true, "isGlobal": true })
        })
        .collect();
    let report = server
        .post("/api/admin/credentials/import", json!({ "source": "legacy", "rows": rows }))
        .await
        .expect(200)
        .json();
    assert_eq!((&report["migrated"], &report["failed"]), (&json!(odd.len()), &json!(0)), "{report}");
    for (name, row) in odd.iter().zip(report["rows"].as_array().unwrap()) {
        let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let (status, answer) =
            get_raw(server.address(), &format!("/api/credentials/{encoded}"), &server.admin);
        assert_eq!(status, 200, "{name:?}: {answer}");
        let read = body(&answer);
        assert_eq!((&read["name"], &read["id"]), (&json!(name), &row["id"]), "{name:?}");
        assert_eq!(read["apiKey"], format!("sk-of-{name}"));
        let (status, answer) =
            get_raw(server.address(), &format!("/api/credentials/{encoded}/rate-limit"), &server.admin);
        assert_eq!(status, 200, "{name:?}: {answer}");
        let found = server.get(&format!("/api/admin/credentials?name={encoded}")).await.expect(200).json();
        assert_eq!(found[0]["id"], row["id"], "{name:?}");
    }
}

#[tokio::test]
async fn a_provider_is_one_name_in_any_case_and_never_a_path() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("g", json!({ "provider": "Google" })).await;
    for spelling in ["gemini", "GEMINI", "google", "Gemini"] {
        let read = server.get(&format!("/api/providers/{spelling}/credential")).await.expect(200);
        assert_eq!(read.id(), id, "{spelling}");
    }
    for bad in ["%2e%2e", "gem%2fini", "gemini%00", "*", "%25", "gem_ni"] {
        let (status, answer) =
            get_raw(server.address(), &format!("/api/providers/{bad}/credential"), &server.admin);
        assert!([400, 404].contains(&status), "{bad}: {answer}");
    }
}
