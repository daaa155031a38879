//! What a request asks for, and the few changes that the gateway makes to it.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_model::Amount;
use strongroom_model::usage::CallBound;

use super::operation::Meter;

/// What tools and the frame of a conversation may add to a prompt beyond its own bytes, in tokens. Anthropic documents up
/// to 804 for tools: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing>.
const FRAME: i64 = 1024;

/// Marks of what is larger as a prompt than in the request: images, files, what the provider has stored or fetches. They
/// stand behind a quotation mark.
const UNBOUNDED: [&str; 24] = [
    "image",
    "input_image",
    "input_file",
    "input_audio",
    "file",
    "document",
    "video",
    "previous_response_id",
    "conversation\"",
    "prompt\":{",
    "prompt\": {",
    "web_search",
    "web_fetch",
    "mcp",
    "code_",
    "container",
    "inlineData",
    "inline_data",
    "cachedContent",
    "cached_content",
    "google",
    "urlContext",
    "url_context",
    "plugins\"",
];

/// Why a request cannot be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// It is not a JSON object, or names a field twice.
    NotJson,
    /// Its answer comes later, by another call, and would not be counted.
    Deferred,
}

/// What a JSON request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// `model`.
    pub model: Option<String>,
    /// `stream`.
    pub is_stream: bool,
    /// The most that it can consume.
    pub bound: CallBound,
    /// Whether the client wants to see the usage of a streamed chat.
    pub wants_usage: bool,
    model_at: Option<Range<usize>>,
    options_at: Option<Range<usize>>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    n: Option<&'a RawValue>,
    #[serde(borrow, default)]
    best_of: Option<&'a RawValue>,
    #[serde(borrow, default)]
    background: Option<&'a RawValue>,
    // Google's JSON takes both spellings.
    #[serde(borrow, default, rename = "generationConfig")]
    generation_config: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "generation_config")]
    generation_config_snake: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct GenerationConfig {
    #[serde(default, alias = "max_output_tokens", rename = "maxOutputTokens")]
    max_output_tokens: Option<f64>,
    #[serde(default, alias = "candidate_count", rename = "candidateCount")]
    candidate_count: Option<f64>,
}

#[derive(Deserialize, Default)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && (0.0..=1e15).contains(&number)).then_some(number.ceil() as i64)
}

fn number(raw: Option<&RawValue>) -> Option<i64> {
    whole(raw?.get().parse().ok()?)
}

impl RequestFacts {
    /// Of a request that is not JSON, or was not read.
    #[must_use]
    pub fn unread(meter: Meter) -> Self {
        let bound = match meter {
            Meter::Free => CallBound::of(Some(0), Some(0)),
            _ => CallBound { is_metered: meter != Meter::Unmetered, ..CallBound::UNKNOWN },
        };
        Self { model: None, is_stream: false, bound, wants_usage: true, model_at: None, options_at: None }
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(meter: Meter, body: &[u8]) -> Result<Self, RequestError> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(RequestError::NotJson);
        }
        let fields: Fields<'_> = serde_json::from_slice(body).map_err(|_| RequestError::NotJson)?;
        let is = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() == "true");
        if is(fields.background) {
            return Err(RequestError::Deferred);
        }
        let mut facts = Self::unread(meter);
        if let Some(model) = fields.model {
            facts.model = Some(serde_json::from_str(model.get()).map_err(|_| RequestError::NotJson)?);
        }
        facts.model_at = fields.model.map(|raw| place(body, raw));
        facts.options_at = fields.stream_options.map(|raw| place(body, raw));
        facts.is_stream = is(fields.stream);
        let options: Option<StreamOptions> =
            fields.stream_options.and_then(|raw| serde_json::from_str(raw.get()).ok());
        facts.wants_usage = options.and_then(|options| options.include_usage).unwrap_or(false);
        if !matches!(meter, Meter::Free | Meter::Unmetered) {
            facts.bound = bound(meter, body, &fields);
        }
        Ok(facts)
    }

    /// The body with another model, and with the usage of a streamed chat asked for: everything else stays as it is, to
    /// the byte. `None` when nothing changes.
    #[must_use]
    pub fn rewritten(&self, body: &[u8], model: Option<&str>, ask_usage: bool) -> Option<Vec<u8>> {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        if let (Some(model), Some(place)) = (model, &self.model_at)
            && self.model.as_deref() != Some(model)
        {
            edits.push((place.clone(), serde_json::Value::from(model).to_string()));
        }
        if ask_usage && self.is_stream && !self.wants_usage {
            match &self.options_at {
                Some(place) => {
                    let options = serde_json::from_slice(&body[place.clone()]).ok();
                    let mut options: serde_json::Map<String, serde_json::Value> = options.unwrap_or_default();
                    options.insert("include_usage".to_owned(), true.into());
                    edits.push((place.clone(), serde_json::Value::Object(options).to_string()));
                }
                None => {
                    let start = body.iter().position(|byte| *byte == b'{')? + 1;
                    edits.push((start..start, "\"stream_options\":{\"include_usage\":true},".to_owned()));
                }
            }
        }
        if edits.is_empty() {
            return None;
        }
        edits.sort_by_key(|(place, _)| place.start);
        let mut changed = Vec::with_capacity(body.len() + 64);
        let mut from = 0;
        for (place, text) in edits {
            changed.extend_from_slice(&body[from..place.start]);
            changed.extend_from_slice(text.as_bytes());
            from = place.end;
        }
        changed.extend_from_slice(&body[from..]);
        Some(changed)
    }
}

/// Where a value stands, which was read from this text.
fn place(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
    start..start + raw.get().len()
}

