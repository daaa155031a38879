//! Usage as the providers tell it, whole and cut.

use strongroom_model::usage::Terms;

use super::*;

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
    Terms { has_untold_input, has_untold_output, ..Terms::default() }
}

#[test]
fn chat_completions_plain_and_streamed() {
    let usage = r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}"#;
    let expected = TokenUsage {
        input: Amount::of(10),
        cached_input: Amount::of(4),
        output: Amount::of(7),
        reasoning: Amount::of(3),
        terms: untold(true, false),
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
                 \"output_tokens_details\":{\"reasoning_tokens\":2}}}}\n\n";
    let found = report(Meter::Responses, "openai", true, event);
    let expected = TokenUsage {
        input: Amount::of(9),
        cached_input: Amount::of(1),
        output: Amount::of(5),
        reasoning: Amount::of(2),
        terms: untold(true, false),
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
                 {\"input_tokens\":5,\"cache_creation_input_tokens\":30,\"cache_creation\":{\"ephemeral_1h_input_tokens\":10},\
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
        ..TokenUsage::default()
    };
    let found = report(Meter::Messages, "anthropic", true, &whole);
    assert_eq!((found.usage, found.model.as_deref()), (Some(expected), Some("claude")));
    let of_raw =
        usage_from_raw("messages", &Provider::parse("anthropic").unwrap(), found.raw.unwrap().as_str());
    assert_eq!(of_raw, Some(expected));
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
        (Meter::Chat, Events, 1, format!("data: {{\"choices\":[],\"usage\":{figures}"), true),
        (Meter::Chat, Events, 1, format!("data: {{\"choices\":[{}],\"usage\":{figures}", ends(0)), true),
        (g, Events, 1, piece(last).trim_end_matches('}').to_owned(), false),
        (g, Whole, 1, format!("[{}", piece(last).strip_suffix('}').unwrap()), true),
        (Meter::Chat, Events, 1, chat("", figures), true),
        (Meter::Chat, Events, 3, chat("", figures), true),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures), false),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures) + &chat(&ends(0), "null"), false),
        (Meter::Chat, Events, 1, chat(&goes_on(0), figures) + &chat(&ends(0), "null") + done, true),
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
    let text = "\u{feff}data: {\"choices\":[],\ndata: \"us\\u0061ge\":\n: aside\ndata:{\"prompt_tokens\":3,\ndata\ndata: \"completion_tokens\":2}}\n\n";
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
