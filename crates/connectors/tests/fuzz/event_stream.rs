//! Answers from anywhere, plain and as event streams: read the same however they are cut, as a JSON parser reads them,
//! and what is passed on lacks nothing but the chunk with the usage.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_connectors::ai::gateway::{Meter, Report, UsageFilter, UsageReader, usage_from_raw};
use strongroom_model::Provider;

use super::pieces::pieces;

/// Every meter, with an operation that has it.
const METERS: [(Meter, &str); 7] = [
    (Meter::Chat, "chat.completions"),
    (Meter::Responses, "responses"),
    (Meter::Embeddings, "embeddings"),
    (Meter::Messages, "messages"),
    (Meter::GenerateContent, "generate_content"),
    (Meter::Free, "models"),
    (Meter::Unmetered, "images"),
];

/// Figures that are longer are not kept, and events that are longer pass unseen, in bytes.
const LONG: usize = 4000;

/// An answer from outside: the first byte says of what kind it is, the second how it is cut.
pub(crate) fn foreign(data: &[u8]) {
    let [kind, cut, answer @ ..] = data else { return };
    let (meter, operation) = METERS[usize::from(*kind & 0x0f) % METERS.len()];
    let name = if kind & 0x10 == 0 { "openai" } else { "openrouter" };
    let provider = Provider::parse(name).expect("a provider");
    let is_event_stream = kind & 0x20 == 0;

    let whole = report(meter, &provider, is_event_stream, &[answer]);
    let cut = pieces(answer, *cut);
    assert_eq!(report(meter, &provider, is_event_stream, &cut), whole, "it depends on how it is cut");
    if matches!(meter, Meter::Free | Meter::Unmetered) {
        assert_eq!(whole, Report::default());
    }
    if let Some(usage) = whole.usage {
        if let Some(raw) = &whole.raw {
            assert_eq!(
                usage_from_raw(operation, &provider, raw.as_str()),
                Some(usage),
                "priced anew it is another: {}",
                raw.as_str()
            );
        }
    }
    as_a_parser_reads_it(meter, operation, &provider, answer);

    let passed = passed(&[answer]);
    assert_eq!(passed, without_usage(answer), "what is passed on");
    assert_eq!(self::passed(&cut), passed, "what is passed on depends on how it is cut");
}

fn report(meter: Meter, provider: &Provider, is_event_stream: bool, pieces: &[&[u8]]) -> Report {
    let mut reader = UsageReader::new(meter, provider, is_event_stream);
    pieces.iter().for_each(|piece| reader.feed(piece));
    reader.finish()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    usage: &'a RawValue,
}

/// Of a JSON object that says `usage` once, the same is read as by a parser, plain and as the data of an event.
fn as_a_parser_reads_it(meter: Meter, operation: &str, provider: &Provider, answer: &[u8]) {
    let Ok(text) = std::str::from_utf8(answer) else { return };
    // Escapes in keys no provider writes: they are not taken apart.
    let is_plain =
        text.matches("\"usage\"").count() == 1 && !text.contains("usageMetadata") && !text.contains('\\');
    if !is_plain || text.len() > LONG || text.contains(['\n', '\r']) || !text.trim_start().starts_with('{') {
        return;
    }
    let Ok(parsed) = serde_json::from_str::<Answer<'_>>(text) else { return };
    let expected = usage_from_raw(operation, provider, parsed.usage.get()).unwrap_or_default();
    let event = format!("data: {text}\n\n");
    for (is_event_stream, answer) in [(false, text), (true, event.as_str())] {
        let found = report(meter, provider, is_event_stream, &[answer.as_bytes()]);
        assert_eq!(found.usage.unwrap_or_default(), expected, "{answer}");
    }
}

fn passed(pieces: &[&[u8]]) -> Vec<u8> {
    let mut filter = UsageFilter::default();
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend_from_slice(&filter.feed(Bytes::copy_from_slice(piece)));
    }
    passed.extend_from_slice(&filter.finish());
    passed
}

/// The answer without the events that tell usage and nothing else, found in the plainest way.
fn without_usage(mut answer: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    while let Some(end) = blank(answer)
        .or_else(|| (0..answer.len()).find_map(|at| end_of_event(&answer[at..]).map(|length| at + length)))
    {
        let (event, behind) = answer.split_at(end);
        if !is_usage(event) {
            rest.extend_from_slice(event);
        }
        answer = behind;
    }
    rest.extend_from_slice(answer);
    rest
}

/// A blank line before an event is none of it.
fn blank(bytes: &[u8]) -> Option<usize> {
    [b"\n".as_slice(), b"\r\n"].iter().find(|line| bytes.starts_with(line)).map(|line| line.len())
}

fn end_of_event(bytes: &[u8]) -> Option<usize> {
    [b"\n\n".as_slice(), b"\n\r\n"].iter().find(|end| bytes.starts_with(end)).map(|end| end.len())
}

fn is_usage(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<serde_json::Value>,
        // Not a value: what stands in it, valid or not, is no matter of whether it is there.
        usage: Option<serde::de::IgnoredAny>,
    }
    let chunk = event.strip_prefix(b"data:").map(|data| serde_json::from_slice::<Chunk>(data.trim_ascii()));
    matches!(chunk, Some(Ok(Chunk { choices, usage: Some(_) })) if choices.is_empty())
}
