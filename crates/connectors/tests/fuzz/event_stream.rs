//! Answers from anywhere, plain and as event streams: read the same however they are cut, as a JSON parser reads them,
//! and what is passed on lacks nothing but the chunk with the usage.

use std::fmt;

use bytes::Bytes;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use strongroom_connectors::ai::gateway::{
    AnswerForm, Meter, Report, UsageFilter, UsageReader, usage_from_raw,
};
use strongroom_model::usage::{Terms, TokenUsage, Untold, Uses};
use strongroom_model::{Amount, Provider};

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
    let form = if kind & 0x20 == 0 { AnswerForm::Events } else { AnswerForm::Whole };
    let answers = if kind & 0x40 == 0 { 1 } else { 2 };
    let of = |pieces: &[&[u8]]| report((meter, &provider), (form, answers), pieces);

    let whole = of(&[answer]);
    let cut = pieces(answer, *cut);
    assert_eq!(of(&cut), whole, "it depends on how it is cut");
    if matches!(meter, Meter::Free | Meter::Unmetered) {
        assert_eq!(whole, Report::default());
    }
    if let Some(usage) = whole.usage
        && let Some(raw) = &whole.raw
    {
        // What an answer leaves untold is not kept.
        let usage = TokenUsage { terms: Terms { untold: Untold::NONE, ..usage.terms }, ..usage };
        assert_eq!(
            usage_from_raw(operation, &provider, raw.as_str()),
            Some(usage),
            "priced again it is another: {}",
            raw.as_str()
        );
    }
    assert!(whole.usage.is_some() || !whole.is_final, "nothing is known for sure");
    as_a_parser_reads_it((meter, operation), &provider, answer);
    as_the_slow_reader_reads_it((meter, operation), (&provider, answers), answer);

    let passed = passed(&[answer]);
    assert_eq!(passed, without_usage(answer), "what is passed on");
    assert_eq!(self::passed(&cut), passed, "what is passed on depends on how it is cut");
}

fn report(
    (meter, provider): (Meter, &Provider),
    (form, answers): (AnswerForm, i64),
    pieces: &[&[u8]],
) -> Report {
    let mut reader = UsageReader::new(meter, provider, form, Amount::of(answers));
    pieces.iter().for_each(|piece| reader.feed(piece));
    reader.finish()
}

/// A usage without what stands beside its figures, which a parser would have to look for elsewhere.
fn counts(usage: Option<TokenUsage>) -> TokenUsage {
    TokenUsage { uses: Uses::default(), terms: Terms::default(), ..usage.unwrap_or_default() }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    usage: &'a RawValue,
}

/// Of a JSON object that says `usage` once, the same is read as by a parser, plain and as the data of an event.
fn as_a_parser_reads_it((meter, operation): (Meter, &str), provider: &Provider, answer: &[u8]) {
    let Ok(text) = std::str::from_utf8(answer) else { return };
    let is_plain =
        text.matches("\"usage\"").count() == 1 && !text.contains("usageMetadata") && !text.contains('\\');
    if !is_plain || text.len() > LONG || text.contains(['\n', '\r']) || !text.trim_start().starts_with('{') {
        return;
    }
    let Ok(parsed) = serde_json::from_str::<Answer<'_>>(text) else { return };
    let expected = usage_from_raw(operation, provider, parsed.usage.get()).unwrap_or_default();
    let event = format!("data: {text}\n\n");
    for (form, answer) in [(AnswerForm::Whole, text), (AnswerForm::Events, event.as_str())] {
        let found = report((meter, provider), (form, 1), &[answer.as_bytes()]);
        assert_eq!(counts(found.usage), counts(Some(expected)), "{answer}");
    }
}

/// The data of all events of a stream, as the WHATWG says it and in the plainest way; what is not ended by a blank line
/// is the last one.
fn events(answer: &str) -> Vec<String> {
    let text = answer.strip_prefix('\u{feff}').unwrap_or(answer).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for line in text.split('\n').chain([""]) {
        match line.split_once(':').unwrap_or((line, "")) {
            ("", "") if line.is_empty() && !data.is_empty() => {
                events.push(std::mem::take(&mut data).join("\n"))
            }
            ("data", value) => data.push(value.strip_prefix(' ').unwrap_or(value).to_owned()),
            _ => {}
        }
    }
    events
}

