//! Facts of answers that decide their price: read as they pass, kept, and read again.

use strongroom_model::Provider;
use strongroom_model::usage::{Geography, Tier, TokenUsage, Unpriced, Use};

use super::super::{AnswerForm, Meter, UsageReader, usage_from_raw};
use super::*;

fn operation(meter: Meter) -> &'static str {
    match meter {
        Meter::Responses => "responses",
        Meter::Messages => "messages",
        Meter::GenerateContent => "generate_content",
        _ => "chat.completions",
    }
}

/// Returns the usage of an answer, which is the same however it is cut, and from the kept figures.
fn usage(meter: Meter, provider: &str, is_event_stream: bool, answer: &str) -> TokenUsage {
    let provider = Provider::parse(provider).unwrap();
    let mut found = Vec::new();
    for piece in [1, 3, 7, answer.len()] {
        let form = match is_event_stream {
            true => AnswerForm::Events,
            false if answer.starts_with('[') => AnswerForm::Pieces,
            false => AnswerForm::Whole,
        };
        let mut reader = UsageReader::new(meter, &provider, form, Amount::ONE);
        answer.as_bytes().chunks(piece).for_each(|piece| reader.feed(piece));
        let report = reader.finish();
        let kept = report.raw.expect("figures are kept");
        found.push(report.usage.expect("a usage"));
        found.push(
            usage_from_raw(operation(meter), &provider, kept.as_str()).expect("a usage of what is kept"),
        );
    }
    // Kept is what has a price or has none, and not what the answer left out.
    let known = |mut usage: TokenUsage| {
        usage.terms.untold = strongroom_model::usage::Untold::NONE;
        usage
    };
    assert!(found.iter().all(|one| known(*one) == known(found[0])), "{answer}");
    found[0]
}

fn response(beside: &str) -> String {
    format!("{{{beside},\"usage\":{{\"input_tokens\":10,\"output_tokens\":5}}}}")
}

#[test]
fn classes_of_service_are_told_by_the_word_that_stands_last() {
    for (word, tier, unpriced) in [
        ("default", Tier::Standard, None),
        ("", Tier::Standard, None),
        ("flex", Tier::Flex, None),
        ("priority", Tier::Priority, None),
        ("fast", Tier::Priority, None),
        ("ultrafast", Tier::Ultrafast, None),
        ("auto", Tier::Standard, Some(Unpriced::Tier)),
        ("scale", Tier::Standard, Some(Unpriced::Tier)),
        ("a word that nobody has ever heard of, and a long one", Tier::Standard, Some(Unpriced::Tier)),
        ("prior\\u0069ty", Tier::Standard, Some(Unpriced::Tier)),
    ] {
        let beside = format!("\"service_tier\":\"{word}\"");
        let terms = usage(Meter::Responses, "openai", false, &response(&beside)).terms;
        assert_eq!((terms.tier, terms.unpriced), (tier, unpriced), "{word}");
    }
    let event = |kind: &str, tier: &str, usage: &str| {
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"response\":{{\"service_tier\":{tier},\"output\":[],\"usage\":{usage}}}}}\n\n"
        )
    };
    let figures = "{\"input_tokens\":1,\"output_tokens\":1}";
    let stream =
        event("response.created", "\"auto\"", "null") + &event("response.completed", "\"flex\"", figures);
    let terms = usage(Meter::Responses, "openai", true, &stream).terms;
    assert_eq!((terms.tier, terms.unpriced), (Tier::Flex, None));
    let chunk = |rest: &str| format!("data: {{\"service_tier\":\"priority\",\"choices\":[],{rest}}}\n\n");
    let stream = chunk("\"usage\":null")
        + &chunk("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}")
        + "data: [DONE]\n\n";
    assert_eq!(usage(Meter::Chat, "openai", true, &stream).terms.tier, Tier::Priority);
}

