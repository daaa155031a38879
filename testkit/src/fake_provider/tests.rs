//! The fake is strict: it is spoken to without a client that could mend a mistake.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

async fn get(fake: &FakeProvider, target: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(fake.address()).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn a_key_counts_only_in_the_providers_own_header() {
    let fake = FakeProvider::start().await.unwrap();
    let key = Behaviour::Ok.key();
    let bearer = format!("authorization: Bearer {key}\r\n");
    let anthropic = format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n");
    let gemini = format!("x-goog-api-key: {key}\r\n");
    for (path, right) in [
        ("/openai/v1/models", &bearer),
        ("/anthropic/v1/models", &anthropic),
        ("/gemini/v1beta/models", &gemini),
        ("/openrouter/api/v1/key", &bearer),
        ("/groq/openai/v1/models", &bearer),
        ("/compatible/v1/models", &bearer),
    ] {
        for headers in [&bearer, &anthropic, &gemini] {
            let (status, body) = get(&fake, path, headers).await;
            assert_eq!(status == 200, headers == right, "{path} {headers} {body}");
        }
        assert_ne!(get(&fake, &format!("{path}?key={key}"), "").await.0, 200, "{path}");
    }
    assert_eq!(get(&fake, "/anthropic/v1/models", &format!("x-api-key: {key}\r\n")).await.0, 400);
    assert_eq!(get(&fake, "/openrouter/api/v1/models", "").await.0, 200);
    assert_eq!(get(&fake, "/openai/v1/other", &bearer).await.0, 404);
}

#[tokio::test]
async fn it_repeats_keys_as_the_providers_do_and_records_what_it_saw() {
    let fake = FakeProvider::start().await.unwrap();
    let (status, body) =
        get(&fake, "/openai/v1/models?limit=1", "authorization: Bearer sk-unknown-1234567890\r\n").await;
    assert_eq!(status, 401);
    assert!(body.contains("sk-unkno") && body.contains("7890") && !body.contains("wn-123"), "{body}");

    let seen = fake.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/openai/v1/models"));
    assert_eq!(seen[0].query.as_deref(), Some("limit=1"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer sk-unknown-1234567890"));
}

#[test]
fn every_behaviour_has_a_key_of_its_own() {
    for behaviour in Behaviour::ALL {
        assert_eq!(Behaviour::of_key(&behaviour.key()), behaviour);
    }
    assert_eq!(Behaviour::of_key("sk-fake-ok"), Behaviour::Ok);
    assert_eq!(Behaviour::of_key("sk-other"), Behaviour::WrongKey);
}