/// Of a stream of JSON objects, the same figures are read as by a parser event by event, and the same are final.
fn as_the_slow_reader_reads_it(
    (meter, operation): (Meter, &str),
    (provider, answers): (&Provider, i64),
    answer: &[u8],
) {
    let Ok(text) = std::str::from_utf8(answer) else { return };
    if text.len() > LONG || matches!(meter, Meter::Free | Meter::Unmetered) {
        return;
    }
    let mut slow = Slow { meter, answers, ..Slow::default() };
    for data in events(text) {
        if data.trim() == "[DONE]" {
            slow.is_final |= meter == Meter::Chat && slow.is_fresh;
            continue;
        }
        // Of what is no JSON object anything may be read that looks like one, and of a name that stands twice in an object
        // either.
        if serde_json::from_str::<Unrepeated>(&data).is_err() {
            return;
        }
        match serde_json::from_str(&data) {
            Ok(Value::Object(event)) => slow.read(&event),
            _ => return,
        }
    }
    let figures = Value::Object(slow.figures).to_string();
    let usage = usage_from_raw(operation, provider, &figures);
    let found = report((meter, provider), (AnswerForm::Events, answers), &[answer]);
    assert_eq!(counts(found.usage), counts(usage), "{text}");
    // Figures that are not understood are not final wherever they stand.
    let alone = format!("{{\"usage\":{figures}}}");
    let is_understood = report((meter, provider), (AnswerForm::Whole, 1), &[alone.as_bytes()]).is_final;
    let has_answer = usage.is_some_and(|usage| usage.output > Amount::ZERO) || !slow.has_generated;
    assert_eq!(found.is_final, slow.is_final && !slow.has_misfit && is_understood && has_answer, "{text}");
}

/// JSON in which no object has a name twice.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a name twice in an object")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, _)) = object.next_entry::<String, Self>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(self)
    }
}

/// Reads events one by one, as values.
struct Slow {
    meter: Meter,
    answers: i64,
    figures: Map<String, Value>,
    ended: std::collections::BTreeSet<u64>,
    is_over: bool,
    is_told_inside: bool,
    is_final: bool,
    is_fresh: bool,
    has_misfit: bool,
    has_generated: bool,
}