#[test]
fn what_models_write_about_terms_is_not_read() {
    let chat = "{\"choices\":[{\"message\":{\"content\":\"{\\\"service_tier\\\":\\\"priority\\\"}\",\"service_tier\":\"priority\",\
                \"tool_calls\":[{\"type\":\"web_search_call\"}]}}],\"metadata\":{\"service_tier\":\"flex\"},\
                \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}";
    let found = usage(Meter::Chat, "openai", false, chat);
    assert_eq!((found.terms.tier, found.terms.unpriced), (Tier::Standard, None));
    assert!(found.terms.untold.has(Untold::TIER) && found.terms.untold.has(Untold::AUDIO_INPUT));
    assert!(found.uses.is_none());
    let nested = "{\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"web_search_call\",\"output\":[{\"type\":\"file_search_call\"}]}]}],\
                  \"usage\":{\"input_tokens\":1,\"output_tokens\":1}}";
    assert!(usage(Meter::Responses, "openai", false, nested).uses.is_none());
}

#[test]
fn searches_are_counted_where_they_are_billed() {
    let item = |kind: &str, rest: &str| {
        format!("{{\"id\":\"x\",\"type\":\"{kind}\",\"status\":\"completed\"{rest}}}")
    };
    let search = item("web_search_call", ",\"action\":{\"type\":\"search\",\"query\":\"x\"}");
    let page = item("web_search_call", ",\"action\":{\"type\":\"open_page\",\"url\":\"x\"}");
    let old = item("web_search_call", "");
    let failed = "{\"type\":\"web_search_call\",\"status\":\"failed\"}";
    let file = item("file_search_call", ",\"queries\":[\"a\",\"b\"]");
    let of = |items: &[&str], rest: &str| {
        let beside = format!("\"output\":[{}]{rest}", items.join(","));
        usage(Meter::Responses, "openai", false, &response(&beside))
    };
    let count = |items: &[&str], rest: &str| {
        let uses = of(items, rest).uses;
        [Use::WebSearch, Use::WebSearchPreview, Use::FileSearch].map(|kind| uses.get(kind))
    };
    assert_eq!(count(&[&search, &page, &old, failed, &file, &search], ""), [3, 0, 1]);
    assert_eq!(
        count(&[&search, &page], ",\"tools\":[{\"type\":\"web_search_preview_2025_03_11\"}]"),
        [0, 1, 0]
    );
    assert_eq!(count(&[&search], ",\"tool_usage\":{\"web_search\":{\"num_requests\":4}}"), [4, 0, 0]);
    assert_eq!(
        count(&[&item("mcp_call", ""), &item("function_call", ""), &item("message", "")], ""),
        [0, 0, 0]
    );
    for (kind, what) in [
        ("code_interpreter_call", Unpriced::CodeSession),
        ("shell_call", Unpriced::CodeSession),
        ("image_generation_call", Unpriced::ImageGeneration),
        ("time_travel_call", Unpriced::OtherUse),
    ] {
        assert_eq!(of(&[&item(kind, "")], "").terms.unpriced, Some(what), "{kind}");
    }
    let unused =
        of(&[], ",\"tools\":[{\"type\":\"function\",\"name\":\"x\"},{\"type\":\"code_interpreter\"}]");
    assert_eq!(unused.terms.unpriced, Some(Unpriced::CodeSession), "its container is billed all the same");
    for (environment, what) in [
        ("container_auto", Some(Unpriced::CodeSession)),
        ("container_reference", Some(Unpriced::CodeSession)),
        ("local", None),
    ] {
        let shell =
            format!(",\"tools\":[{{\"type\":\"shell\",\"environment\":{{\"type\":\"{environment}\"}}}}]");
        assert_eq!(of(&[], &shell).terms.unpriced, what, "{environment}");
    }
    for (environment, what) in [
        ("null", None),
        ("{\"type\":\"local\"}", None),
        ("{\"type\":\"container_auto\"}", Some(Unpriced::CodeSession)),
        ("{}", Some(Unpriced::CodeSession)),
        ("\"container\"", Some(Unpriced::CodeSession)),
    ] {
        let shell = item("shell_call", &format!(",\"environment\":{environment}"));
        assert_eq!(of(&[&shell], "").terms.unpriced, what, "{environment}");
    }
    // A stream tells each item as it is done, and all of them in the end.
    let stream = format!(
        "data: {{\"type\":\"response.output_item.done\",\"item\":{search}}}\n\n\
         data: {{\"type\":\"response.completed\",\"response\":{{\"output\":[{search},{page}],\
         \"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}}}\n\n"
    );
    assert_eq!(usage(Meter::Responses, "openai", true, &stream).uses.get(Use::WebSearch), 1);
}

