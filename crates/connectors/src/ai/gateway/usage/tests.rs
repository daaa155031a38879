//! Usage as the providers tell it, whole and cut.

use strongroom_model::usage::{Terms, Untold};

use super::*;

mod contradiction;
mod doubt;

fn report(meter: Meter, provider: &str, is_event_stream: bool, text: &str) -> Report {
    let form = if is_event_stream { AnswerForm::Events } else { AnswerForm::Whole };
    report_of((meter, provider), (form, 1), text)
}

fn report_of((meter, provider): (Meter, &str), (form, answers): (AnswerForm, i64), text: &str) -> Report {
    let provider = Provider::parse(provider).unwrap();
    let read = |piece: usize| {
        let mut reader = UsageReader::new(meter, &provider, form, Amount::of(answers));
        text.as_bytes().chunks(piece).for_each(|piece| reader.feed(piece));
        reader.finish()
    };
    let whole = read(text.len().max(1));
    for piece in [1, 5, 64] {
        assert_eq!(read(piece), whole);
    }
    whole
}

/// Returns the terms of an answer that does not tell the kinds of tokens in the prompt, or in the answer.
fn untold(has_untold_input: bool, has_untold_output: bool) -> Terms {
    let mut untold = Untold::NONE;
    for which in [Untold::TIER, Untold::SPEED, Untold::GEOGRAPHY] {
        untold.set(which, true);
    }
    untold.set(Untold::AUDIO_INPUT, has_untold_input);
    Terms { untold, has_untold_output, ..Terms::default() }
}

#[test]
fn chat_completions_plain_and_streamed() {
    let usage = r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}"#;
    let expected = TokenUsage {
        input: Amount::of(10),
        cached_input: Amount::of(4),
        output: Amount::of(7),
        reasoning: Amount::of(3),
        terms: untold(true, true),
        ..TokenUsage::default()
    };
    let plain = report(Meter::Chat, "openai", false, &format!(r#"{{"model":"gpt-4o","usage":{usage}}}"#));
    assert_eq!((plain.usage, plain.model.as_deref()), (Some(expected), Some("gpt-4o")));
    let streamed = format!(
        ": hello\ndata: {{\"model\":\"gpt-4o\",\"choices\":[{{\"delta\":{{\"content\":\"hey\"}}}}],\"usage\":null}}\r\n\r\n\
         data: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n"
    );
    let streamed = report(Meter::Chat, "openai", true, &streamed);
    assert_eq!((streamed.usage, streamed.is_final), (Some(expected), true));
    assert!(streamed.raw.unwrap().as_str().contains("\"cached_tokens\":4"));
    let broken_off = "data: {\"choices\":[{\"delta\":{\"content\":\"hey\"}}]}\n\ndata: {\"choi";
    let broken_off = report(Meter::Chat, "openai", true, broken_off);
    assert_eq!((broken_off.usage, broken_off.is_final), (None, false));
}

#[test]
fn groq_and_openrouter_and_geminis_compatible_endpoint() {
    let groq = "data: {\"choices\":[],\"x_groq\":{\"id\":\"1\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}}\n\n";
    let usage = report(Meter::Chat, "groq", true, groq).usage.unwrap();
    assert_eq!((usage.input, usage.output), (Amount::of(3), Amount::of(2)));
    let openrouter = r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"cost":0.00014}}"#;
    let usage = report(Meter::Chat, "openrouter", false, openrouter).usage.unwrap();
    assert_eq!(usage.reported_nano_usd, Some(Amount::of(140_000)));
    assert_eq!(report(Meter::Chat, "openai", false, openrouter).usage.unwrap().reported_nano_usd, None);
    let gemini = r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":15}}"#;
    let usage = report(Meter::Chat, "gemini", false, gemini).usage.unwrap();
    assert_eq!((usage.output, usage.reasoning), (Amount::of(12), Amount::of(10)));
}

