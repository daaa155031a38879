//! Figures, prices and models that an answer tells in several places, or in parts, and that do not agree.

use strongroom_model::usage::{Tier, Unpriced, Use};

use super::*;

const CHAT: &str = r#""usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#;
const MUCH: &str = r#"{"prompt_tokens":10,"completion_tokens":9000,"total_tokens":9010}"#;

#[test]
fn figures_count_wherever_they_are_told() {
    for told in [
        r#""choices":[{"index":0,"finish_reason":"stop","usage":MUCH}]"#,
        r#""choices":[{"index":0,"finish_reason":"stop","message":{"content":"x","usage":MUCH}}]"#,
        r#""choices":[{"index":0,"finish_reason":"stop"},{"index":1,"usage":MUCH}]"#,
        r#""data":{"usage":MUCH}"#,
        r#""data":[{"x":1},{"usage":MUCH}]"#,
        r#""message":{"usage":MUCH}"#,
        r#""x_groq":{"usage":MUCH}"#,
        r#""result":{"response":{"usage":MUCH}}"#,
        r#""usage_breakdown":{"models":[{"model":"x","usage":MUCH}]}"#,
        r#""token_usage":MUCH"#,
        r#""tokenUsage":MUCH"#,
        r#""Usage":MUCH"#,
        r#""USAGE":[MUCH]"#,
        r#""usage_metadata":MUCH"#,
        r#""meta":{"usages":[MUCH]}"#,
        r#""usage":MUCH"#,
    ] {
        let told = told.replace("MUCH", MUCH);
        for text in [format!("{{{told},{CHAT}}}"), format!("{{{CHAT},{told}}}")] {
            let found = report(Meter::Chat, "openai", false, &text);
            let counted = found.usage.unwrap().total().get();
            assert!(!found.is_final || counted >= 9010, "{text} {counted}");
        }
    }
    // Told nowhere else, they are no more than a least: of several answers each may tell its own.
    let alone = format!(r#"{{"choices":[{{"index":0,"finish_reason":"stop","usage":{MUCH}}}]}}"#);
    let found = report(Meter::Chat, "openai", false, &alone);
    assert_eq!((found.is_final, found.usage.unwrap().total().get()), (false, 9010));
}

#[test]
fn what_callers_and_models_write_is_no_figure() {
    for written in [
        r#""tools":[{"function":{"parameters":{"properties":{"usage":{"total_tokens":9000}}}}}]"#,
        r#""metadata":{"usage":{"total_tokens":9000}}"#,
        r#""text":{"format":{"schema":{"usage":{"total_tokens":9000}}}}"#,
        r#""output":[{"type":"function_call","arguments":{"usage":{"total_tokens":9000}}}]"#,
        r#""output":[{"type":"file_search_call","attributes":{"usage":{"tokens":9000}}}]"#,
        r#""choices":[{"index":0,"finish_reason":"stop","message":{"content":"{\"usage\":9000}","parsed":{"usage":{"tokens":9000}}}}]"#,
        r#""choices":[{"index":0,"finish_reason":"stop","usage":null}]"#,
        r#""prompt":{"variables":{"usage":{"tokens":9000}}}"#,
        r#""tool_usage":{"image_gen":{"input_tokens":9000},"web_search":{"num_requests":0}}"#,
        r#""usage_breakdown":null"#,
        r#""usage_note":"9000 tokens""#,
        r#""choices":[{"index":0,"finish_reason":"stop","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}]"#,
    ] {
        let found = report(Meter::Chat, "openai", false, &format!("{{{written},{CHAT}}}"));
        assert_eq!((found.is_final, found.usage.unwrap().total().get()), (true, 15), "{written}");
    }
    let tool = r#"{"content":[{"type":"tool_use","name":"f","input":{"usage":{"output_tokens":9000}}}],"usage":{"input_tokens":10,"output_tokens":5}}"#;
    let call = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"usage":{"tokens":9000}}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}}"#;
    for (meter, text) in [(Meter::Messages, tool), (Meter::GenerateContent, call)] {
        let found = report(meter, "openai", false, text);
        assert_eq!((found.is_final, found.usage.unwrap().total().get()), (true, 15), "{text}");
    }
}