#[test]
fn grounding_is_counted_by_its_different_queries() {
    let chunk = |grounding: &str| {
        format!(
            "{{\"candidates\":[{{\"groundingMetadata\":{grounding}}}],\"usageMetadata\":{{\"promptTokenCount\":1,\"candidatesTokenCount\":1}}}}"
        )
    };
    let count = |text: &str| {
        let found = usage(Meter::GenerateContent, "gemini", text.starts_with("data:"), text);
        (found.uses.get(Use::SearchQuery), found.uses.get(Use::MapsPrompt))
    };
    let queries =
        chunk("{\"webSearchQueries\":[\"\",\"a\",\"b \\\"c\\\"\",\"a\"],\"imageSearchQueries\":[\"d\"]}");
    assert_eq!(count(&queries), (3, 0));
    assert_eq!(count(&format!("[{queries},{queries}]")), (3, 0));
    assert_eq!(count(&format!("data: {queries}\n\ndata: {queries}\n\n")), (3, 0));
    assert_eq!(
        count(&chunk("{\"groundingChunks\":[{\"web\":{\"uri\":\"x\"}}]}")),
        (1, 0),
        "no query is told"
    );
    assert_eq!(count(&chunk("{\"groundingChunks\":[{\"maps\":{\"uri\":\"x\"}},{\"maps\":{}}]}")), (0, 1));
    assert_eq!(count(&chunk("{\"groundingChunks\":[{\"retrievedContext\":{\"web\":1}}]}")), (0, 0));
    assert_eq!(count(&chunk("{}")), (0, 0));
}

#[test]
fn tools_that_ran_at_groq_are_counted_once() {
    let tool = |index: i32, kind: &str| {
        format!("{{\"index\":{index},\"type\":\"browser_search\",\"name\":\"{kind}\"}}")
    };
    let chunk =
        |tools: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"executed_tools\":[{tools}]}}}}]}}\n\n");
    let stream = chunk(&tool(0, "browser.search"))
        + &chunk(&tool(0, "browser.search"))
        + &chunk(&format!("{},{}", tool(1, "browser.open"), tool(2, "browser.open")))
        + "data: {\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}}\n\n";
    let found = usage(Meter::Chat, "groq", true, &stream);
    assert_eq!((found.uses.get(Use::WebSearch), found.uses.get(Use::PageVisit)), (1, 2));
    let with = |tool: &str| {
        let answer = format!(
            "{{\"choices\":[{{\"message\":{{\"executed_tools\":[{tool}]}}}}],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1}}}}"
        );
        usage(Meter::Chat, "groq", false, &answer).terms.unpriced
    };
    assert_eq!(with("{\"index\":0,\"type\":\"python\"}"), Some(Unpriced::CodeSession));
    assert_eq!(with("{\"index\":0,\"type\":\"wolfram\"}"), Some(Unpriced::OtherUse));
    assert_eq!(with("{}"), Some(Unpriced::OtherUse));
}

