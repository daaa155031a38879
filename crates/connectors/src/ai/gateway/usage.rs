//! What an answer consumed, read from its bytes while they pass.

use serde::Deserialize;
use serde_json::{Map, Value};
use strongroom_model::usage::TokenUsage;
use strongroom_model::{Amount, Provider, RawUsage};

use super::figures::Figures;
use super::json_picker::{JsonPicker, Slot};
use super::operation::Meter;

/// The longest name of a model that is kept, in characters.
const MOST_MODEL: usize = 128;

/// What an answer said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What it consumed, as the provider counts it; of a stream that broke off, as far as it said so.
    pub usage: Option<TokenUsage>,
    /// The model that answered.
    pub model: Option<String>,
    /// The provider's own figures, as compact JSON.
    pub raw: Option<RawUsage>,
    /// Bytes of text that the model wrote: no fewer than tokens.
    pub text_bytes: u64,
}

/// Reads an answer as it passes. Keeps a few kilobytes, whatever the answer's size.
#[derive(Debug)]
pub struct UsageReader {
    meter: Meter,
    is_openrouter: bool,
    /// Of an event stream (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), where in a line it is.
    line: Option<Line>,
    picker: JsonPicker,
    told: Told,
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So many bytes of the field's name are read.
    Name(usize),
    Data,
    Other,
}

const DATA: &[u8] = b"data:";

impl UsageReader {
    /// For an answer of this provider; `is_event_stream` as its content type says.
    #[must_use]
    pub fn new(meter: Meter, provider: &Provider, is_event_stream: bool) -> Self {
        Self {
            meter,
            is_openrouter: provider.as_str() == "openrouter",
            line: is_event_stream.then_some(Line::Name(0)),
            picker: JsonPicker::default(),
            told: Told::Nothing,
            model: None,
        }
    }

    /// The next bytes of the answer.
    pub fn feed(&mut self, bytes: &[u8]) {
        if matches!(self.meter, Meter::Free | Meter::Unmetered) {
            return;
        }
        let Some(mut line) = self.line else {
            self.picker.feed(bytes);
            return;
        };
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            line = match line {
                Line::Name(read) if *first == DATA[read] => {
                    rest = &rest[1..];
                    if read + 1 == DATA.len() { Line::Data } else { Line::Name(read + 1) }
                }
                Line::Name(_) => Line::Other,
                Line::Data | Line::Other => {
                    let end = memchr::memchr2(b'\n', b'\r', rest);
                    let (inside, behind) = rest.split_at(end.unwrap_or(rest.len()));
                    if line == Line::Data {
                        self.picker.feed(inside);
                    }
                    rest = behind.get(1..).unwrap_or_default();
                    match end {
                        None => line,
                        Some(_) => {
                            if line == Line::Data {
                                self.event_is_over();
                            }
                            Line::Name(0)
                        }
                    }
                }
            };
        }
        self.line = Some(line);
    }

    /// What the answer said of itself up to here.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.event_is_over();
        let figures = match &self.told {
            Told::Nothing => None,
            Told::Once(figures) => serde_json::from_slice(figures).ok(),
            Told::Often(figures) => Figures::deserialize(figures).ok(),
        };
        let usage = figures
            .filter(|figures| *figures != Figures::default())
            .map(|figures| usage_of(self.meter, &figures, self.is_openrouter));
        let raw = usage.is_some().then(|| self.told.into_json()).flatten();
        Report {
            usage,
            model: self.model,
            raw: raw.and_then(RawUsage::of),
            text_bytes: self.picker.text_bytes(),
        }
    }

    fn event_is_over(&mut self) {
        self.picker.start_over();
        for slot in [Slot::InnerUsage, Slot::Usage, Slot::UsageMetadata] {
            let Some(figures) = self.picker.take(slot) else { continue };
            self.told.add(figures);
        }
        if let Some(model) = self.picker.take(Slot::Model)
            && let Ok(model) = serde_json::from_slice::<String>(&model)
        {
            self.model = Some(if model.len() <= MOST_MODEL {
                model
            } else {
                model.chars().take(MOST_MODEL).collect()
            });
        }
    }
}

/// What an answer told of its usage.
#[derive(Debug)]
enum Told {
    Nothing,
    /// One object, as it came: most answers tell once, and what need not be taken apart is not.
    Once(Vec<u8>),
    /// Several, the last word on each figure.
    Often(Map<String, Value>),
}

impl Told {
    /// The last word counts, figure by figure: Anthropic tells the input first and the output as it grows.
    fn add(&mut self, figures: Vec<u8>) {
        let read = |figures: &[u8]| match serde_json::from_slice(figures) {
            Ok(Value::Object(figures)) => figures.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::Once(figures),
            Self::Once(before) => {
                let mut all: Map<_, _> = read(&before);
                all.extend(read(&figures));
                Self::Often(all)
            }
            Self::Often(mut all) => {
                all.extend(read(&figures));
                Self::Often(all)
            }
        };
    }

    /// As compact JSON.
    fn into_json(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            // What was picked has no space between its parts.
            Self::Once(figures) => String::from_utf8(figures).ok(),
            Self::Often(figures) => Some(Value::Object(figures).to_string()),
        }
    }
}