#[test]
fn responses_and_embeddings() {
    let event = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"gpt-5\",\"usage\":\
                 {\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":1},\"output_tokens\":5,\
                 \"output_tokens_details\":{\"reasoning_tokens\":2}},\"output\":[]}}\n\n";
    let found = report(Meter::Responses, "openai", true, event);
    let mut terms = untold(true, true);
    terms.untold.set(Untold::CODE_SESSION, true);
    let expected = TokenUsage {
        input: Amount::of(9),
        cached_input: Amount::of(1),
        output: Amount::of(5),
        reasoning: Amount::of(2),
        terms,
        ..TokenUsage::default()
    };
    assert_eq!((found.usage, found.model.as_deref()), (Some(expected), Some("gpt-5")));
    let embeddings = r#"{"data":[{"embedding":[0.1,0.2]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let usage = report(Meter::Embeddings, "openai", false, embeddings).usage.unwrap();
    assert_eq!((usage.input, usage.output), (Amount::of(8), Amount::ZERO));
    // What a total tells is prompt as well: an answer has no price here.
    let total = r#"{"usage":{"prompt_tokens":null,"total_tokens":8}}"#;
    let usage = report(Meter::Embeddings, "openai", false, total).usage.unwrap();
    assert_eq!((usage.input, usage.output), (Amount::of(8), Amount::ZERO));
}

#[test]
fn anthropics_streams_tell_the_input_first_and_the_output_as_it_grows() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"usage\":\
                 {\"input_tokens\":5,\"cache_creation_input_tokens\":30,\"cache_creation\":{\"ephemeral_5m_input_tokens\":20,\"ephemeral_1h_input_tokens\":10},\
                 \"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n";
    let delta = |output: i64| {
        format!(
            "event: message_delta\ndata: {{\"type\":\"message_delta\",\"usage\":{{\"output_tokens\":{output}}}}}\n\n"
        )
    };
    let whole = format!("{start}{}{}", delta(3), delta(12));
    let expected = TokenUsage {
        input: Amount::of(135),
        cached_input: Amount::of(100),
        cache_write: Amount::of(20),
        cache_write_long: Amount::of(10),
        output: Amount::of(12),
        terms: untold(false, false),
        ..TokenUsage::default()
    };
    let found = report(Meter::Messages, "anthropic", true, &whole);
    assert_eq!((found.usage, found.model.as_deref()), (Some(expected), Some("claude")));
    let of_raw =
        usage_from_raw("messages", &Provider::parse("anthropic").unwrap(), found.raw.unwrap().as_str());
    assert_eq!(of_raw, Some(TokenUsage { terms: Terms::default(), ..expected }));
    assert_eq!(report(Meter::Messages, "anthropic", true, start).usage.unwrap().output, Amount::ONE);
}

#[test]
fn gemini_as_events_and_as_an_array() {
    let chunk = |output: i64| {
        format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"hi\"}}]}}}}],\"usageMetadata\":{{\"promptTokenCount\":4,\
                 \"candidatesTokenCount\":{output},\"thoughtsTokenCount\":6,\"cachedContentTokenCount\":2}},\"modelVersion\":\"g-1\"}}"
        )
    };
    let expected = TokenUsage {
        input: Amount::of(4),
        cached_input: Amount::of(2),
        output: Amount::of(13),
        reasoning: Amount::of(6),
        terms: untold(true, true),
        ..TokenUsage::default()
    };
    let events = format!("data: {}\r\n\r\ndata: {}\r\n\r\n", chunk(1), chunk(7));
    let array = format!("[{}\n,\r\n{}]", chunk(1), chunk(7));
    for (is_event_stream, text) in [(true, events), (false, array), (false, chunk(7))] {
        let found = report(Meter::GenerateContent, "gemini", is_event_stream, &text);
        assert_eq!((found.usage, found.model.as_deref()), (Some(expected), Some("g-1")));
    }
}