#[test]
fn what_stands_among_the_figures_is_read_there() {
    let messages = |more: &str| {
        let answer = format!("{{\"usage\":{{\"input_tokens\":10,\"output_tokens\":5{more}}}}}");
        usage(Meter::Messages, "anthropic", false, &answer)
    };
    let fast = messages(",\"service_tier\":\"standard\",\"speed\":\"fast\",\"inference_geo\":\"us\"");
    assert_eq!(
        (fast.terms.tier, fast.terms.geography, fast.terms.unpriced),
        (Tier::Fast, Geography::Us, None)
    );
    for (more, what) in [
        (",\"service_tier\":\"batch\",\"speed\":\"fast\"", Unpriced::Tier),
        (",\"service_tier\":7", Unpriced::Tier),
        (",\"speed\":\"warp\"", Unpriced::Tier),
        (",\"inference_geo\":\"moon\"", Unpriced::Geography),
        (",\"server_tool_use\":{\"code_execution_requests\":1}", Unpriced::CodeSession),
        (",\"server_tool_use\":{\"oracle_requests\":1}", Unpriced::OtherUse),
        (",\"server_tool_use\":7", Unpriced::OtherUse),
        (
            ",\"iterations\":[{\"type\":\"advisor_message\",\"model\":\"x\",\"input_tokens\":1}]",
            Unpriced::OtherModel,
        ),
    ] {
        assert_eq!(messages(more).terms.unpriced, Some(what), "{more}");
    }
    let searches = messages(
        ",\"server_tool_use\":{\"web_search_requests\":3,\"web_fetch_requests\":2,\"code_execution_requests\":0}",
    );
    assert_eq!((searches.uses.get(Use::WebSearch), searches.terms.unpriced), (3, None));
    let steps = messages(
        ",\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":7,\"cache_creation_input_tokens\":100,\"output_tokens\":20},\
         {\"type\":\"message\",\"input_tokens\":10,\"output_tokens\":5}]",
    );
    assert_eq!([steps.input, steps.cache_write, steps.output].map(Amount::get), [117, 100, 25]);
}

#[test]
fn modalities_are_told_apart() {
    let gemini = |more: &str| {
        let answer = format!(
            "{{\"usageMetadata\":{{\"promptTokenCount\":\"100\",\"candidatesTokenCount\":50{more}}}}}"
        )
        .replace("\"100\"", "100");
        usage(Meter::GenerateContent, "gemini", false, &answer)
    };
    let all = gemini(
        ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":20},{\"modality\":\"AUDIO\",\"tokenCount\":\"80\"}],\
         \"cacheTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":30}],\
         \"candidatesTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":40},{\"modality\":\"VIDEO\",\"tokenCount\":5},\
         {\"modality\":\"AUDIO\",\"tokenCount\":3}],\"serviceTier\":\"FLEX\"",
    );
    assert_eq!(
        [all.audio_input, all.cached_audio_input, all.image_output, all.audio_output].map(Amount::get),
        [80, 30, 45, 3]
    );
    assert_eq!((all.terms.tier, all.terms.has_untold_output, all.terms.unpriced), (Tier::Flex, false, None));
    assert!(gemini("").terms.has_untold_output);
    assert_eq!(gemini(",\"trafficType\":\"PROVISIONED_THROUGHPUT\"").terms.unpriced, Some(Unpriced::Tier));
    let smell = ",\"promptTokensDetails\":[{\"modality\":\"SMELL\",\"tokenCount\":1}]";
    assert_eq!(gemini(smell).terms.unpriced, Some(Unpriced::OtherUse));
    let chat = "{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,\"prompt_tokens_details\":{\"audio_tokens\":80,\
                \"cache_write_tokens\":10,\"cache_write_tokens_details\":{\"ttl_30m_tokens\":4,\"ttl_12h_tokens\":6}},\
                \"completion_tokens_details\":{\"audio_tokens\":30}}}";
    let chat = usage(Meter::Chat, "openai", false, chat);
    assert_eq!(
        [chat.audio_input, chat.audio_output, chat.cache_write, chat.cache_write_long].map(Amount::get),
        [80, 30, 4, 6]
    );
}

#[test]
fn openrouters_cost_is_the_whole_one() {
    let told = |more: &str| {
        let answer = format!("{{\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1{more}}}}}");
        let found = usage(Meter::Chat, "openrouter", false, &answer);
        (found.reported_nano_usd.map(Amount::get), found.terms.unpriced)
    };
    assert_eq!(told(",\"cost\":0.00014"), (Some(140_000), None));
    assert_eq!(told(",\"cost\":0.0000000011"), (Some(2), None), "a started billionth counts");
    assert_eq!(told(",\"cost\":0.007637029"), (Some(7_637_029), None));
    let own_key = ",\"cost\":0.001,\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":0.02}";
    assert_eq!(told(own_key), (Some(21_000_000), None));
    let not_own = ",\"cost\":0.001,\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":0.001}";
    assert_eq!(told(not_own), (Some(1_000_000), None));
    assert_eq!(told(",\"cost\":0.001,\"is_byok\":true"), (Some(1_000_000), Some(Unpriced::ReportedCost)));
    assert_eq!(told(",\"cost\":0.001,\"service_tier\":\"scale\""), (Some(1_000_000), None));
    assert_eq!(
        told(",\"server_tool_use_details\":{\"web_search_requests\":1}"),
        (None, Some(Unpriced::OtherUse))
    );
}