fn usage_of(meter: Meter, figures: &Figures, is_openrouter: bool) -> TokenUsage {
    let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
    let mut usage = match meter {
        // <https://platform.openai.com/docs/api-reference/chat/object>. Gemini's compatible endpoint leaves thoughts out
        // of the completion and counts them in the total.
        Meter::Chat | Meter::Embeddings => {
            let (input, spoken, total) =
                (of(figures.prompt_tokens), of(figures.completion_tokens), of(figures.total_tokens));
            TokenUsage {
                input,
                cached_input: of(figures.prompt_tokens_details.cached_tokens),
                cache_write: of(figures.prompt_tokens_details.cache_write_tokens),
                output: spoken.max(total.less(input)),
                reasoning: of(figures.completion_tokens_details.reasoning_tokens)
                    .max(total.less(input).less(spoken)),
                ..TokenUsage::default()
            }
        }
        // <https://platform.openai.com/docs/api-reference/responses/object>
        Meter::Responses => TokenUsage {
            input: of(figures.input_tokens),
            cached_input: of(figures.input_tokens_details.cached_tokens),
            output: of(figures.output_tokens),
            reasoning: of(figures.output_tokens_details.reasoning_tokens),
            ..TokenUsage::default()
        },
        // <https://platform.claude.com/docs/en/api/messages>: the three inputs are apart from each other.
        Meter::Messages => {
            let written = of(figures.cache_creation_input_tokens);
            let long = of(figures.cache_creation.ephemeral_1h_input_tokens).min(written);
            let cached = of(figures.cache_read_input_tokens);
            TokenUsage {
                input: of(figures.input_tokens).plus(written).plus(cached),
                cached_input: cached,
                cache_write: written.less(long),
                cache_write_long: long,
                output: of(figures.output_tokens),
                ..TokenUsage::default()
            }
        }
        // <https://ai.google.dev/api/generate-content#UsageMetadata>: thoughts are apart from the candidates.
        Meter::GenerateContent => {
            let thoughts = of(figures.thoughts_token_count);
            TokenUsage {
                input: of(figures.prompt_token_count).plus(of(figures.tool_use_prompt_token_count)),
                cached_input: of(figures.cached_content_token_count),
                output: of(figures.candidates_token_count).plus(thoughts),
                reasoning: thoughts,
                ..TokenUsage::default()
            }
        }
        Meter::Free | Meter::Unmetered => TokenUsage::default(),
    };
    // <https://openrouter.ai/docs/use-cases/usage-accounting>: US dollars.
    if is_openrouter && let Some(cost) = figures.cost.filter(|cost| *cost >= 0.0) {
        // What is larger than any number of 64 bits becomes the largest of them.
        usage.reported_nano_usd = Some(Amount::of((cost * 1e9).round() as i64));
    }
    usage
}

/// What a call consumed, from figures that were kept: for prices that were corrected. `meter` is told by the operation.
#[must_use]
pub fn usage_from_raw(operation: &str, provider: &Provider, raw: &str) -> Option<TokenUsage> {
    let meter = match operation {
        "chat.completions" | "completions" => Meter::Chat,
        "responses" => Meter::Responses,
        "embeddings" => Meter::Embeddings,
        "messages" => Meter::Messages,
        "generate_content" => Meter::GenerateContent,
        _ => return None,
    };
    let figures: Figures = serde_json::from_str(raw).ok()?;
    Some(usage_of(meter, &figures, provider.as_str() == "openrouter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(meter: Meter, provider: &str, is_event_stream: bool, text: &str) -> Report {
        let provider = Provider::parse(provider).unwrap();
        let whole = read(meter, &provider, is_event_stream, text, text.len());
        for piece in [1, 5, 64] {
            assert_eq!(read(meter, &provider, is_event_stream, text, piece), whole);
        }
        whole
    }

    fn read(meter: Meter, provider: &Provider, is_event_stream: bool, text: &str, piece: usize) -> Report {
        let mut reader = UsageReader::new(meter, provider, is_event_stream);
        text.as_bytes().chunks(piece).for_each(|piece| reader.feed(piece));
        reader.finish()
    }

    #[test]
    fn chat_completions_plain_and_streamed() {
        let usage = r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}"#;
        let expected = TokenUsage {
            input: Amount::of(10),
            cached_input: Amount::of(4),
            output: Amount::of(7),
            reasoning: Amount::of(3),
            ..TokenUsage::default()
        };
        let plain = report(Meter::Chat, "openai", false, &format!(r#"{{"model":"gpt-4o","usage":{usage}}}"#));
        assert_eq!((plain.usage, plain.model.as_deref()), (Some(expected), Some("gpt-4o")));
        let streamed = format!(
            ": hello\ndata: {{\"model\":\"gpt-4o\",\"choices\":[{{\"delta\":{{\"content\":\"hey\"}}}}],\"usage\":null}}\r\n\r\n\
             data: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n"
        );
        let streamed = report(Meter::Chat, "openai", true, &streamed);
        assert_eq!((streamed.usage, streamed.text_bytes), (Some(expected), 3));
        assert!(streamed.raw.unwrap().as_str().contains("\"cached_tokens\":4"));
        let broken_off = "data: {\"choices\":[{\"delta\":{\"content\":\"hey\"}}]}\n\ndata: {\"choi";
        let broken_off = report(Meter::Chat, "openai", true, broken_off);
        assert_eq!((broken_off.usage, broken_off.text_bytes), (None, 3));
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
            ..TokenUsage::default()
        };
        assert_eq!((found.usage, found.model.as_deref()), (Some(expected), Some("gpt-5")));
        let embeddings = r#"{"data":[{"embedding":[0.1,0.2]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let usage = report(Meter::Embeddings, "openai", false, embeddings).usage.unwrap();
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
}
