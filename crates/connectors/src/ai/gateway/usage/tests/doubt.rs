//! Figures that leave out, contradict or do not fit what they are figures of: nobody takes them for the last word.

use strongroom_model::usage::Unpriced;

use super::*;

#[test]
fn a_call_that_used_nothing_at_all_is_not_believed() {
    for (meter, text) in [
        (Meter::Chat, r#"{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#),
        (Meter::Embeddings, r#"{"usage":{"prompt_tokens":0,"total_tokens":0}}"#),
        (Meter::Responses, r#"{"usage":{"input_tokens":0,"output_tokens":0}}"#),
        (Meter::Messages, r#"{"usage":{"input_tokens":0,"output_tokens":0}}"#),
        (Meter::GenerateContent, r#"{"usageMetadata":{"promptTokenCount":0,"totalTokenCount":0}}"#),
    ] {
        assert!(!report(meter, "openai", false, text).is_final, "{meter:?}");
    }
}

#[test]
fn no_count_of_any_name_is_larger_than_its_whole() {
    let chat = |more: &str| {
        format!(r#"{{"usage":{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15{more}}}}}"#)
    };
    let messages = |more: &str| format!(r#"{{"usage":{{"input_tokens":10,"output_tokens":5{more}}}}}"#);
    let gemini = |more: &str| {
        format!(
            r#"{{"usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15{more}}}}}"#
        )
    };
    for (meter, text) in [
        (Meter::Chat, chat(r#","completion_tokens_details":{"rejected_prediction_tokens":900}"#)),
        (Meter::Chat, chat(r#","completion_tokens_details":{"video_tokens":"9000"}"#)),
        (Meter::Chat, chat(r#","prompt_tokens_details":{"other":{"video_tokens":11}}"#)),
        (Meter::Chat, chat(r#","input_tokens":10,"output_tokens":5000"#)),
        (Meter::Chat, chat(r#","some_tokens":16"#)),
        (Meter::Responses, messages(r#","completion_tokens":900"#)),
        (Meter::Responses, messages(r#","output_tokens_details":{"x_tokens":6}"#)),
        (Meter::Messages, messages(r#","output_tokens_details":{"thinking_tokens":9000}"#)),
        (Meter::Messages, messages(r#","total_tokens":9000"#)),
        (Meter::Messages, messages(r#","cache_creation":{"ephemeral_24h_input_tokens":9000}"#)),
        (
            Meter::GenerateContent,
            gemini(r#","candidatesTokensDetails":[{"modality":"TEXT","tokenCount":9000}]"#),
        ),
        (Meter::GenerateContent, gemini(r#","promptTokensDetails":[{"modality":"TEXT","tokenCount":9000}]"#)),
        (
            Meter::GenerateContent,
            gemini(r#","toolUsePromptTokensDetails":[{"modality":"TEXT","tokenCount":9000}]"#),
        ),
    ] {
        assert!(!report(meter, "openai", false, &text).is_final, "{text}");
    }
    for (meter, text) in [
        (
            Meter::Chat,
            chat(r#","completion_tokens_details":{"rejected_prediction_tokens":5},"tokens_per_second":1e9"#),
        ),
        (Meter::Chat, chat(r#","queue_time":9000,"input_tokens":10,"output_tokens":5"#)),
        (Meter::Messages, messages(r#","output_tokens_details":{"thinking_tokens":5},"total_tokens":15"#)),
        (
            Meter::GenerateContent,
            gemini(r#","candidatesTokensDetails":[{"modality":"TEXT","tokenCount":5}]"#),
        ),
    ] {
        assert!(report(meter, "openai", false, &text).is_final, "{text}");
    }
}

#[test]
fn steps_of_an_unknown_kind_count_their_tokens() {
    let text = r#"{"usage":{"input_tokens":10,"output_tokens":5,
        "iterations":[{"type":"advisor_message","input_tokens":1000,"output_tokens":4000}]}}"#;
    let found = report(Meter::Messages, "anthropic", false, text).usage.unwrap();
    assert_eq!((found.total().get(), found.terms.unpriced), (5015, Some(Unpriced::OtherModel)));
}

#[test]
fn figures_before_anything_was_generated_are_not_the_last_word() {
    let first = |text: &str| format!("data: {text}\n\n");
    let figures = r#"{"prompt_tokens":10,"completion_tokens":0}"#;
    for text in [
        format!(r#"{{"choices":[],"usage":{figures}}}"#),
        format!(r#"{{"choices":[{{"index":0,"delta":{{}}}}],"x_groq":{{"usage":{figures}}}}}"#),
    ] {
        assert!(!report(Meter::Chat, "groq", true, &first(&text)).is_final, "{text}");
        let more = first(&text) + ": comment\n\n" + &first(r#"{"id":"x"}"#);
        assert!(!report(Meter::Chat, "groq", true, &more).is_final, "{text}");
        let done = first(&text) + "data: [DONE]\n\n";
        assert!(report(Meter::Chat, "groq", true, &done).is_final, "{text}");
    }
}

#[test]
fn a_discount_holds_as_long_as_it_is_told() {
    let cached = |text: &str| report(Meter::Chat, "openai", true, text).usage.unwrap().cached_input.get();
    let chunk = |details: &str| {
        format!(
            "data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":900,\"completion_tokens\":1{details}}}}}\n\n"
        )
    };
    let with = chunk(r#","prompt_tokens_details":{"cached_tokens":800}"#);
    assert_eq!(cached(&with), 800);
    for without in ["", r#","prompt_tokens_details":{}"#, r#","prompt_tokens_details":null"#] {
        assert_eq!(cached(&(with.clone() + &chunk(without))), 0, "{without}");
    }
}

#[test]
fn what_was_asked_at_a_price_of_its_own_is_told_or_missed() {
    let terms = |meter, text: &str| report(meter, "openai", false, text).usage.unwrap().terms;
    let messages = |more: &str| {
        terms(Meter::Messages, &format!(r#"{{"usage":{{"input_tokens":10,"output_tokens":5{more}}}}}"#))
            .untold
    };
    assert!(messages("").has(Untold::SPEED) && messages("").has(Untold::GEOGRAPHY));
    assert!(!messages(r#","speed":"standard""#).has(Untold::SPEED));
    assert!(!messages(r#","inference_geo":"global""#).has(Untold::GEOGRAPHY));
    let chat = |more: &str| {
        terms(Meter::Chat, &format!(r#"{{{more}"usage":{{"prompt_tokens":10,"completion_tokens":5}}}}"#))
            .untold
    };
    assert!(chat("").has(Untold::TIER) && chat(r#""service_tier":null,"#).has(Untold::TIER));
    assert!(!chat(r#""service_tier":"default","#).has(Untold::TIER));
    let response = |more: &str| {
        let text = format!(
            "data: {{\"type\":\"response.created\",\"response\":{{\"output\":[]}}}}\n\n\
             data: {{\"type\":\"response.completed\",\"response\":{{{more}\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}}}\n\n"
        );
        report(Meter::Responses, "openai", true, &text).usage.unwrap()
    };
    assert!(response("").terms.untold.has(Untold::USES));
    assert!(!response(r#""output":[],"#).terms.untold.has(Untold::USES));
    let search = r#"{"type":"web_search_call","status":"completed","action":{"type":"search"}}"#;
    let listed = response(&format!(
        r#""output":[{search},{search}],"tool_usage":{{"web_search":{{"num_requests":0}}}},"#
    ));
    assert_eq!(listed.uses.get(strongroom_model::usage::Use::WebSearch), 2);
    let written = |more: &str| {
        let figures = format!(
            r#"{{"usage":{{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":100{more}}}}}"#
        );
        terms(Meter::Messages, &figures).unpriced
    };
    assert_eq!(written(""), None, "that of the usual lifetime");
    let lifetimes = |more: &str| messages(&format!(r#","cache_creation_input_tokens":100{more}"#));
    for told in [
        r#""ephemeral_1h_input_tokens":100"#,
        r#""ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40"#,
    ] {
        let told = format!(r#","cache_creation":{{{told}}}"#);
        assert!(!lifetimes(&told).has(Untold::CACHE_LIFETIME), "{told}");
    }
    for untold in ["", r#","cache_creation":null"#, r#","cache_creation":{"ephemeral_5m_input_tokens":60}"#] {
        assert!(lifetimes(untold).has(Untold::CACHE_LIFETIME), "{untold}");
    }
    assert!(!messages("").has(Untold::CACHE_LIFETIME), "nothing was written");
    assert_eq!(
        written(r#","cache_creation":{"ephemeral_24h_input_tokens":100}"#),
        Some(Unpriced::CacheLifetime)
    );
    assert_eq!(written(r#","cache_creation":{"ephemeral_5m_input_tokens":100}"#), None);
}

#[test]
fn of_two_costs_the_larger_counts_and_nothing_is_served_for_no_ticks() {
    let cost = |more: &str| {
        let text =
            format!(r#"{{"usage":{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15{more}}}}}"#);
        let found = report(Meter::Chat, "openrouter", false, &text).usage.unwrap();
        (found.reported_nano_usd.map(Amount::get), found.terms.unpriced)
    };
    assert_eq!(cost(r#","cost_in_usd_ticks":1000,"cost":5.5"#), (Some(5_500_000_000), None));
    assert_eq!(cost(r#","cost_in_usd_ticks":100000000000,"cost":5.5"#), (Some(10_000_000_000), None));
    assert_eq!(cost(r#","cost_in_usd_ticks":0"#), (None, Some(Unpriced::ReportedCost)));
    assert_eq!(cost(r#","cost":0"#), (Some(0), None), "some models are free");
}

#[test]
fn a_refusal_that_tells_of_some_use_is_not_free() {
    let grok = Provider::parse("grok").unwrap();
    for told in [
        r#""usage":{"input_tokens":10,"output_tokens":9000}"#,
        r#""usage":[{"prompt_tokens":10}]"#,
        r#""usage":"9000 tokens""#,
        r#""usage":{"prompt_tokens":"many"}"#,
        r#""usage":{"prompt_tokens":-5}"#,
        r#""usageMetadata":{"promptTokenCount":5}"#,
        r#""metadata":{"usage":{"prompt_tokens":5}}"#,
        r#""choices":[{"message":{"content":"x"}}]"#,
        r#""cost":"5.5""#,
        r#""usage":{"cost_in_usd_ticks":"x"}"#,
    ] {
        for body in [
            format!("{{\"error\":{{\"message\":\"x\"}},{told}}}"),
            format!("{{\"error\":{{\"message\":\"x\",{told}}}}}"),
            format!("data: {{\"error\":{{}},{told}}}\n\n"),
            format!("[{{\"error\":{{}},{told}}}]"),
        ] {
            let is_billed = tells_of_use(body.as_bytes())
                || report_of_error(Meter::Chat, &grok, body.as_bytes()).is_some();
            assert!(is_billed, "{body}");
        }
    }
    for free in [
        "",
        "<html>",
        r#"{"error":{"message":"usage limit reached"}}"#,
        r#"{"usage":{"prompt_tokens":0,"completion_tokens":"0","details":{}}}"#,
        r#"{"usage":null,"choices":[],"cost":0}"#,
        r#"{"detail":[{"loc":["body"],"input":{"usage":{"include":"x"}}}]}"#,
    ] {
        assert!(!tells_of_use(free.as_bytes()), "{free}");
    }
}

#[test]
fn a_header_of_gemini_tells_the_class_of_service() {
    use strongroom_model::usage::Tier;
    let gemini = Provider::parse("gemini").unwrap();
    let terms = |header: Option<&str>, tier: &str| {
        let text = format!(
            r#"{{"usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15{tier}}}}}"#
        );
        let headers = header.map(|word| (GEMINI_TIER.parse().unwrap(), word.parse().unwrap()));
        let reader = UsageReader::new(Meter::GenerateContent, &gemini, AnswerForm::Whole, Amount::ONE);
        let mut reader = reader.with_headers(&headers.into_iter().collect());
        reader.feed(text.as_bytes());
        let read = reader.finish();
        assert!(read.is_final);
        let terms = read.usage.unwrap().terms;
        // Kept with the figures, it says the same again.
        let again = usage_from_raw("generate_content", &gemini, read.raw.unwrap().as_str()).unwrap().terms;
        let again = (again.tier, again.unpriced);
        (terms.untold.has(Untold::TIER), terms.tier, terms.unpriced, again)
    };
    let (is_untold, tier, unpriced, _) = terms(None, "");
    assert_eq!((is_untold, tier, unpriced), (true, Tier::Standard, None));
    for (header, beside, tier, unpriced) in [
        ("standard", "", Tier::Standard, None),
        ("priority", "", Tier::Priority, None),
        ("flex", "", Tier::Flex, None),
        ("priority", r#","serviceTier":"PRIORITY""#, Tier::Priority, None),
        ("priority", r#","serviceTier":"FLEX""#, Tier::Flex, Some(Unpriced::Tier)),
        ("warp", "", Tier::Standard, Some(Unpriced::Tier)),
    ] {
        let (is_untold, told, missing, (again, missing_again)) = terms(Some(header), beside);
        assert_eq!((is_untold, told, missing), (false, tier, unpriced), "{header} {beside}");
        assert_eq!((again, missing_again), (tier, unpriced), "{header} {beside}");
    }
}