#[test]
fn the_model_that_has_the_price_is_kept_with_the_figures() {
    for raw in ["{\"prompt_tokens\":1}", "{\"prompt_tokens\":1,\"_terms\":{\"service_tier\":\"flex\"}}"] {
        let raw_usage = RawUsage::of(raw.to_owned()).unwrap();
        let kept = keep_terms(&raw_usage, Some("gpt-4o-2024-05-13"), None, false).unwrap();
        assert_eq!(billed_model(kept.as_str()).as_deref(), Some("gpt-4o-2024-05-13"));
        let openai = Provider::parse("openai").unwrap();
        let of = |raw: &str| usage_from_raw("chat.completions", &openai, raw);
        assert_eq!(of(kept.as_str()), of(raw));
        let unheard = keep_terms(&raw_usage, None, Some(Unpriced::AudioInput), false).unwrap();
        assert_eq!(of(unheard.as_str()).unwrap().terms.unpriced, Some(Unpriced::AudioInput));
        assert_eq!(billed_model(raw), None);
    }
}

#[test]
fn a_cost_that_is_there_and_not_understood_is_not_known() {
    for cost in ["null", "\"5.5\"", "-1", "-0.5", "true", "[]", "[1]", "{}", "{\"total_cost\":\"x\"}"] {
        let answer = format!("{{\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1,\"cost\":{cost}}}}}");
        let found = usage(Meter::Chat, "openrouter", false, &answer);
        assert_eq!(
            (found.reported_nano_usd, found.terms.unpriced),
            (None, Some(Unpriced::ReportedCost)),
            "{cost}"
        );
    }
    for (cost, nano_usd) in
        [("0", Some(0)), ("5", Some(5_000_000_000)), ("{\"total_cost\":0.5}", Some(500_000_000))]
    {
        let answer = format!("{{\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1,\"cost\":{cost}}}}}");
        let found = usage(Meter::Chat, "openrouter", false, &answer);
        assert_eq!(
            (found.reported_nano_usd.map(Amount::get), found.terms.unpriced),
            (nano_usd, None),
            "{cost}"
        );
    }
}

#[test]
fn xais_ticks_are_the_whole_bill_and_its_tools_have_no_price_without_them() {
    let told = |more: &str| {
        let answer = format!("{{\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":1{more}}}}}");
        let found = usage(Meter::Chat, "grok", false, &answer);
        (found.reported_nano_usd.map(Amount::get), found.terms.unpriced)
    };
    assert_eq!(
        told(",\"cost_in_usd_ticks\":37756000,\"num_server_side_tools_used\":2"),
        (Some(3_775_600), None)
    );
    assert_eq!(told(",\"cost_in_usd_ticks\":1"), (Some(1), None), "a started billionth counts");
    assert_eq!(told(",\"cost_in_usd_ticks\":1,\"cost\":7"), (Some(7_000_000_000), None));
    assert_eq!(told(",\"num_sources_used\":0,\"num_server_side_tools_used\":0"), (None, None));
    assert_eq!(told(",\"server_side_tool_usage_details\":{\"web_search_calls\":0}"), (None, None));
    for used in [
        "\"num_sources_used\":1",
        "\"num_server_side_tools_used\":1",
        "\"num_server_side_tools_used\":\"x\"",
        "\"server_side_tool_usage\":{\"SERVER_SIDE_TOOL_WEB_SEARCH\":2}",
        "\"server_side_tool_usage_details\":{\"document_search_calls\":1}",
    ] {
        assert_eq!(told(&format!(",{used}")), (None, Some(Unpriced::OtherUse)), "{used}");
    }
}