impl Default for Slow {
    fn default() -> Self {
        Self {
            meter: Meter::Chat,
            answers: 1,
            figures: Map::new(),
            ended: std::collections::BTreeSet::new(),
            is_over: false,
            is_told_inside: false,
            is_final: false,
            is_fresh: false,
            has_misfit: false,
            has_generated: false,
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

const DISCOUNTS: [&str; 4] =
    ["cached_tokens", "prompt_cache_hit_tokens", "cachedContentTokenCount", "cacheTokensDetails"];

/// The largest of two figures; what lowers a bill is as it was told last.
fn largest(before: Value, now: Value, has_misfit: &mut bool) -> Value {
    match (before, now) {
        (before, Value::Null) => before,
        (Value::Null, now) => now,
        (Value::Object(mut before), Value::Object(now)) => {
            for (name, value) in now {
                let is_discount = DISCOUNTS.contains(&name.as_str());
                let old = before.remove(&name).unwrap_or_default();
                let new = match is_discount && !value.is_null() {
                    true => value,
                    false => largest(old, value, has_misfit),
                };
                before.insert(name, new);
            }
            Value::Object(before)
        }
        (Value::Array(mut before), Value::Array(now)) => {
            for (place, value) in now.into_iter().enumerate() {
                let found = match value.get("modality") {
                    Some(modality) => before.iter_mut().find(|one| one.get("modality") == Some(modality)),
                    None => before.get_mut(place),
                };
                match found {
                    Some(found) => *found = largest(found.take(), value, has_misfit),
                    None => before.push(value),
                }
            }
            Value::Array(before)
        }
        (Value::Bool(before), Value::Bool(now)) => Value::Bool(before || now),
        (before, now) => match (number(&before), number(&now)) {
            (Some(first), Some(second)) => {
                *has_misfit |= first < 0.0 || second < 0.0;
                if second > first { now } else { before }
            }
            (None, None) if before.is_string() && now.is_string() => now,
            (first, second) => {
                *has_misfit = true;
                if first.is_none() && second.is_some() { now } else { before }
            }
        },
    }
}

/// What lowers a bill is forgotten when its whole is told without it.
fn forget_discounts(before: &mut Map<String, Value>, now: &mut Value) {
    for (whole, part, within) in [
        ("prompt_tokens", "prompt_tokens_details", true),
        ("input_tokens", "input_tokens_details", true),
        ("prompt_tokens", "prompt_cache_hit_tokens", false),
        ("promptTokenCount", "cachedContentTokenCount", false),
        ("promptTokenCount", "cacheTokensDetails", false),
    ] {
        let of = |figures: Option<&Value>| figures.and_then(number);
        let Some(count) = of(now.get(whole)) else { continue };
        let is_told = |told: Option<&Value>| told.is_some_and(|told| !told.is_null());
        let told = now.get(part);
        let is_told = match within {
            true => told.is_some_and(|told| DISCOUNTS.iter().any(|name| is_told(told.get(name)))),
            false => is_told(told),
        };
        let of_less = of(before.get(whole)).is_some_and(|before| before > count);
        let loses = match (of_less, is_told) {
            (true, _) => now.as_object_mut(),
            (false, false) => Some(&mut *before),
            (false, true) => None,
        };
        let Some(loses) = loses else { continue };
        if !within {
            loses.remove(part);
        } else if let Some(details) = loses.get_mut(part).and_then(Value::as_object_mut) {
            details.retain(|name, _| !DISCOUNTS.contains(&name.as_str()));
        }
    }
}

/// Whether a value is a reason for an end.
fn is_reason(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(word)) => {
            let word = word.to_lowercase();
            !["", "null", "none", "0"].contains(&word.as_str()) && !word.ends_with("unspecified")
        }
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        _ => false,
    }
}

/// Whether what stands in an answer holds a string that a model may have written.
fn has_text(name: &str, value: &Value) -> bool {
    let is_other = ["role", "type", "finish_reason", "finishReason"].contains(&name);
    match value {
        Value::String(text) => !text.is_empty() && !is_other,
        Value::Array(list) => list.iter().any(|one| has_text(name, one)),
        Value::Object(all) => all.iter().any(|(name, one)| has_text(name, one)),
        _ => false,
    }
}

impl Slow {
    fn read(&mut self, event: &Map<String, Value>) {
        let is_told = |told: Option<&Value>| told.is_some_and(|told| !told.is_null());
        let inner = |name: &str| event.get(name)?.get("usage");
        let told = [
            inner("response"),
            inner("message"),
            inner("error"),
            inner("x_groq"),
            event.get("usage"),
            event.get("usageMetadata"),
        ];
        for figures in told.into_iter().flatten().filter(|told| !told.is_null()) {
            if figures.is_object() {
                let mut figures = figures.clone();
                forget_discounts(&mut self.figures, &mut figures);
                let before = Value::Object(std::mem::take(&mut self.figures));
                if let Value::Object(all) = largest(before, figures, &mut self.has_misfit) {
                    self.figures = all;
                }
            } else {
                self.has_misfit = true;
            }
        }
        let list = |name: &str| event.get(name).and_then(Value::as_array);
        let (mut ended, mut is_written) = (Vec::new(), false);
        for answer in list("choices").into_iter().chain(list("candidates")).flatten() {
            let reason = answer.get("finish_reason").or(answer.get("finishReason"));
            let index = answer.get("index").map_or(Some(0), Value::as_u64);
            let index = index.filter(|index| *index < 128);
            let has_ended = is_reason(reason);
            let has_text = match answer {
                Value::Object(answer) => answer.iter().any(|(name, value)| {
                    (name == "text" || value.is_object() || value.is_array()) && has_text(name, value)
                }),
                Value::Array(list) => list.iter().any(|one| !one.is_string() && has_text("choices", one)),
                _ => false,
            };
            is_written |= has_text;
            match index {
                _ if has_ended => ended.extend(index),
                Some(index) if has_text => {
                    self.ended.remove(&index);
                }
                None if has_text => self.ended.clear(),
                _ => {}
            }
        }
        self.ended.extend(ended);
        let is_said =
            |name: &str, value: &Value| (value.is_object() || value.is_array()) && has_text(name, value);
        let in_message = list("choices").into_iter().flatten().filter_map(Value::as_object).any(|answer| {
            let messages = answer
                .iter()
                .filter(|(name, _)| ["message", "delta", "response", "error"].contains(&name.as_str()));
            messages.into_iter().any(|(name, value)| is_said(name, value))
        });
        let in_candidate = list("candidates").into_iter().flatten().any(|answer| match answer {
            Value::Object(answer) => answer.iter().any(|(name, value)| is_said(name, value)),
            Value::Array(list) => list.iter().any(|one| is_said("candidates", one)),
            _ => false,
        });
        self.has_generated |=
            (in_message || in_candidate) && matches!(self.meter, Meter::Chat | Meter::GenerateContent);
        let kind = event.get("type").and_then(Value::as_str).unwrap_or("");
        let reason = |outer: &str, name: &str| is_reason(event.get(outer).and_then(|outer| outer.get(name)));
        let is_stopped = reason("delta", "stop_reason") || reason("promptFeedback", "blockReason");
        let has_ended = self.ended.len() as i64 >= self.answers;
        let any = told.into_iter().any(is_told);
        if any {
            self.is_told_inside = !is_told(event.get("usage")) && !is_told(event.get("usageMetadata"));
        }
        let is_stop = kind == "message_stop" && !self.is_told_inside;
        let is_generated = match self.meter {
            Meter::Chat => is_written || (!any && list("choices").is_some_and(|list| !list.is_empty())),
            Meter::GenerateContent => is_written,
            Meter::Responses | Meter::Messages => {
                let is_over =
                    ["response.completed", "response.incomplete", "response.failed", "response.done"]
                        .contains(&kind);
                let begins = |start: &&str| kind.starts_with(*start);
                !is_over && (kind == "message_start" || ["response.", "content_block"].iter().any(begins))
            }
            _ => false,
        };
        if is_generated {
            self.is_over = false;
            (self.is_final, self.is_fresh) = (self.is_final && any, self.is_fresh && any);
        }
        let inner_status = ["response", "message", "error"].map(|name| event.get(name)?.get("status"));
        let is_under_way = inner_status.into_iter().chain([event.get("status")]).flatten().any(|status| {
            let ends = ["completed", "incomplete", "failed", "cancelled"];
            !status.is_null() && status.as_str().is_none_or(|status| !ends.contains(&status))
        });
        self.is_over |= match self.meter {
            Meter::Chat => has_ended,
            Meter::GenerateContent => has_ended || is_stopped,
            Meter::Responses => {
                ["response.completed", "response.incomplete", "response.failed", "response.done"]
                    .contains(&kind)
                    && !is_under_way
            }
            Meter::Messages => is_stopped || is_stop,
            _ => true,
        };
        if any {
            self.is_fresh = true;
            self.is_final = self.is_over;
        } else if self.meter == Meter::Messages && is_stop {
            self.is_final |= self.is_fresh;
        }
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
fn without_usage(answer: &[u8]) -> Vec<u8> {
    let mark = "\u{feff}".as_bytes();
    let (mut rest, answer) = match answer.strip_prefix(mark) {
        Some(answer) => (mark.to_vec(), answer),
        None => (Vec::new(), answer),
    };
    let mut event = Vec::new();
    for line in lines(answer) {
        let is_blank = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        event.extend_from_slice(line);
        if is_blank {
            pass(&mut rest, &std::mem::take(&mut event));
        }
    }
    pass(&mut rest, &event);
    rest
}

fn pass(rest: &mut Vec<u8>, event: &[u8]) {
    if !is_usage(event) {
        rest.extend_from_slice(event);
    }
}

/// Lines with their ends.
fn lines(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'))
            .map_or(bytes.len(), |at| at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 });
        let (line, behind) = bytes.split_at(end);
        lines.push(line);
        bytes = behind;
    }
    lines
}

fn is_usage(event: &[u8]) -> bool {
    let mut data = Vec::new();
    for line in lines(event) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(value) = line.strip_prefix(b"data:") {
            data.extend_from_slice(value);
            data.push(b'\n');
        }
    }
    let members = serde_json::from_slice::<Members>(&data).map(|it| it.0).unwrap_or_default();
    let lists = || members.iter().filter(|(name, _)| name == "choices").map(|(_, value)| value);
    lists().count() > 0
        && lists().all(|value| *value == Member::Empty)
        && members.iter().any(|(name, value)| name == "usage" && *value != Member::Null)
}

/// What stands in an object, each as often as it stands there.
#[derive(Default)]
struct Members(Vec<(String, Member)>);

/// Kind of a value: what stands in it, valid or not, is no matter of whether it is there.
#[derive(Debug, PartialEq)]
enum Member {
    Null,
    /// A list without items.
    Empty,
    Other,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = entries.next_key::<String>()? {
                    let member = match name.as_str() {
                        "choices" => {
                            let items: Vec<serde::de::IgnoredAny> = entries.next_value()?;
                            if items.is_empty() { Member::Empty } else { Member::Other }
                        }
                        _ => match entries.next_value::<Option<serde::de::IgnoredAny>>()? {
                            None => Member::Null,
                            Some(_) => Member::Other,
                        },
                    };
                    members.push((name, member));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Object)
    }
}
