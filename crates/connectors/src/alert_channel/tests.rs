//! What each channel is sent, where it may be, and what its answers mean.

use super::*;

const EVIL: &str = "<!channel> *x* [y](http://evil.example) @everyone &amp; </td><script>";

fn message(notice: Notice) -> Message {
    Message {
        id: "m1".to_owned(),
        at: Millis(1_614_265_330_500),
        notice,
        event_type: format!("limit.threshold.{}", notice.as_str()),
        level: Level::Critical,
        sentence: format!("the limit of credential {EVIL} is used up"),
        facts: vec![("of", EVIL.to_owned()), ("used", "100 requests".to_owned())],
        link: Some("https://strongroom.example/ui/alerts/i1".to_owned()),
        incidents: vec![IncidentData {
            incident: "i1".to_owned(),
            rule: "limit_threshold",
            level: "critical",
            state: notice.as_str(),
            subject: SubjectData {
                kind: "credential".to_owned(),
                id: "c1".to_owned(),
                name: EVIL.to_owned(),
            },
            value: 100,
            threshold: 100,
            mark: 100,
            unit: Some("requests"),
            window: Some("month"),
            resets_at: None,
            fired_at: Millis(0),
            resolved_at: None,
            cause: None,
            passed: vec![80, 95],
            facts: BTreeMap::new(),
            url: None,
        }],
        more: 0,
    }
}

fn outbound(allowed: &[&str]) -> Outbound {
    let allowed = allowed.iter().map(ToString::to_string).collect();
    Outbound::new(&EndpointGuard::new(false), allowed).unwrap()
}

#[test]
fn slack_is_given_no_markup_and_no_mention() {
    let body = slack::body(&message(Notice::Firing));
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && text.contains("&amp;amp;") && !text.contains('<'), "{text}");
    for block in body["blocks"].as_array().unwrap() {
        let texts = block.get("text").into_iter().chain(block["fields"].as_array().into_iter().flatten());
        for text in texts {
            assert_eq!(text["type"], "plain_text");
        }
    }
    assert!(body.to_string().contains("/ui/alerts/i1"));
}

#[test]
fn discord_mentions_nobody_and_shows_markup_as_text() {
    let body = discord::body(&message(Notice::Firing));
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
    let text = body["embeds"][0]["description"].as_str().unwrap();
    assert!(text.contains("\\<\\!channel") || text.contains("\\<!channel\\>"), "{text}");
    assert!(text.contains("\\[y\\]\\(http\\://evil.example\\)") && text.contains("\\@everyone"), "{text}");
}

#[test]
fn teams_is_given_runs_of_text_which_have_no_markup() {
    let body = teams::body(&message(Notice::Resolved));
    let card = &body["attachments"][0]["content"];
    for block in card["body"].as_array().unwrap() {
        assert_eq!(
            (&block["type"], &block["inlines"][0]["type"]),
            (&"RichTextBlock".into(), &"TextRun".into())
        );
    }
    assert!(card["body"][0]["inlines"][0]["text"].as_str().unwrap().starts_with("[resolved]"));
    assert!(body.to_string().len() < 28 * 1024);
}

#[test]
fn pagerduty_opens_and_ends_an_incident_under_one_key() {
    let (opened, ended) = (
        pagerduty::body(&message(Notice::Firing), "key"),
        pagerduty::body(&message(Notice::Resolved), "key"),
    );
    assert_eq!((&opened["event_action"], &ended["event_action"]), (&"trigger".into(), &"resolve".into()));
    assert_eq!((&opened["dedup_key"], &ended["dedup_key"]), (&"i1".into(), &"i1".into()));
    let several = Message { more: 3, ..message(Notice::Firing) };
    assert_eq!(pagerduty::body(&several, "key")["dedup_key"], "m1");
    assert_eq!(opened["payload"]["severity"], "critical");
}

