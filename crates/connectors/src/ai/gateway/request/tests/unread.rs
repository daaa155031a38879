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

#[test]
fn a_body_that_is_not_utf_8_is_refused_wherever_the_bytes_stand() {
    for path in [CHAT, RESPONSES, MESSAGES, GEMINI, EMBEDDINGS, IMAGES, COUNT_TOKENS] {
        for (before, behind) in [
            (r#"{"messages":[{"role":"user","content":""#, r#""}]}"#),
            (r#"{"contents":[{"parts":[{"text":""#, r#""}]}]}"#),
            (r#"{"never_heard_of":""#, r#""}"#),
            (r#"{"never_heard_of"#, r#"":1}"#),
        ] {
            for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"gr\xc3\xbcn \x80"] {
                let body = [before.as_bytes(), bytes, behind.as_bytes()].concat();
                let read = RequestFacts::read(operation(path), &body);
                assert_eq!(read, Err(RequestError::NotUtf8), "{path} {before} {bytes:?}");
            }
            let fine = [before, "gr\u{fc}n \u{1f511}", behind].concat();
            assert!(RequestFacts::read(operation(path), fine.as_bytes()).is_ok(), "{path} {fine}");
        }
    }
}

#[test]
fn an_object_has_as_many_fields_as_a_request_can_have_and_no_more() {
    let many = |count: usize| vec![r#""s":1"#; count].join(",");
    let too_many = |place: &str| Err(RequestError::TooManyFields(place.into()));
    for path in [CHAT, RESPONSES, MESSAGES, GEMINI, EMBEDDINGS, IMAGES] {
        assert!(try_read(path, &format!("{{{}}}", many(1000))).is_ok(), "{path}");
        assert_eq!(try_read(path, &format!("{{{}}}", many(100_000))), too_many("the body"), "{path}");
    }
    for (path, before, behind, place) in [
        (CHAT, r#"{"stream_options":{"#, "}}", "stream_options"),
        (CHAT, r#"{"messages":[{"#, "}]}", "messages[0]"),
        (CHAT, r#"{"messages":[{"content":[{"#, "}]}]}", "messages[0].content[0]"),
        (RESPONSES, r#"{"input":[{"#, "}]}", "input[0]"),
        (MESSAGES, r#"{"tools":[{"#, "}]}", "tools[0]"),
        (GEMINI, r#"{"generation_config":{"#, "}}", "generationConfig"),
    ] {
        assert!(try_read(path, &format!("{before}{}{behind}", many(1000))).is_ok(), "{place}");
        assert_eq!(try_read(path, &format!("{before}{}{behind}", many(100_000))), too_many(place));
    }
    // Arguments and schemas are passed over and not looked up.
    let schema =
        format!(r#"{{"tools":[{{"type":"function","function":{{"parameters":{{{}}}}}}}]}}"#, many(100_000));
    assert!(try_read(CHAT, &schema).is_ok());
}

#[test]
fn options_of_a_stream_are_changed_where_they_stand_and_not_rewritten() {
    let big = format!(r#"{{"a":[{}]}}"#, vec!["1e0"; 100].join(","));
    for (options, changed) in [
        (format!(r#"{{ "x":{big}}}"#), format!(r#"{{"include_usage":true, "x":{big}}}"#)),
        (
            format!(r#"{{"include_usage": false ,"x":{big}}}"#),
            format!(r#"{{"include_usage":true ,"x":{big}}}"#),
        ),
        (r#"{"x":1, "include\u005fusage" : null}"#.into(), r#"{"x":1, "include_usage":true}"#.into()),
        ("{ }".into(), r#"{"include_usage":true }"#.into()),
    ] {
        let body = |options: &str| format!(r#"{{"stream":true,"stream_options":{options},"model":"m"}}"#);
        let sent = read(CHAT, &body(&options)).rewritten(body(&options).as_bytes(), None, true).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), body(&changed));
    }
}

#[test]
fn a_file_of_google_is_heard_whatever_the_caller_calls_it() {
    let part = |part: &str| bound(GEMINI, &format!(r#"{{"contents":[{{"parts":[{part}]}}]}}"#));
    let asks_audio = |bound: CallBound| {
        assert_eq!(bound.unclear, None);
        bound.asked.iter().any(|asked| asked.what == strongroom_model::usage::AskedFor::AudioInput)
    };
    for media_type in ["text/plain", "image/png", "video/mp4", ""] {
        let file = format!(
            r#"{{"fileData":{{"mimeType":"{media_type}","fileUri":"https://www.youtube.com/watch?v=x"}}}}"#
        );
        assert!(asks_audio(part(&file)), "{media_type}");
    }
    assert!(asks_audio(part(r#"{"file_data":{}}"#)));
    assert!(!asks_audio(part(r#"{"inlineData":{"mimeType":"image/png","data":"x"}}"#)));
    assert!(asks_audio(part(r#"{"inlineData":{"mimeType":"audio/mp3","data":"x"}}"#)));
}

#[test]
fn a_model_in_the_body_that_is_not_the_paths_bounds_nothing() {
    let gemini = Provider::parse("gemini").unwrap();
    for (model, unclear) in [
        ("gemini-2.5-flash", None),
        ("models/gemini-2.5-flash", None),
        ("models/gemini-3-pro", Some("model")),
    ] {
        let body = format!(r#"{{"model":"{model}","contents":[]}}"#);
        let bound = read(GEMINI, &body).bound_at(&gemini, Some("gemini-2.5-flash"));
        assert_eq!(bound.unclear.as_deref(), unclear, "{model}");
    }
}
