//! Bodies that are not read, cannot be read, or leave otherwise than they came.

use super::*;

#[test]
fn what_was_not_read_is_refused_under_a_limit() {
    let unread = RequestFacts::unread_for(Meter::Chat, "content-type").bound;
    assert_eq!((unread.unclear.as_deref(), unread.is_metered), (Some("content-type"), true));
    assert_eq!(RequestFacts::unread(Meter::Free).bound, CallBound::of(Some(0), Some(0)));
    assert_eq!(RequestFacts::unread(Meter::Unmetered).bound, CallBound::UNKNOWN);
}

#[test]
fn what_cannot_be_counted_or_read_is_refused() {
    for body in
        ["", "[]", "{", "sk-canary", "{\"a\":1}}", "{\"a\":1,}", "{'a':1}", "{\"a\":NaN}", "\u{feff}{}"]
    {
        assert_eq!(try_read(CHAT, body), Err(RequestError::NotJson), "{body}");
        assert_eq!(try_read(IMAGES, body), Err(RequestError::NotJson), "{body}");
    }
    for model in ["1", "{}", "[\"gpt-4o\"]", "true", r#""\ud83d""#] {
        let body = format!(r#"{{"model":{model}}}"#);
        assert_eq!(try_read(CHAT, &body), Err(RequestError::NotText("model")), "{model}");
    }
    for value in ["true", "1", "\"true\"", "\"false\"", "{}", "[]", "0"] {
        for path in [RESPONSES, CHAT, MESSAGES, GEMINI, IMAGES] {
            let body = format!(r#"{{"b\u0061ckground":{value}}}"#);
            assert_eq!(try_read(path, &body), Err(RequestError::Deferred), "{path} {value}");
        }
    }
    for value in ["false", "null"] {
        let body = format!(r#"{{"background":{value},"input":"a"}}"#);
        assert_eq!(of(bound(RESPONSES, &body).input), Some(written(&body)));
    }
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert_eq!(try_read(CHAT, &deep), Err(RequestError::NotJson));
    // Clients that cut a text in the middle of a pair write this.
    let half =
        r#"{"messages":[{"role":"user","content":"\ud83d"},{"content":[{"type":"text","text":"\ud83d"}]}]}"#;
    assert_eq!(of(bound(CHAT, half).input), Some(written(half)));
}

#[test]
fn only_what_must_change_changes() {
    let rewrite = |body: &str, model: Option<&str>, ask: bool| {
        let changed = read(CHAT, body).rewritten(body.as_bytes(), model, ask);
        changed.map(|changed| String::from_utf8(changed).unwrap())
    };
    let body = r#" { "messages" : [{"model":"inner"}], "model" : "openai/gpt-4o" , "stream":true}"#;
    assert_eq!(
        rewrite(body, Some("gpt-4o"), false).unwrap(),
        r#" { "messages" : [{"model":"inner"}], "model" : "gpt-4o" , "stream":true}"#
    );
    assert_eq!(
        rewrite(body, Some("gpt\"4o"), true).unwrap(),
        r#" {"stream_options":{"include_usage":true}, "messages" : [{"model":"inner"}], "model" : "gpt\"4o" , "stream":true}"#
    );
    let escaped = r#"{"\u006dodel":"op\u0065nai/m","str\u0065am":true,"stream_option\u0073": null }"#;
    assert_eq!(
        rewrite(escaped, Some("m"), true).unwrap(),
        r#"{"\u006dodel":"m","str\u0065am":true,"stream_option\u0073": {"include_usage":true} }"#
    );
    for options in [r#"{"include_usage":false,"x":1}"#, r#"{"include\u005fusage":null}"#, "null", "{}"] {
        let body = format!(r#"{{"stream_options":{options},"model":"m","stream":true}}"#);
        let changed = rewrite(&body, None, true).unwrap();
        assert!(changed.contains(r#""include_usage":true"#), "{changed}");
        assert_eq!(changed.matches("stream_options").count(), 1, "{changed}");
        assert_eq!(changed.matches("include_usage").count(), 1, "{changed}");
        assert_eq!(options.contains("\"x\":1"), changed.contains(r#""x":1"#), "{changed}");
        serde_json::from_str::<serde_json::Value>(&changed).unwrap();
    }
    let asked = r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#;
    assert_eq!(rewrite(asked, Some("m"), true), None);
    assert_eq!(rewrite(r#"{"model":"m"}"#, None, true), None);
    assert_eq!(rewrite(r#"{"stream_options":"x","stream":true}"#, None, true), None);
}