#[test]
fn a_webhook_tells_one_incident_or_several_and_is_signed() {
    let secret = strongroom_crypto::alert_channel::generate_webhook_secret();
    let (headers, body) = webhook::request(&message(Notice::Firing), std::slice::from_ref(&secret));
    let read: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&read["type"], &read["data"]["incident"]), (&"limit.threshold.firing".into(), &"i1".into()));
    assert_eq!(read["data"]["passed"], serde_json::json!([80, 95]));
    assert_eq!(headers["webhook-id"], "m1");
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    let expected = strongroom_crypto::alert_channel::webhook_signature([&secret], "m1", 1_614_265_330, &body);
    assert_eq!(headers["webhook-signature"], expected.as_str());
    let (_, body) = webhook::request(&Message { more: 7, ..message(Notice::Firing) }, &[secret]);
    let read: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&read["data"]["count"], &read["data"]["incidents"][0]["incident"]),
        (&8.into(), &"i1".into())
    );
}

#[test]
fn an_address_is_shown_without_its_secret_part() {
    let shown = |kind, text: &str| shown_address(kind, &Secret::from(text));
    assert_eq!(
        shown(ChannelKind::Slack, "https://hooks.slack.com/services/T0/B0/x"),
        "https://hooks.slack.com/****"
    );
    assert_eq!(
        shown(ChannelKind::Mail, "smtp://me:secret@mail.example.com:2525"),
        "smtp://mail.example.com:2525"
    );
    assert_eq!(shown(ChannelKind::Webhook, "no URL"), "****");
}

#[test]
fn private_addresses_are_called_only_when_they_are_listed() {
    let check = |outbound: &Outbound, url: &str| outbound.check_url(&Secret::from(url)).map(|_| ());
    let strict = outbound(&[]);
    assert!(check(&strict, "https://hooks.example.com/x?sig=1").is_ok());
    for bad in [
        "http://hooks.example.com/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://localhost/x",
        "https://169.254.169.254/latest",
        "https://user:pass@hooks.example.com/",
        "ftp://hooks.example.com",
        "no URL",
        "https://hooks.example.com/a b",
    ] {
        let problem = check(&strict, bad).unwrap_err();
        assert!(problem.message.starts_with("address "), "{}", problem.message);
        assert!(
            !problem.message.contains("pass@") && !problem.message.contains("endpoint "),
            "{}",
            problem.message
        );
    }
    let listed = outbound(&["127.0.0.1:9", "Hook.Internal"]);
    assert!(check(&listed, "http://127.0.0.1:9/x").is_ok());
    assert!(check(&listed, "http://127.0.0.1:8/x").is_err());
    assert!(check(&listed, "https://hook.internal/x").is_ok());
    assert!(check(&listed, "http://169.254.169.254/").is_err());
    let mail = |outbound: &Outbound, url: &str| outbound.check_mail(&Secret::from(url));
    assert!(mail(&strict, "smtp://mail.example.com").is_ok());
    for bad in
        ["smtp://127.0.0.1:25", "smtp://localhost", "smtp://[::1]:25", "https://mail.example.com", "smtp://"]
    {
        assert!(mail(&strict, bad).is_err(), "{bad}");
    }
    assert!(mail(&outbound(&["127.0.0.1:25"]), "smtp://127.0.0.1:25").is_ok());
}

#[test]
fn only_success_counts_and_what_the_channel_says_is_cut_to_a_line() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "30".parse().unwrap());
    let answer = |status: u16, said: &str| read_answer(StatusCode::from_u16(status).unwrap(), &headers, said);
    assert_eq!(answer(200, "ok\r\n").unwrap().answer, "HTTP 200: ok");
    let slow = answer(429, &"x".repeat(1000)).unwrap_err();
    assert_eq!((slow.retry_after_seconds, slow.is_gone), (Some(30), false));
    assert!(slow.error.len() < 300);
    assert!(answer(410, "").unwrap_err().is_gone);
    assert!(answer(302, "").unwrap_err().error.contains("redirects"));
}

#[test]
fn what_a_channel_repeats_of_its_secrets_is_not_shown() {
    let target = Target {
        kind: ChannelKind::PagerDuty,
        address: Secret::from("https://x.example/hidden"),
        secrets: vec![Secret::from("routing-key")],
        settings: ChannelSettings::default(),
    };
    let shown = without_secrets("routing-key at https://x.example/hidden".to_owned(), &target);
    assert_eq!(shown, "**** at ****");
}

#[test]
fn kinds_read_back() {
    for kind in ChannelKind::ALL {
        assert_eq!(ChannelKind::parse(kind.as_str()).unwrap(), kind);
    }
    assert!(ChannelKind::parse("fax").is_err());
}