#[test]
fn nonsense_is_no_usage_and_never_negative() {
    assert_eq!(report(Meter::Chat, "openai", false, "<html>no</html>").usage, None);
    assert_eq!(report(Meter::Chat, "openai", false, r#"{"usage":"free"}"#).usage, None);
    let negative = r#"{"usage":{"prompt_tokens":-5,"completion_tokens":1e400}}"#;
    assert_eq!(report(Meter::Chat, "openai", false, negative).usage, None);
    let negative = r#"{"usage":{"prompt_tokens":-5,"completion_tokens":2}}"#;
    let usage = report(Meter::Chat, "openai", false, negative).usage.unwrap();
    assert_eq!((usage.input, usage.output), (Amount::ZERO, Amount::of(2)));
    assert_eq!(report(Meter::Free, "openai", false, r#"{"usage":{"prompt_tokens":5}}"#).usage, None);
}

#[test]
fn figures_are_final_when_nothing_can_be_generated_behind_them() {
    use AnswerForm::{Events, Pieces, Whole};
    let chat =
        |choices: &str, usage: &str| format!("data: {{\"choices\":[{choices}],\"usage\":{usage}}}\n\n");
    let figures = r#"{"prompt_tokens":3,"completion_tokens":2}"#;
    let goes_on = |index: u32| format!("{{\"index\":{index},\"finish_reason\":null}}");
    let ends = |index: u32| format!("{{\"index\":{index},\"finish_reason\":\"stop\"}}");
    let done = "data: [DONE]\n\n";
    let message = |kind: &str, more: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{more}}}\n\n");
    let both = r#""usage":{"input_tokens":5,"output_tokens":9}"#;
    let start = message("message_start", &format!("\"message\":{{{both}}}"));
    let delta =
        |reason: &str| message("message_delta", &format!("\"delta\":{{\"stop_reason\":{reason}}},{both}"));
    let response = |kind: &str| message(kind, &format!("\"response\":{{{both}}}"));
    let counts = r#""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}"#;
    let piece = |candidates: &str| format!("{{\"candidates\":[{candidates}],{counts}}}");
    let spoken = "{\"index\":0,\"content\":{}}";
    let last = "{\"index\":0,\"finishReason\":\"STOP\"}";
    let other = "{\"index\":1,\"finishReason\":\"STOP\"}";
    let (m, g) = (Meter::Messages, Meter::GenerateContent);
    for (meter, form, answers, text, is_final) in [
        (Meter::Chat, Whole, 1, format!("{{\"usage\":{figures},\"choices\":[{{\"mess"), true),
        (
            Meter::Chat,
            Whole,
            1,
            "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2".to_owned(),
            false,
        ),
        (Meter::Chat, Whole, 1, format!("{{\"choices\":[],\"usage\":{figures}"), true),
        (Meter::Chat, Events, 1, format!("data: {{\"choices\":[],\"usage\":{figures}"), false),
        (
            Meter::Chat,
            Events,
            1,
            chat(&ends(0), "null") + &format!("data: {{\"choices\":[],\"usage\":{figures}"),
            true,
        ),
        (Meter::Chat, Events, 1, format!("data: {{\"choices\":[{}],\"usage\":{figures}", ends(0)), true),
        (g, Events, 1, piece(last).trim_end_matches('}').to_owned(), false),
        (g, Whole, 1, format!("[{}", piece(last).strip_suffix('}').unwrap()), true),
        (Meter::Chat, Events, 1, chat("", figures), false),
        (Meter::Chat, Events, 1, chat("", figures) + done, true),
        (Meter::Chat, Events, 3, chat("", figures), false),
        (Meter::Chat, Events, 1, chat(&ends(0), "null") + &chat("", figures), true),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures), false),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures) + &chat(&ends(0), "null"), false),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures) + done, true),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures) + &chat(&ends(0), "null") + done, false),
        (Meter::Chat, Events, 1, chat(&ends(0), figures), true),
        (Meter::Chat, Events, 1, chat(&ends(0), "null") + &chat(&goes_on(0), figures), true),
        (Meter::Chat, Events, 2, chat(&ends(0), figures), false),
        (Meter::Chat, Events, 2, chat(&ends(0), figures) + &chat(&ends(0), figures), false),
        (Meter::Chat, Events, 2, chat(&ends(0), figures) + &chat(&ends(1), figures), true),
        (Meter::Chat, Events, 1, format!("data: {{\"usage\":{figures},\"choices\":["), false),
        (Meter::Chat, Events, 1, format!("data: {{\"usage\":{figures}}}\n\n"), false),
        (
            Meter::Chat,
            Events,
            2,
            format!("data: {{\"choices\":[{{}}],\"x_groq\":{{\"usage\":{figures}}}}}\n\n"),
            false,
        ),
        (
            Meter::Chat,
            Events,
            1,
            format!("data: {{\"choices\":[{}],\"x_groq\":{{\"usage\":{figures}}}}}\n\n", ends(0)),
            true,
        ),
        (Meter::Chat, Pieces, 1, format!("{{\"choices\":[{}],\"usage\":{figures}}}", goes_on(0)), false),
        (Meter::Chat, Pieces, 1, format!("{{\"choices\":[{}],\"usage\":{figures}}}", ends(0)), true),
        (m, Whole, 1, format!("{{{both},\"stop_reason\":\"end_turn\"}}"), true),
        (m, Events, 1, start.clone(), false),
        (m, Events, 1, start.clone() + &message("message_stop", "\"a\":1"), false),
        (m, Events, 1, start.clone() + &delta("null"), false),
        (m, Events, 1, start.clone() + &delta("null") + &message("message_stop", "\"a\":1"), true),
        (m, Events, 1, start.clone() + &delta("\"end_turn\""), true),
        (m, Events, 1, start + &message("error", "\"error\":{\"type\":\"overloaded_error\"}"), false),
        (Meter::Responses, Whole, 1, format!("{{{both},\"status\":\"completed\"}}"), true),
        (Meter::Responses, Events, 1, response("response.in_progress"), false),
        (Meter::Responses, Events, 1, response("response.completed"), true),
        (Meter::Responses, Events, 1, response("response.incomplete"), true),
        (Meter::Responses, Events, 1, response("response.failed"), true),
        (g, Whole, 1, piece(last), true),
        (g, Whole, 1, format!("[{}", piece(spoken)), false),
        (g, Whole, 1, format!("[{},{}", piece(spoken), piece(last)), true),
        (g, Whole, 1, format!("[{},{}]", piece(last), piece("")), true),
        (g, Events, 1, format!("data: {}\n\n", piece(spoken)), false),
        (g, Events, 1, format!("data: {}\n\n", piece(last)), true),
        (g, Events, 2, format!("data: {}\n\n", piece(last)), false),
        (g, Events, 2, format!("data: {}\n\ndata: {}\n\n", piece(last), piece(other)), true),
        (
            g,
            Events,
            1,
            format!("data: {{\"promptFeedback\":{{\"blockReason\":\"SAFETY\"}},{counts}}}\n\n"),
            true,
        ),
        (Meter::Embeddings, Whole, 1, format!("{{\"usage\":{figures}}}"), true),
    ] {
        for text in
            [text.clone(), text.replace('\n', "\r"), text.replace('\n', "\r\n"), format!("\u{feff}{text}")]
        {
            let found = report_of((meter, "openai"), (form, answers), &text);
            assert_eq!(found.is_final, is_final, "{meter:?} {form:?} {answers} {text}");
        }
    }
}