#[test]
fn several_answers_in_a_list_are_no_answer_that_is_understood() {
    let answer = |output: i64| {
        format!(
            r#"{{"choices":[{{"index":0,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":10,"completion_tokens":{output}}}}}"#
        )
    };
    let is_final = |text: &str| report(Meter::Chat, "openai", false, text).is_final;
    assert!(is_final(&format!("[{}]", answer(5))));
    assert!(!is_final(&format!("[{},{}]", answer(5), answer(900))));
    assert!(!is_final(&format!(r#"[{},{{"choices":[]}}]"#, answer(5))));
}

#[test]
fn parts_that_are_apart_are_together_no_more_than_their_whole() {
    let of = |details: &str| {
        let text = format!(
            r#"{{"usage":{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,{details}}}}}"#
        );
        report(Meter::Chat, "openai", false, &text).is_final
    };
    let kinds = ["text_tokens", "audio_tokens", "image_tokens", "video_tokens", "document_tokens"];
    for (one, other) in kinds.iter().flat_map(|one| kinds.iter().map(move |other| (one, other))) {
        if one != other {
            for (holder, most) in [("prompt_tokens_details", 10), ("completion_tokens_details", 5)] {
                let told = |count: i64| format!(r#""{holder}":{{"{one}":{count},"{other}":{}}}"#, most - 1);
                assert!(of(&told(1)), "{holder} {one} {other}");
                assert!(!of(&told(most)), "{holder} {one} {other}");
            }
        }
    }
    let origins = |reasoning: i64, accepted: i64, rejected: i64| {
        of(&format!(
            r#""completion_tokens_details":{{"reasoning_tokens":{reasoning},"accepted_prediction_tokens":{accepted},"rejected_prediction_tokens":{rejected}}}"#
        ))
    };
    assert!(origins(2, 2, 1) && origins(5, 0, 0) && !origins(5, 5, 5) && !origins(5, 0, 1));
    assert!(origins(0, 4, 3), "as OpenAI tells them");
    // Text that was read from a cache is text all the same.
    assert!(of(r#""prompt_tokens_details":{"text_tokens":10,"cached_tokens":10}"#));
    for (hit, miss, is_final) in [(4, 6, true), (10, 0, true), (4, 5, false), (10, 10, false)] {
        let told = format!(r#""prompt_cache_hit_tokens":{hit},"prompt_cache_miss_tokens":{miss}"#);
        assert_eq!(of(&told), is_final, "{told}");
    }
    assert!(!of(r#""prompt_tokens_details":{"cached_tokens":10},"prompt_cache_miss_tokens":10"#));
}

#[test]
fn what_is_told_far_too_small_leaves_the_rest_open() {
    let gemini = |more: &str| {
        let text = format!(
            r#"{{"usageMetadata":{{"promptTokenCount":2000,"candidatesTokenCount":1000,"totalTokenCount":3000,{more}}}}}"#
        );
        let usage = report(Meter::GenerateContent, "gemini", false, &text).usage.unwrap();
        (usage.untold_input.get(), usage.untold_output.get())
    };
    let one = |modality: &str, count: i64| format!(r#"{{"modality":"{modality}","tokenCount":{count}}}"#);
    for (told, rest) in [
        (format!("[{}]", one("IMAGE", 5)), 995),
        (format!("[{},{}]", one("AUDIO", 5), one("TEXT", 5)), 990),
        (format!("[{}]", one("IMAGE", 700)), 0),
        (format!("[{},{}]", one("IMAGE", 700), one("TEXT", 5)), 295),
        (format!("[{},{}]", one("IMAGE", 900), one("TEXT", 100)), 0),
    ] {
        assert_eq!(gemini(&format!(r#""candidatesTokensDetails":{told}"#)).1, rest, "{told}");
    }
    for (told, rest) in [
        (format!("[{},{}]", one("TEXT", 995), one("AUDIO", 5)), 1000),
        (format!("[{},{}]", one("TEXT", 1000), one("AUDIO", 1000)), 0),
        (format!("[{}]", one("TEXT", 1500)), 0),
        (format!("[{}]", one("AUDIO", 1990)), 0),
        (format!("[{}]", one("AUDIO", 5)), 1995),
    ] {
        assert_eq!(gemini(&format!(r#""promptTokensDetails":{told}"#)).0, rest, "{told}");
    }
    let chat = |details: &str| {
        let text = format!(
            r#"{{"usage":{{"prompt_tokens":1000,"completion_tokens":300,"total_tokens":1300,{details}}}}}"#
        );
        let usage = report(Meter::Chat, "openai", false, &text).usage.unwrap();
        (usage.untold_input.get(), usage.untold_output.get())
    };
    assert_eq!(chat(r#""completion_tokens_details":{"audio_tokens":5,"text_tokens":5}"#).1, 290);
    assert_eq!(chat(r#""completion_tokens_details":{"audio_tokens":220,"text_tokens":80}"#).1, 0);
    assert_eq!(
        chat(r#""completion_tokens_details":{"audio_tokens":5}"#).1,
        0,
        "the rest is told by what is left"
    );
    assert_eq!(chat(r#""prompt_tokens_details":{"audio_tokens":5,"text_tokens":5}"#).0, 990);
}

#[test]
fn searches_count_by_whatever_tells_of_them() {
    let event = |kind: &str, more: &str| format!("data: {{\"type\":\"{kind}\"{more}}}\n\n");
    let over = |more: &str| {
        event(
            "response.completed",
            &format!(r#","response":{{{more}"usage":{{"input_tokens":1,"output_tokens":1}}}}"#),
        )
    };
    let call =
        |action: &str| format!(r#"{{"type":"web_search_call","status":"completed","action":{action}}}"#);
    let found = |text: &str| {
        let usage = report(Meter::Responses, "openai", true, text).usage.unwrap();
        (usage.uses.get(Use::WebSearch), usage.uses.get(Use::FileSearch), usage.terms.unpriced)
    };
    let searched = event("response.web_search_call.completed", "");
    let filed = event("response.file_search_call.completed", "");
    let empty = over(r#""output":[],"#);
    assert_eq!(found(&(searched.clone() + &searched + &filed + &empty)), (2, 1, None));
    // Each of them is listed: one search, and two pages that it opened.
    let (search, page) =
        (call(r#"{"type":"search","query":"x","queries":["x"]}"#), call(r#"{"type":"open_page"}"#));
    let listed = over(&format!(r#""output":[{search},{page},{page}],"#));
    assert_eq!(found(&(searched.repeat(3) + &listed)), (1, 0, None));
    assert_eq!(found(&(searched.repeat(4) + &listed)), (2, 0, None));
    let many = call(r#"{"type":"search","queries":["a","b","c"]}"#);
    assert_eq!(found(&over(&format!(r#""output":[{many}],"#))), (3, 0, None));
    let told = r#","tool_usage":{"web_search":{"num_requests":1}},"#;
    assert_eq!(
        found(&over(&format!(r#""output":[{many}]{told}"#))),
        (1, 0, None),
        "the provider's own count"
    );
    for (kind, what) in [
        ("response.code_interpreter_call.completed", Unpriced::CodeSession),
        ("response.image_generation_call.completed", Unpriced::ImageGeneration),
        ("response.oracle_call.completed", Unpriced::OtherUse),
    ] {
        assert_eq!(found(&(event(kind, "") + &empty)).2, Some(what), "{kind}");
    }
    assert_eq!(found(&(event("response.mcp_call.completed", "") + &empty)), (0, 0, None));
    let gemini = |told: &str| {
        let text = format!(
            r#"{{{told}"usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}}}}"#
        );
        report(Meter::GenerateContent, "gemini", false, &text).usage.unwrap().uses.get(Use::SearchQuery)
    };
    for queries in ["webSearchQueries", "web_search_queries", "imageSearchQueries", "image_search_queries"] {
        for holder in ["groundingMetadata", "grounding_metadata"] {
            let told = format!(r#""{holder}":{{"{queries}":["a","b"]}}"#);
            assert_eq!(gemini(&format!("{told},")), 2, "{told}");
            assert_eq!(gemini(&format!(r#""candidates":[{{"finishReason":"STOP",{told}}}],"#)), 2, "{told}");
        }
    }
}

#[test]
fn searches_that_a_message_shows_are_billed_though_its_figures_do_not_tell_them() {
    let asked = r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"x"}}"#;
    let fetched = r#"{"type":"server_tool_use","id":"s","name":"web_fetch","input":{}}"#;
    let result = r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","url":"u"}]}"#;
    let failed = r#"{"type":"web_search_tool_result","tool_use_id":"s","content":{"type":"web_search_tool_result_error","error_code":"x"}}"#;
    let own = r#"{"type":"tool_use","id":"t","name":"web_search","input":{"type":"server_tool_use"}}"#;
    for (blocks, told, searches) in [
        (&[asked, asked, asked][..], "", 3),
        (&[asked, result, asked, failed], "", 1),
        (&[asked, result, asked, result], r#","server_tool_use":{"web_search_requests":0}"#, 2),
        (&[asked, result], r#","server_tool_use":{"web_search_requests":1}"#, 1),
        (&[asked, failed], r#","server_tool_use":{"web_search_requests":0}"#, 0),
        (&[asked], r#","server_tool_use":{"web_search_requests":0}"#, 0),
        (&[asked, result], r#","server_tool_use":{"web_search_requests":5}"#, 5),
        (&[fetched, own], "", 0),
    ] {
        let usage = format!(r#""usage":{{"input_tokens":10,"output_tokens":5{told}}}"#);
        let whole = format!(r#"{{"content":[{}],"stop_reason":"end_turn",{usage}}}"#, blocks.join(","));
        let start = |block: &&str| {
            format!("data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{block}}}\n\n")
        };
        let streamed = blocks.iter().map(start).collect::<String>()
            + &format!(
                "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},{usage}}}\n\n"
            );
        for text in [whole, streamed] {
            let found = report(Meter::Messages, "anthropic", text.starts_with("data"), &text);
            assert_eq!(
                (found.usage.unwrap().uses.get(Use::WebSearch), found.is_final),
                (searches, true),
                "{text}"
            );
            let anthropic = Provider::parse("anthropic").unwrap();
            let again = usage_from_raw("messages", &anthropic, found.raw.unwrap().as_str()).unwrap();
            assert_eq!(again.uses.get(Use::WebSearch), searches, "{text}");
        }
    }
}

#[test]
fn of_classes_of_service_the_dearest_counts_that_was_told() {
    let chat = |tiers: &str| {
        let terms = report(Meter::Chat, "openai", false, &format!("{{{tiers}{CHAT}}}")).usage.unwrap().terms;
        (terms.tier, terms.unpriced)
    };
    let (one, other) = (r#""service_tier":"priority","#, r#""service_tier":"default","#);
    assert_eq!(chat(&format!("{one}{other}")), (Tier::Priority, None));
    assert_eq!(chat(&format!("{other}{one}")), (Tier::Priority, None));
    assert_eq!(chat(r#""service_tier":"flex","service_tier":"default","#), (Tier::Standard, None));
    assert_eq!(chat(r#""service_tier":"scale","service_tier":"default","#).1, Some(Unpriced::Tier));
    let stream = |created: &str, completed: &str| {
        let text = format!(
            "data: {{\"type\":\"response.created\",\"response\":{{{created}\"output\":[],\"usage\":null}}}}\n\n\
             data: {{\"type\":\"response.completed\",\"response\":{{{completed}\"output\":[],\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}}}\n\n"
        );
        let terms = report(Meter::Responses, "openai", true, &text).usage.unwrap().terms;
        (terms.tier, terms.unpriced)
    };
    assert_eq!(stream(one, ""), (Tier::Priority, None));
    assert_eq!(stream(one, other), (Tier::Standard, None), "it was asked for, and served otherwise");
    assert_eq!(stream(r#""service_tier":"auto","#, ""), (Tier::Standard, None));
}

#[test]
fn of_words_among_figures_the_usual_one_gives_way() {
    use strongroom_model::usage::Geography::{Global, Us};
    let terms = |words: &[&str]| {
        let event = |more: &&str| {
            format!(
                "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"input_tokens\":10,\"output_tokens\":5{more}}}}}\n\n"
            )
        };
        let found = report(Meter::Messages, "anthropic", true, &words.iter().map(event).collect::<String>());
        let usage = found.usage.unwrap();
        (found.is_final, usage.terms.tier, usage.terms.geography)
    };
    let (fast, usual) =
        (r#","speed":"fast","inference_geo":"us""#, r#","speed":"standard","inference_geo":"global""#);
    for words in [&[fast, usual][..], &[usual, fast], &[fast, fast], &[fast, ""], &["", fast, usual]] {
        assert_eq!(terms(words), (true, Tier::Fast, Us), "{words:?}");
    }
    assert_eq!(terms(&[usual, usual]), (true, Tier::Standard, Global));
    assert!(!terms(&[fast, r#","speed":"warp""#]).0);
    assert!(!terms(&[r#","speed":"warp""#, fast]).0);
}

#[test]
fn an_answer_of_several_models_has_no_price() {
    let chat = |models: &[&str]| {
        let chunk = |model: &&str| {
            format!(
                "data: {{\"model\":{model},\"choices\":[{{\"index\":0,\"finish_reason\":\"stop\"}}],{CHAT}}}\n\n"
            )
        };
        let text: String = models.iter().map(chunk).collect();
        let found = report(Meter::Chat, "openai", true, &text);
        let openai = Provider::parse("openai").unwrap();
        let again = usage_from_raw("chat.completions", &openai, found.raw.unwrap().as_str()).unwrap();
        assert_eq!(again.terms.unpriced, found.usage.unwrap().terms.unpriced, "{text}");
        again.terms.unpriced
    };
    for models in [
        &[r#""gpt-4o""#, r#""gpt-4o""#][..],
        &[r#""""#, r#""gpt-4o-2024-08-06""#],
        &[r#""gpt-4o""#, r#""gpt-4o-2024-08-06""#],
        &["null", r#""openai/gpt-4o""#, r#""gpt-4o""#],
    ] {
        assert_eq!(chat(models), None, "{models:?}");
    }
    for models in [
        &[r#""gpt-5-pro""#, r#""gpt-4o""#][..],
        &[r#""gpt-4o""#, r#""gpt-4o-mini""#],
        &[r#"{"name":"gpt-5-pro"}"#],
        &["7", r#""gpt-4o""#],
        &[r#""gpt-4o""#, r#""gpt-5-pro""#, r#""gpt-4o""#],
    ] {
        assert_eq!(chat(models), Some(Unpriced::Model), "{models:?}");
    }
}

#[test]
fn what_is_seen_to_be_written_is_not_nothing_in_any_dialect() {
    let none = r#""usage":{"input_tokens":10,"output_tokens":0}"#;
    let event = |json: &str| format!("data: {json}\n\n");
    let delta = event(&format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},{none}}}"#));
    let completed = event(&format!(r#"{{"type":"response.completed","response":{{"output":[],{none}}}}}"#));
    for (meter, text) in [
        (Meter::Messages, format!(r#"{{"content":[{{"type":"text","text":"many words"}}],{none}}}"#)),
        (Meter::Messages, format!(r#"{{{none},"content":[{{"type":"tool_use","input":{{}}}}]}}"#)),
        (
            Meter::Messages,
            event(r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#) + &delta,
        ),
        (Meter::Responses, format!(r#"{{"output":[{{"type":"message"}}],{none}}}"#)),
        (Meter::Responses, event(r#"{"type":"response.output_text.delta","delta":"x"}"#) + &completed),
        (
            Meter::Responses,
            event(&format!(
                r#"{{"type":"response.completed","response":{{"output":[{{"type":"message"}}],{none}}}}}"#
            )),
        ),
    ] {
        assert!(!report(meter, "openai", text.starts_with("data"), &text).is_final, "{text}");
    }
    for (meter, text) in [
        (Meter::Messages, format!(r#"{{"content":[],"stop_reason":"refusal",{none}}}"#)),
        (Meter::Messages, delta),
        (Meter::Responses, completed),
    ] {
        assert!(report(meter, "openai", text.starts_with("data"), &text).is_final, "{text}");
    }
}

#[test]
fn text_behind_the_end_withdraws_it_whatever_its_event_is_called() {
    let event = |json: &str| format!("data: {json}\n\n");
    let chat = event(&format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],{CHAT}}}"#));
    let message = event(
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":10,"output_tokens":5}}"#,
    );
    for text in [
        r#"{"delta":{"content":"more"}}"#,
        r#"{"delta":"more"}"#,
        r#"{"type":"response.output_text.delta","delta":"more"}"#,
        r#"{"type":"content_block_delta","delta":{"text":"more"}}"#,
        r#"{"type":"thinking_delta","thinking":"more"}"#,
        r#"{"type":"output.delta"}"#,
        r#"{"content":"more"}"#,
        r#"{"text":"more"}"#,
    ] {
        assert!(!report(Meter::Chat, "openai", true, &(chat.clone() + &event(text))).is_final, "{text}");
    }
    assert!(
        !report(
            Meter::Messages,
            "anthropic",
            true,
            &(message.clone() + &event(r#"{"type":"thinking_delta","thinking":"more"}"#))
        )
        .is_final
    );
    for text in [r#"{"type":"ping"}"#, r#"{"id":"x"}"#, r#"{"type":"message_stop"}"#, r#"{"delta":{}}"#] {
        assert!(report(Meter::Chat, "openai", true, &(chat.clone() + &event(text))).is_final, "{text}");
        assert!(
            report(Meter::Messages, "anthropic", true, &(message.clone() + &event(text))).is_final,
            "{text}"
        );
    }
}

#[test]
fn steps_that_read_more_from_a_cache_than_the_whole_are_not_believed() {
    let read = |whole: &str, step: i64| {
        let text = format!(
            r#"{{"usage":{{"input_tokens":10{whole},"output_tokens":5,"iterations":[{{"type":"message","input_tokens":10,"cache_read_input_tokens":{step},"output_tokens":5}}]}}}}"#
        );
        report(Meter::Messages, "anthropic", false, &text).is_final
    };
    assert!(read(r#","cache_read_input_tokens":59000"#, 59_000) && read("", 0));
    assert!(!read(r#","cache_read_input_tokens":0"#, 59_000) && !read("", 59_000));
}

#[test]
fn of_costs_under_all_names_the_largest_counts_and_an_empty_one_is_none() {
    let cost = |provider: &str, more: &str| {
        let text =
            format!(r#"{{"usage":{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,{more}}}}}"#);
        let usage = report(Meter::Chat, provider, false, &text).usage.unwrap();
        (usage.reported_nano_usd.map(Amount::get), usage.terms.unpriced, usage.terms.untold.has(Untold::COST))
    };
    let of = |details: &str| {
        cost("openrouter", &format!(r#""cost":0.001,"is_byok":false,"cost_details":{{{details}}}"#))
    };
    for (prompt, answer) in [("prompt", "completions"), ("input", "output")] {
        let told = format!(
            r#""upstream_inference_cost":null,"upstream_inference_{prompt}_cost":1,"upstream_inference_{answer}_cost":2"#
        );
        assert_eq!(of(&told), (Some(3_000_000_000), None, false), "{told}");
    }
    assert_eq!(of(r#""upstream_inference_cost":"3""#), (Some(3_000_000_000), None, false));
    assert_eq!(
        of(r#""upstream_inference_cost":"many""#),
        (Some(1_000_000), Some(Unpriced::ReportedCost), false)
    );
    let twice = r#""upstream_inference_prompt_cost":1,"upstream_inference_input_cost":1"#;
    assert_eq!(of(twice), (Some(1_000_000_000), None, false), "one part by two names");
    let own_key = r#""cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.001,"upstream_inference_input_cost":3}"#;
    assert_eq!(cost("openrouter", own_key).0, Some(3_001_000_000));
    assert_eq!(cost("openrouter", r#""cost":0.001,"total_cost":5"#).0, Some(5_000_000_000));
    assert_eq!(cost("grok", r#""cost_in_usd_ticks":null"#), (None, Some(Unpriced::ReportedCost), true));
    assert_eq!(cost("openrouter", r#""cost":null"#), (None, Some(Unpriced::ReportedCost), true));
    assert_eq!(
        cost("openrouter", r#""x":1"#),
        (None, None, true),
        "of a call that asked for it there is none"
    );
    assert_eq!(cost("openai", r#""cost":null"#), (None, None, false));
}
