//! Figures that leave out, contradict or do not fit what they are figures of: nobody takes them for the last word.

use strongroom_model::usage::Unpriced;

use super::*;
use crate::ai::gateway::use_in_refusal::tells_of_use;

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
        r#""usage":{"input_tokens":10},"usage":null"#,
        r#""input_tokens":10,"output_tokens":9000"#,
        r#""token_usage":{"output":9000}"#,
        r#""Usage":{"total":9000}"#,
        r#""meta":{"billed_units":{"output":9}}"#,
        r#""total_cost":0.5"#,
        r#""choices":{"text":"x"}"#,
        r#""output":[{"content":"x"}]"#,
        r#""output_text":"x""#,
        r#""content":[{"type":"text","text":"x"}]"#,
        r#""delta":"x""#,
        r#""failed_generation":"{\"name\": 1""#,
        r#""metadata":{"raw":"{\"usage\":{\"total\":9}}"}"#,
    ] {
        for body in [
            format!("{{\"error\":{{\"message\":\"x\"}},{told}}}"),
            format!("{{\"error\":{{\"message\":\"x\",{told}}}}}"),
            format!("data: {{\"error\":{{}},{told}}}\n\n"),
            format!("[{{\"error\":{{}},{told}}}]"),
            format!("\u{feff}{{\"error\":{{}},{told}}}"),
            format!("Error: {{\"error\":{{}},{told}}}"),
            format!("event: error\r data: {{\"error\":{{}},\rdata: {told}}}\r\r"),
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
        r#"{"error":{"message":"You requested up to 50000 tokens","param":"max_tokens","code":402}}"#,
        r#"{"error":{"code":429,"details":[{"violations":[{"quotaId":"InputTokensPerMinute","quotaValue":"250000"}]}]}}"#,
        r#"{"error":{"message":"{not json","max_tokens":4096}}"#,
        r#"{"error":{"message":"Invalid value: {\"content\": \"hello\"} is no text"}}"#,
        r#"{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#,
        r#"{"error":{"code":403,"metadata":{"flagged_input":"{\"content\":\"x\",\"usage\":1}"}}}"#,
        r#"{"error":{"message":"x"},"tokens_per_minute":5}"#,
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

#[test]
fn whatever_a_name_counts_it_is_no_more_than_the_whole() {
    let chat = r#""prompt_tokens":10,"completion_tokens":5,"total_tokens":15"#;
    let responses = r#""input_tokens":10,"output_tokens":5,"total_tokens":15"#;
    let messages = r#""input_tokens":10,"output_tokens":5"#;
    let gemini = r#""promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15"#;
    let figures = [
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "cachedContentTokenCount",
        "totalTokenCount",
        "reasoning_tokens",
        "citation_tokens",
        "prompt_cache_hit_tokens",
        "prompt_cache_miss_tokens",
        "tokens_used",
        "total_token",
        "COMPLETION_TOKENS",
        "outputTokens",
        "generated_tokens",
        "runtime_tokens",
        "max_tokens_used",
        "cost_tokens",
        "billedUnits",
    ];
    let parts = [
        "image_tokens",
        "reasoning_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "audio_tokens",
        "text_tokens",
    ];
    let details = [
        "prompt_tokens_details",
        "completion_tokens_details",
        "input_tokens_details",
        "output_tokens_details",
    ];
    let mut beside: Vec<String> = figures.iter().map(|name| format!(r#""{name}":9000"#)).collect();
    for holder in details {
        beside.extend(parts.iter().map(|part| format!(r#""{holder}":{{"{part}":9000}}"#)));
    }
    beside.extend(
        [
            r#""tokens":{"output":9000}"#,
            r#""billed_units":{"output":9000}"#,
            r#""output_token_details":{"reasoning":9000}"#,
            r#""spent_tokens":"9e3""#,
            r#""spent_tokens":"9,000""#,
            r#""spent_tokens":"9.000""#,
            r#""spent_tokens":"~9000 tokens""#,
            r#""spent_tokens":"0x2328""#,
            r#""usage":{"output":9000}"#,
            r#""iterations":[{"type":"message","input_tokens":10,"output_tokens":9000}]"#,
            r#""cache_creation":{"ephemeral_1h_input_tokens":9000}"#,
        ]
        .map(str::to_owned),
    );
    for (meter, envelope, own) in [
        (Meter::Chat, "usage", chat),
        (Meter::Responses, "usage", responses),
        (Meter::Messages, "usage", messages),
        (Meter::GenerateContent, "usageMetadata", gemini),
    ] {
        let plain = report(meter, "openai", false, &format!(r#"{{"{envelope}":{{{own}}}}}"#));
        assert!(plain.is_final, "{meter:?}");
        for more in &beside {
            let found = report(meter, "openai", false, &format!(r#"{{"{envelope}":{{{own},{more}}}}}"#));
            let counted = found.usage.map(|usage| usage.total()).unwrap_or_default();
            assert!(!found.is_final || counted >= Amount::of(9000), "{meter:?} {more} {counted:?}");
        }
        for harmless in [
            r#""total_tokens_per_sec":9000"#,
            r#""prompt_token/s":9000.1"#,
            r#""tokens_per_second":9000"#,
            r#""total_time":9000"#,
            r#""max_tokens":9000"#,
            r#""token_type":"prepaid9000""#,
            r#""tokenizer":"o200000k""#,
            r#""spent_tokens":"7""#,
        ] {
            let found = report(meter, "openai", false, &format!(r#"{{"{envelope}":{{{own},{harmless}}}}}"#));
            assert!(found.is_final, "{meter:?} {harmless}");
        }
    }
}

#[test]
fn neither_a_prompt_nor_what_is_seen_to_be_written_is_nothing() {
    for (meter, text) in [
        (Meter::Chat, r#"{"usage":{"prompt_tokens":0,"completion_tokens":5,"total_tokens":5}}"#),
        (Meter::Responses, r#"{"usage":{"input_tokens":0,"output_tokens":5}}"#),
        (Meter::Messages, r#"{"usage":{"input_tokens":0,"output_tokens":5}}"#),
        (
            Meter::GenerateContent,
            r#"{"usageMetadata":{"promptTokenCount":0,"candidatesTokenCount":5,"totalTokenCount":5}}"#,
        ),
        (
            Meter::Chat,
            r#"{"choices":[{"index":0,"message":{"content":"many words"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}}"#,
        ),
    ] {
        assert!(!report(meter, "openai", false, text).is_final, "{text}");
    }
}

#[test]
fn a_prompt_that_is_repeated_is_no_answer() {
    let echo = r#"{"choices":[{"index":0,"text":"the prompt","logprobs":{"tokens":["the"," prompt"]},"finish_reason":"length"}],"usage":{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}}"#;
    assert!(report(Meter::Chat, "openai", false, echo).is_final);
}

#[test]
fn a_word_for_none_tells_nothing() {
    let untold = |meter, envelope: &str, own: &str, more: &str| {
        let text = format!(r#"{{"{envelope}":{{{own},{more}}}}}"#);
        report(meter, "openai", false, &text).usage.unwrap().terms.untold
    };
    for word in ["", "unspecified", "SERVICE_TIER_UNSPECIFIED"] {
        let own = r#""promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15"#;
        let more = format!(r#""serviceTier":"{word}""#);
        assert!(untold(Meter::GenerateContent, "usageMetadata", own, &more).has(Untold::TIER), "{word}");
    }
    let own = r#""input_tokens":10,"output_tokens":5"#;
    let found = untold(Meter::Messages, "usage", own, r#""speed":"","inference_geo":"""#);
    assert!(found.has(Untold::SPEED) && found.has(Untold::GEOGRAPHY));
    let chat = r#"{"service_tier":"","usage":{"prompt_tokens":10,"completion_tokens":5}}"#;
    assert!(report(Meter::Chat, "openai", false, chat).usage.unwrap().terms.untold.has(Untold::TIER));
}

#[test]
fn what_a_part_leaves_open_has_no_price_where_kinds_differ() {
    let chat = |details: &str| {
        let text = format!(
            r#"{{"usage":{{"prompt_tokens":19,"completion_tokens":300,"total_tokens":319,"completion_tokens_details":{details}}}}}"#
        );
        report(Meter::Chat, "openai", false, &text).usage.unwrap().terms.has_untold_output
    };
    for open in
        ["null", "{}", r#"{"reasoning_tokens":0}"#, r#"{"text_tokens":5}"#, r#"{"audio_tokens":null}"#]
    {
        assert!(chat(open), "{open}");
    }
    assert!(!chat(r#"{"audio_tokens":250,"text_tokens":50}"#));
    let gemini = |counts: &str| {
        let text = format!(r#"{{"usageMetadata":{{"promptTokenCount":1000,{counts}}}}}"#);
        report(Meter::GenerateContent, "gemini", false, &text).usage.unwrap().terms
    };
    let out = r#""candidatesTokenCount":1000,"totalTokenCount":2000"#;
    for (counts, is_open) in [
        (out.to_owned(), true),
        (format!(r#"{out},"candidatesTokensDetails":[{{"modality":"TEXT","tokenCount":5}}]"#), true),
        (r#""totalTokenCount":2000"#.to_owned(), true),
        (format!(r#"{out},"candidatesTokensDetails":[{{"modality":"TEXT","tokenCount":1000}}]"#), false),
        (format!(r#"{out},"candidatesTokensDetails":[{{"modality":"IMAGE","tokenCount":900}}]"#), false),
    ] {
        assert_eq!(gemini(&counts).has_untold_output, is_open, "{counts}");
    }
    for (details, is_open) in [
        (r#"[{"modality":"TEXT","tokenCount":5}]"#, true),
        (r#"[{"modality":"AUDIO"}]"#, true),
        (r#"[{"modality":"TEXT","tokenCount":1000}]"#, false),
        (r#"[{"modality":"VIDEO","tokenCount":990}]"#, false),
        (r#"[{"modality":"TEXT","tokenCount":400},{"modality":"AUDIO","tokenCount":600}]"#, false),
    ] {
        let terms = gemini(&format!(r#"{out},"promptTokensDetails":{details}"#));
        assert_eq!(terms.untold.has(Untold::AUDIO_INPUT), is_open, "{details}");
    }
}

#[test]
fn steps_of_an_answer_are_no_less_than_its_whole() {
    let read = |own: &str, steps: &str| {
        let found = report(
            Meter::Messages,
            "anthropic",
            false,
            &format!(r#"{{"usage":{{{own},"iterations":{steps}}}}}"#),
        );
        (found.is_final, found.usage.unwrap())
    };
    let own = r#""input_tokens":10,"output_tokens":5"#;
    assert!(read(own, r#"[{"type":"message","input_tokens":10,"output_tokens":5}]"#).0);
    let (is_final, usage) = read(
        own,
        r#"[{"type":"compaction","input_tokens":100,"output_tokens":50},{"type":"message","input_tokens":10,"output_tokens":5}]"#,
    );
    assert_eq!((is_final, usage.input, usage.output), (true, Amount::of(110), Amount::of(55)));
    let large = r#""input_tokens":59000,"output_tokens":5"#;
    let (is_final, usage) = read(large, r#"[{"type":"message","input_tokens":10,"output_tokens":4990}]"#);
    assert_eq!((is_final, usage.input, usage.output), (false, Amount::of(59_000), Amount::of(4990)));
    let cached = r#""input_tokens":10,"cache_read_input_tokens":59000,"output_tokens":5"#;
    let without = r#"[{"type":"message","input_tokens":10,"cache_read_input_tokens":0,"output_tokens":5}]"#;
    assert!(!read(cached, without).0);
    assert!(
        read(cached, r#"[{"type":"message","input_tokens":10,"output_tokens":5}]"#).0,
        "a figure that no step tells"
    );
    assert!(!read(own, r#"[{"type":"message","input_tokens":"many","output_tokens":5}]"#).0);
}

#[test]
fn of_what_lowers_a_bill_the_less_counts() {
    let cached = |text: &str| report(Meter::Chat, "openai", true, text).usage.unwrap().cached_input.get();
    let chunk = |prompt: i64, more: &str| {
        format!(
            "data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":1{more}}}}}\n\n"
        )
    };
    let details = |count: &str| format!(r#","prompt_tokens_details":{{"cached_tokens":{count}}}"#);
    assert_eq!(cached(&(chunk(1000, "") + &chunk(500, &details("500")))), 0, "of a smaller whole");
    assert_eq!(cached(&(chunk(1000, &details("1000")) + &chunk(1000, &details("null")))), 0);
    assert_eq!(
        cached(&chunk(
            1000,
            r#","prompt_cache_hit_tokens":1000,"prompt_tokens_details":{"cached_tokens":0}"#
        )),
        0
    );
    assert_eq!(
        cached(&chunk(
            1000,
            r#","prompt_cache_hit_tokens":400,"prompt_tokens_details":{"cached_tokens":400}"#
        )),
        400
    );
}

#[test]
fn what_was_written_to_a_cache_for_hours_is_told_or_missed() {
    let usage = |details: &str| {
        let text = format!(
            r#"{{"usage":{{"prompt_tokens":60000,"completion_tokens":5,"total_tokens":60005,"prompt_tokens_details":{{"cache_write_tokens":60000{details}}}}}}}"#
        );
        report(Meter::Chat, "openai", false, &text).usage.unwrap()
    };
    for untold in
        ["", r#","cache_write_tokens_details":{}"#, r#","cache_write_tokens_details":{"ttl_30m_tokens":4}"#]
    {
        assert!(usage(untold).terms.untold.has(Untold::CACHE_LIFETIME), "{untold}");
    }
    for (told, long) in [
        (r#"{"ttl_12h_tokens":60000}"#, 60_000),
        (r#"{"ttl_12h_tokens":"60000"}"#, 60_000),
        (r#"{"ttl_30m_tokens":59000,"ttl_12h_tokens":1000}"#, 1000),
    ] {
        let found = usage(&format!(r#","cache_write_tokens_details":{told}"#));
        assert!(!found.terms.untold.has(Untold::CACHE_LIFETIME), "{told}");
        assert_eq!((found.cache_write_long.get(), found.cache_write.get()), (long, 60_000 - long), "{told}");
    }
    for odd in [r#"[{"ttl_12h_tokens":60000}]"#, r#"{"ttl_24h_tokens":60000}"#] {
        let found = usage(&format!(r#","cache_write_tokens_details":{odd}"#));
        assert_eq!(found.terms.unpriced, Some(Unpriced::CacheLifetime), "{odd}");
    }
}

#[test]
fn searches_count_wherever_they_are_told() {
    use strongroom_model::usage::Use;
    let call = r#"{"type":"web_search_call","status":"completed","action":{"type":"search"}}"#;
    let done = format!("data: {{\"type\":\"response.output_item.done\",\"item\":{call}}}\n\n");
    let added = "data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"web_search_call\",\"status\":\"in_progress\"}}\n\n";
    let over = |more: &str| {
        format!(
            "data: {{\"type\":\"response.completed\",\"response\":{{{more}\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}}}\n\n"
        )
    };
    let searches = |text: &str| {
        let usage = report(Meter::Responses, "openai", true, text).usage.unwrap();
        (usage.uses.get(Use::WebSearch), usage.terms.unpriced)
    };
    let told = format!("{added}{done}{added}{done}");
    assert_eq!(searches(&(told.clone() + &over(r#""output":[],"#))), (2, None));
    assert_eq!(searches(&(told.clone() + &over(&format!(r#""output":[{call},{call},{call}],"#)))), (3, None));
    let item = |kind: &str, action: &str| {
        over(&format!(
            r#""output":[{{"type":"{kind}","status":"completed","action":{{"type":"{action}"}}}}],"#
        ))
    };
    assert_eq!(searches(&item("web_search_call", "deep_search")), (1, None));
    assert_eq!(searches(&item("web_search_call", "open_page")), (0, None));
    assert_eq!(searches(&item("web_search", "search")), (0, Some(Unpriced::OtherUse)));
    for odd in [r#""5""#, "2.5", "1e1", "true"] {
        let told = format!(r#""output":[],"tool_usage":{{"web_search":{{"num_requests":{odd}}}}},"#);
        assert_eq!(searches(&over(&told)), (0, Some(Unpriced::OtherUse)), "{odd}");
    }
    let untold = |text: &str| report(Meter::Responses, "openai", false, text).usage.unwrap().terms.untold;
    let usage = r#""usage":{"input_tokens":1,"output_tokens":1}"#;
    assert!(untold(&format!(r#"{{{usage},"output":{{}}}}"#)).has(Untold::USES));
    assert!(untold(&format!(r#"{{{usage},"output":[{call},"#)).has(Untold::USES), "cut");
    assert!(!untold(&format!(r#"{{{usage},"output":[]}}"#)).has(Untold::USES));
    let is_final = |text: &str| report(Meter::Responses, "openai", false, text).is_final;
    assert!(is_final(&format!("{{{usage}}}")) && !is_final(&format!(r#"{{{usage},"status":"in_pro"#)));
    assert!(is_final(&format!(r#"{{"status":"completed",{usage},"text":"#)));
    let shell = |place: &str| {
        let item = format!(
            r#""output":[{{"type":"shell_call","status":"completed","environment":{{"type":"{place}"}}}}],"#
        );
        searches(&over(&item)).1
    };
    assert_eq!((shell("local"), shell("container_reference")), (None, Some(Unpriced::CodeSession)));
}

#[test]
fn gemini_that_shows_what_it_found_has_searched() {
    use strongroom_model::usage::Use;
    for (told, of) in [
        (r#""searchEntryPoint":{"renderedContent":"x"}"#, Use::SearchQuery),
        (r#""googleMapsWidgetContextToken":"x""#, Use::MapsPrompt),
    ] {
        let text = format!(
            r#"{{"candidates":[{{"finishReason":"STOP","groundingMetadata":{{{told}}}}}],"usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}}}}"#
        );
        assert_eq!(
            report(Meter::GenerateContent, "gemini", false, &text).usage.unwrap().uses.get(of),
            1,
            "{told}"
        );
    }
}