#[test]
fn the_data_of_an_event_may_stand_on_several_lines() {
    let text = "\u{feff}data: {\"choices\":[{\"finish_reason\":\"stop\"}],\ndata: \"us\\u0061ge\":\n: aside\ndata:{\"prompt_tokens\":3,\ndata\ndata: \"completion_tokens\":2}}\n\n";
    for end in ["\n", "\r", "\r\n"] {
        let found = report(Meter::Chat, "openai", true, &text.replace('\n', end));
        assert_eq!((found.usage.unwrap().total(), found.is_final), (Amount::of(5), true));
    }
}

#[test]
fn what_is_no_count_or_not_there_leaves_open_what_is_billed() {
    let chat = |figures: &str| report(Meter::Chat, "openai", false, &format!("{{\"usage\":{figures}}}"));
    for (figures, total, is_final) in [
        (r#"{"prompt_tokens":3,"completion_tokens":2}"#, 5, true),
        (r#"{"prompt_tokens":3,"completion_tokens":2.5}"#, 6, true),
        (r#"{"prompt_tokens":"3","completion_tokens":"2"}"#, 5, true),
        (r#"{"prompt_tokens":3,"total_tokens":5}"#, 5, true),
        (r#"{"prompt_tokens":3,"prompt_tokens":4,"completion_tokens":2}"#, 6, true),
        (r#"{"prompt_tokens":3,"completion_tokens":9223372036854775807}"#, Amount::CEILING.get(), true),
        (r#"{"prompt_tokens":3,"completion_tokens":1e300}"#, Amount::CEILING.get(), true),
        (r#"{"prompt_tokens":3}"#, 3, false),
        (r#"{"completion_tokens":3}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":null}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":-2}"#, 3, false),
        (r#"{"prompt_tokens":-3,"completion_tokens":2}"#, 2, false),
        (r#"{"prompt_tokens":3,"completion_tokens":-0.5}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":"two"}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":"-2"}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":true}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":[2]}"#, 3, false),
        (r#"{"prompt_tokens":3,"completion_tokens":{"a":2}}"#, 3, false),
        (
            r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":-1}}"#,
            5,
            false,
        ),
        (r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":"none"}"#, 5, false),
        (r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":null}"#, 5, true),
    ] {
        let found = chat(figures);
        assert_eq!((found.usage.unwrap().total().get(), found.is_final), (total, is_final), "{figures}");
    }
    for figures in ["{}", "null", "7", "[]", "\"free\"", r#"{"prompt_tokens":1e400}"#] {
        assert_eq!((chat(figures).usage, chat(figures).is_final), (None, false), "{figures}");
    }
    let gemini = |figures: &str| {
        report(Meter::GenerateContent, "gemini", false, &format!("{{\"usageMetadata\":{figures}}}"))
    };
    // Zeros are left out, and the total tells what a part does not.
    for (figures, total, is_final) in [
        (r#"{"promptTokenCount":3,"totalTokenCount":3}"#, 3, true),
        (r#"{"promptTokenCount":3,"totalTokenCount":9}"#, 9, true),
        (
            r#"{"promptTokenCount":3,"thoughtsTokenCount":4,"candidatesTokenCount":2,"totalTokenCount":9}"#,
            9,
            true,
        ),
        (
            r#"{"promptTokenCount":3,"toolUsePromptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":10}"#,
            10,
            true,
        ),
        (r#"{"promptTokenCount":3}"#, 3, false),
        // As a field mask would have it: thoughts are billed too.
        (r#"{"promptTokenCount":3,"candidatesTokenCount":2}"#, 5, false),
        (r#"{"candidatesTokenCount":3}"#, 3, false),
    ] {
        let found = gemini(figures);
        assert_eq!((found.usage.unwrap().total().get(), found.is_final), (total, is_final), "{figures}");
    }
}

#[test]
fn what_is_generated_behind_figures_withdraws_that_they_are_final() {
    use AnswerForm::{Events, Whole};
    let data = |text: &str| format!("data: {text}\n\n");
    let figures = r#"{"prompt_tokens":10,"completion_tokens":5}"#;
    let apart = data(&format!("{{\"choices\":[],\"usage\":{figures}}}"));
    let text = data(r#"{"choices":[{"index":0,"delta":{"content":"more"}}]}"#);
    let with = |reason: &str| {
        data(&format!(
            "{{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":{reason}}}],\"usage\":{figures}}}"
        ))
    };
    let each = data(&format!(
        "{{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"x\"}}}}],\"usage\":{figures}}}"
    ));
    let shown = data(&format!(
        "{{\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}},\"finish_reason\":null}}],\"usage\":{figures}}}"
    ));
    let end = data(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#);
    let done = data("[DONE]");
    let both = r#""usage":{"input_tokens":5,"output_tokens":9}"#;
    let paused =
        data(&format!("{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"pause_turn\"}},{both}}}"));
    let interim = data(&format!("{{\"type\":\"message_delta\",\"delta\":{{}},{both}}}"));
    let block = data(r#"{"type":"content_block_delta","delta":{"text":"x"}}"#);
    let stop = data(r#"{"type":"message_stop"}"#);
    let completed = data(&format!("{{\"type\":\"response.completed\",\"response\":{{{both}}}}}"));
    let progress = data(&format!("{{\"type\":\"response.in_progress\",\"response\":{{{both}}}}}"));
    let word = data(r#"{"type":"response.output_text.delta","delta":"x"}"#);
    let counts = r#""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}"#;
    let piece = |reason: &str| {
        data(&format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"x\"}}]}},\"finishReason\":{reason}}}],{counts}}}"
        ))
    };
    let blocked =
        |reason: &str| data(&format!("{{\"promptFeedback\":{{\"blockReason\":{reason}}},{counts}}}"));
    let untold = data(r#"{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}"#);
    let (c, m, r, g) = (Meter::Chat, Meter::Messages, Meter::Responses, Meter::GenerateContent);
    for (meter, form, text, is_final) in [
        (c, Events, format!("{apart}{text}"), false),
        (c, Events, format!("{apart}{text}{end}{done}"), false),
        (c, Events, format!("{apart}{text}{end}{apart}{done}"), true),
        (c, Events, format!("{text}{end}{shown}"), true),
        (c, Events, format!("{apart}data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"h"), false),
        (c, Events, format!("{}{text}", with("\"stop\"")), false),
        (c, Events, format!("{}{each}", with("\"stop\"")), false),
        (c, Events, format!("{}{each}{}", with("\"stop\""), with("\"stop\"")), true),
        (c, Events, with("\"null\""), false),
        (c, Events, with("0"), false),
        (c, Events, with("2"), true),
        (c, Whole, apart.clone(), false),
        (c, Whole, format!("{apart}{text}"), false),
        (c, Whole, format!(" {{\"usage\":{figures}}}\n "), true),
        (c, Whole, format!("{{\"usage\":{figures}}} {{}}"), false),
        (c, Whole, format!("{{\"usage\":{figures}}}x"), false),
        (c, Whole, format!("{{\"usage\":{figures}}}]"), false),
        (m, Events, paused.clone(), true),
        (m, Events, format!("{paused}{block}"), false),
        (m, Events, format!("{paused}{block}{interim}"), false),
        (m, Events, format!("{paused}{block}{interim}{stop}"), true),
        (m, Events, format!("{interim}{block}{stop}"), false),
        (r, Events, format!("{completed}{word}"), false),
        (r, Events, format!("{completed}{progress}"), false),
        (r, Events, format!("{completed}{word}{completed}"), true),
        (g, Events, piece("\"STOP\""), true),
        (g, Events, piece("\"finish_reason_unspecified\""), false),
        (g, Events, piece("0"), false),
        (g, Events, piece("1"), true),
        (g, Events, piece("\"STOP\"") + &piece("null"), false),
        (g, Events, piece("\"STOP\"") + &untold, false),
        (g, Events, blocked("0"), false),
        (g, Events, blocked("\"SAFETY\""), true),
        (g, Events, blocked("\"SAFETY\"") + &piece("null"), false),
    ] {
        assert_eq!(
            report_of((meter, "openai"), (form, 1), &text).is_final,
            is_final,
            "{meter:?} {form:?} {text}"
        );
    }
}

#[test]
fn of_each_figure_the_largest_counts_that_was_told() {
    let total = |meter, text: &str| {
        let found = report(meter, "openai", text.starts_with("data:"), text);
        (found.usage.unwrap().total().get(), found.is_final)
    };
    let chat = |figures: &str| {
        format!("data: {{\"choices\":[{{\"finish_reason\":\"stop\"}}],\"usage\":{figures}}}\n\n")
    };
    let large = chat(r#"{"prompt_tokens":10,"completion_tokens":1000}"#);
    let zero = chat(r#"{"prompt_tokens":0,"completion_tokens":0}"#);
    let odd = chat(r#"{"prompt_tokens":0,"completion_tokens":"many"}"#);
    assert_eq!(total(Meter::Chat, &format!("{large}{zero}")), (1010, true));
    assert_eq!(total(Meter::Chat, &format!("{zero}{large}{zero}")), (1010, true));
    assert_eq!(total(Meter::Chat, &format!("{large}{odd}")), (1010, false));
    assert_eq!(total(Meter::Chat, &format!("{odd}{large}")), (1010, false));
    let unreadable = chat(r#"{"prompt_tokens":1e400,"completion_tokens":5}"#);
    assert_eq!(total(Meter::Chat, &format!("{large}{unreadable}")), (1010, false));
    let long =
        chat(&format!("{{\"prompt_tokens\":10,\"completion_tokens\":9999,\"x\":\"{}\"}}", "x".repeat(9000)));
    assert_eq!(total(Meter::Chat, &format!("{large}{long}")), (1010, false));
    for twice in [
        r#"{"usage":{"prompt_tokens":10,"completion_tokens":1000,"completion_tokens":1}}"#,
        r#"{"usage":{"prompt_tokens":10,"completion_tokens":1,"completion_tokens":1000}}"#,
        r#"{"usage":{"prompt_tokens":10,"completion_tokens":1000},"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
    ] {
        assert_eq!(total(Meter::Chat, twice), (1010, true), "{twice}");
    }
    let gemini = |output: i64| {
        format!(
            "data: {{\"usageMetadata\":{{\"promptTokenCount\":1,\"candidatesTokenCount\":{output}}}}}\n\n"
        )
    };
    assert_eq!(total(Meter::GenerateContent, &(gemini(900) + &gemini(0))).0, 901);
    let message = |figures: &str| format!("data: {{\"type\":\"message_delta\",\"usage\":{{{figures}}}}}\n\n");
    let told = message(
        r#""input_tokens":1000,"output_tokens":700,"cache_creation":{"ephemeral_1h_input_tokens":100000},"server_tool_use":{"web_search_requests":50}"#,
    ) + &message(
        r#""input_tokens":0,"output_tokens":5,"cache_creation":{},"server_tool_use":{"web_search_requests":0}"#,
    );
    let found = report(Meter::Messages, "anthropic", true, &told).usage.unwrap();
    assert_eq!((found.input.get(), found.output.get()), (101_000, 700));
    assert_eq!(
        (found.cache_write_long.get(), found.uses.get(strongroom_model::usage::Use::WebSearch)),
        (100_000, 50)
    );
    // What makes a call cheaper is as it was told last.
    let cached = |count: i64| {
        chat(&format!(
            "{{\"prompt_tokens\":900,\"completion_tokens\":1,\"prompt_tokens_details\":{{\"cached_tokens\":{count}}}}}"
        ))
    };
    let found = report(Meter::Chat, "openai", true, &(cached(800) + &cached(0))).usage.unwrap();
    assert_eq!(found.cached_input, Amount::ZERO);
}

#[test]
fn sums_and_parts_that_contradict_each_other_are_counted_at_the_larger_or_held() {
    let of = |meter, text: &str| {
        let found = report(meter, "grok", false, text);
        (found.usage.unwrap().total().get(), found.is_final)
    };
    let chat = |figures: &str| of(Meter::Chat, &format!("{{\"usage\":{figures}}}"));
    let beside = r#"{"prompt_tokens":10,"completion_tokens":5000,"completion_tokens_details":{"reasoning_tokens":5000}}"#;
    assert!(!chat(beside).1, "nobody knows whether it is within the completion");
    let summed = r#"{"prompt_tokens":10,"completion_tokens":5000,"total_tokens":10010,"completion_tokens_details":{"reasoning_tokens":5000}}"#;
    assert_eq!(chat(summed), (10_010, true));
    let cached = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":70000}}"#;
    assert_eq!(chat(cached), (70_005, false));
    let response = |figures: &str| of(Meter::Responses, &format!("{{\"usage\":{figures}}}"));
    assert_eq!(response(r#"{"input_tokens":10,"output_tokens":500,"total_tokens":9000}"#), (9000, true));
    assert_eq!(response(r#"{"input_tokens":0,"output_tokens":0,"total_tokens":0}"#), (0, false));
    let cached = r#"{"input_tokens":10,"output_tokens":5,"input_tokens_details":{"cached_tokens":70000}}"#;
    assert_eq!(response(cached), (70_005, false));
}

#[test]
fn a_response_that_is_under_way_has_no_last_word() {
    let of = |status: &str, stream: bool| {
        let response = format!(
            r#"{{"status":{status},"usage":{{"input_tokens":10,"output_tokens":5,"total_tokens":15}}}}"#
        );
        let text = if stream {
            format!("data: {{\"type\":\"response.completed\",\"response\":{response}}}\n\n")
        } else {
            response
        };
        let found = report(Meter::Responses, "openai", stream, &text);
        (found.usage.unwrap().total().get(), found.is_final)
    };
    for (status, is_final) in [
        (r#""completed""#, true),
        (r#""incomplete""#, true),
        (r#""failed""#, true),
        ("null", true),
        (r#""queued""#, false),
        (r#""in_progress""#, false),
    ] {
        assert_eq!(of(status, false), (15, is_final), "{status}");
        assert_eq!(of(status, true), (15, is_final), "{status} in a stream");
    }
}

#[test]
fn figures_in_a_refusal_are_read() {
    let grok = Provider::parse("grok").unwrap();
    let of = |body: &str| {
        let report = report_of_error(Meter::Chat, &grok, body.as_bytes())?;
        Some((report.usage?.total().get(), report.is_final))
    };
    let figures = r#""usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#;
    assert_eq!(of(&format!("{{\"error\":{{\"message\":\"x\"}},{figures}}}")), Some((15, true)));
    assert_eq!(of(&format!("{{\"error\":{{\"message\":\"x\",{figures}}}}}")), Some((15, true)));
    assert_eq!(of(&format!("data: {{\"error\":1,\"choices\":[],{figures}}}\n\n")), Some((15, false)));
    for free in [
        "",
        "<html>",
        r#"{"error":{"message":"x"}}"#,
        r#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#,
    ] {
        assert_eq!(of(free), None, "{free}");
    }
}

proptest::proptest! {
    #[test]
    fn no_less_counts_than_the_largest_told_whatever_the_order_and_the_cut(
        told in proptest::collection::vec((0..1000_i64, 0..1000_i64, proptest::prelude::any::<bool>()), 1..8),
        cut in 0..2000_usize,
    ) {
        let mut text = String::new();
        let mut most = (0, 0);
        let mut ends = Vec::new();
        for (input, output, is_apart) in told {
            let choices = if is_apart { "" } else { "{\"index\":0,\"delta\":{\"content\":\"x\"}}" };
            text += &format!("data: {{\"choices\":[{choices}],\"usage\":{{\"prompt_tokens\":{input},\"completion_tokens\":{output}}}}}\n\n");
            most = (most.0.max(input), most.1.max(output));
            ends.push((text.len(), most));
        }
        let text = &text[..cut.min(text.len())];
        let whole = report(Meter::Chat, "openai", true, text);
        let (input, output) = ends.iter().rfind(|(end, _)| *end <= text.len()).map_or((0, 0), |(_, most)| *most);
        let usage = whole.usage.unwrap_or_default();
        assert!(usage.input.get() >= input && usage.output.get() >= output, "{usage:?} {text}");
        let behind = format!("{text}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"x\"}}}}]}}\n\n");
        assert!(!report(Meter::Chat, "openai", true, &behind).is_final, "{behind}");
        let done = format!("{behind}data: [DONE]\n\n");
        assert!(!report(Meter::Chat, "openai", true, &done).is_final, "{done}");
    }
}