/// Whether a mark of [`UNBOUNDED`] stands anywhere in a body. Looking behind every quotation mark is faster than an
/// automaton over all bytes: texts are long, and have few of them.
fn is_unbounded(body: &[u8]) -> bool {
    /// For each first byte, a bit for each mark that begins with it.
    const BEGINS: [u32; 256] = {
        let mut begins = [0; 256];
        let mut place = 0;
        while place < UNBOUNDED.len() {
            begins[UNBOUNDED[place].as_bytes()[0] as usize] |= 1 << place;
            place += 1;
        }
        begins
    };
    memchr::memchr_iter(b'"', body).any(|quote| {
        let behind = &body[quote + 1..];
        let mut may_be = behind.first().map_or(0, |first| BEGINS[usize::from(*first)]);
        while may_be != 0 {
            if behind.starts_with(UNBOUNDED[may_be.trailing_zeros() as usize].as_bytes()) {
                return true;
            }
            may_be &= may_be - 1;
        }
        false
    })
}

fn bound(meter: Meter, body: &[u8], fields: &Fields<'_>) -> CallBound {
    // A token is at least one byte of the text that it stands for.
    let most = || i64::try_from(body.len()).ok()?.checked_add(FRAME);
    let input = if is_unbounded(body) { None } else { most() };
    let (output, answers) = match meter {
        Meter::Embeddings => (Some(0), 1),
        Meter::GenerateContent => {
            let raw = fields.generation_config.or(fields.generation_config_snake);
            let config: GenerationConfig =
                raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
            (config.max_output_tokens.and_then(whole), config.candidate_count.and_then(whole).unwrap_or(1))
        }
        _ => {
            let given = [fields.max_tokens, fields.max_completion_tokens, fields.max_output_tokens];
            let most = given.into_iter().filter_map(number).max();
            (most, number(fields.n).unwrap_or(1).max(number(fields.best_of).unwrap_or(1)))
        }
    };
    CallBound { answers: Amount::of(answers.max(1)), ..CallBound::of(input, output) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(meter: Meter, body: &str) -> RequestFacts {
        RequestFacts::read(meter, body.as_bytes()).unwrap()
    }

    #[test]
    fn the_bound_is_what_the_request_allows() {
        let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":50,"n":2}"#;
        let facts = read(Meter::Chat, body);
        let input = Some(body.len() as i64 + FRAME);
        assert_eq!(facts.bound, CallBound { answers: Amount::of(2), ..CallBound::of(input, Some(50)) });
        assert_eq!(facts.model.as_deref(), Some("gpt-4o"));
        let image = r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}"#;
        assert_eq!(read(Meter::Chat, image).bound.input, None);
        assert_eq!(read(Meter::Chat, image).bound.output, None);
        let gemini = r#"{"contents":[],"generation_config":{"max_output_tokens":7,"candidateCount":3}}"#;
        let bound = read(Meter::GenerateContent, gemini).bound;
        assert_eq!((bound.output, bound.answers), (Some(Amount::of(7)), Amount::of(3)));
        assert_eq!(read(Meter::Embeddings, r#"{"input":"x"}"#).bound.output, Some(Amount::ZERO));
        assert!(!read(Meter::Unmetered, r#"{"model":"dall-e-3"}"#).bound.is_metered);
        let both = r#"{"max_tokens":5,"max_completion_tokens":9}"#;
        assert_eq!(read(Meter::Chat, both).bound.output, Some(Amount::of(9)));
        let odd = r#"{"max_tokens":"many","n":1e300}"#;
        assert_eq!(
            (read(Meter::Chat, odd).bound.output, read(Meter::Chat, odd).bound.answers),
            (None, Amount::ONE)
        );
    }

    #[test]
    fn every_mark_is_found_behind_a_quotation_mark_and_nowhere_else() {
        for mark in UNBOUNDED {
            assert!(is_unbounded(format!("{{\"a\":1,\"{mark}").as_bytes()), "{mark}");
            assert!(is_unbounded(format!("\"\"{mark}\"").as_bytes()), "{mark}");
            let cut = &mark[..mark.len() - 1];
            assert!(!is_unbounded(format!("\"{cut}").as_bytes()), "{cut}");
            assert!(!is_unbounded(format!("\"a {mark}\"").as_bytes()), "{mark}");
        }
        assert!(!is_unbounded(b"") && !is_unbounded(b"\""));
    }

    #[test]
    fn what_cannot_be_counted_or_read_is_refused() {
        for body in
            ["", "[]", "{", "sk-canary", r#"{"model":1}"#, r#"{"model":"a","model":"b"}"#, "{\"a\":1}}"]
        {
            assert_eq!(
                RequestFacts::read(Meter::Chat, body.as_bytes()),
                Err(RequestError::NotJson),
                "{body}"
            );
        }
        let deferred = br#"{"model":"o3","background":true}"#;
        assert_eq!(RequestFacts::read(Meter::Responses, deferred), Err(RequestError::Deferred));
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(RequestFacts::read(Meter::Chat, deep.as_bytes()), Err(RequestError::NotJson));
    }

    #[test]
    fn only_what_must_change_changes() {
        let rewrite = |body: &str, model: Option<&str>, ask: bool| {
            let changed = read(Meter::Chat, body).rewritten(body.as_bytes(), model, ask);
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
        let options = r#"{"stream_options":{"include_usage":false,"x":1},"model":"m","stream":true}"#;
        let changed = rewrite(options, None, true).unwrap();
        assert!(changed.contains(r#""include_usage":true"#) && changed.contains(r#""x":1"#), "{changed}");
        assert_eq!(changed.matches("stream_options").count(), 1);
        let asked = r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#;
        assert_eq!(rewrite(asked, Some("m"), true), None);
        assert_eq!(rewrite(r#"{"model":"m"}"#, None, true), None);
    }
}
