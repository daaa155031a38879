//! Requests: the bound of a call, and the few changes that the gateway makes to its body.
//!
//! The bound of a call is read from decoded fields along a table for each operation (`request/`): what the table does not
//! list is not understood, and bounds nothing.

mod anthropic;
mod expansion;
mod gemini;
mod json;
mod openai;
mod path;
mod price_terms;
mod responses;
mod rule;
mod shapes;
mod walk;

#[cfg(test)]
mod tests;

use std::ops::Range;

use strongroom_model::provider::{Api, BoundField, FilesEffect, Verb};
use strongroom_model::usage::{Asked, AskedFor, CallBound, Unpriced};
use strongroom_model::{Amount, Provider};

use super::operation::{Meter, Operation};
use rule::{Effect, Figure, Table};
use walk::Reading;

/// Tokens that tools and the frame of a conversation may add to a prompt beyond its own bytes. Anthropic documents up
/// to 804 for tools: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing>. The marks around a
/// message are three or four tokens; its JSON is longer.
const FRAME_TOKENS: i64 = 1024;

/// Why a request cannot be let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// It is not a JSON object.
    NotJson,
    /// It is not UTF-8: nobody knows what a lenient reader makes of it.
    NotUtf8,
    /// This object has more fields than are read.
    TooManyFields(Box<str>),
    /// It gives this field twice.
    Twice(&'static str),
    /// This field is not a text.
    NotText(&'static str),
    /// Its answer comes later, by another call, and would not be counted.
    Deferred,
}

/// Facts of a JSON request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// `model`.
    pub model: Option<String>,
    /// `stream`.
    pub is_stream: bool,
    /// The most that it can consume where all that it gives is heeded; [`RequestFacts::bound_at`] says more.
    pub bound: CallBound,
    /// `true` when the client wants to see the usage of a streamed chat.
    pub wants_usage: bool,
    /// The most tokens of an answer, where `max_completion_tokens` is understood.
    output_with_newer_name: Option<Amount>,
    /// Its operation; `None` when the body was not read.
    operation: Option<Operation>,
    /// The fields of the operation's table that it gives, a bit each.
    seen: u128,
    /// The fields that it gives and that single providers have added.
    added: Vec<&'static str>,
    /// The most tokens of the prompts, where schemas are not unrolled.
    input_as_written: Option<Amount>,
    /// The first tool that the provider runs the model for, as often as `max_tool_calls` says.
    looped: Option<Box<str>>,
    /// The first file, or what may refer to one.
    files: Option<Box<str>>,
    include_usage_at: Option<Range<usize>>,
    model_at: Option<Range<usize>>,
    options_at: Option<Range<usize>>,
}

/// The table of an operation.
fn table(operation: Operation) -> &'static Table {
    match operation.meter {
        Meter::Free | Meter::Unmetered => &shapes::OPEN,
        Meter::Chat if operation.name == "completions" => &openai::COMPLETIONS,
        Meter::Chat => &openai::CHAT,
        Meter::Responses => &responses::RESPONSES,
        Meter::Embeddings => &openai::EMBEDDINGS,
        Meter::Messages => &anthropic::MESSAGES,
        Meter::GenerateContent => &gemini::GENERATE_CONTENT,
    }
}

impl RequestFacts {
    /// Of a request that was not read, and may ask for anything.
    #[must_use]
    pub fn unread(meter: Meter) -> Self {
        Self::unread_for(meter, "body")
    }

    /// The same, by the name of what is to be changed about it.
    #[must_use]
    pub fn unread_for(meter: Meter, name: &'static str) -> Self {
        let bound = match meter {
            Meter::Free => CallBound::of(Some(0), Some(0)),
            Meter::Unmetered => CallBound::UNKNOWN,
            _ => CallBound { is_metered: true, unclear: Some(name.into()), ..CallBound::UNKNOWN },
        };
        Self {
            model: None,
            is_stream: false,
            output_with_newer_name: bound.output,
            operation: None,
            seen: 0,
            added: Vec::new(),
            input_as_written: bound.input,
            bound,
            wants_usage: true,
            looped: None,
            files: None,
            include_usage_at: None,
            model_at: None,
            options_at: None,
        }
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(operation: Operation, body: &[u8]) -> Result<Self, RequestError> {
        let reading = walk::read(table(operation), operation.name, body)?;
        let beyond_ascii = match body.is_ascii() {
            true => None,
            false => Some(std::str::from_utf8(body).map_err(|_| RequestError::NotUtf8)?),
        };
        let inputs = inputs(operation.meter, &reading, body, beyond_ascii);
        let outputs = outputs(operation.meter, &reading);
        let bound = match operation.meter {
            Meter::Free => CallBound::of(Some(0), Some(0)),
            Meter::Unmetered => CallBound::UNKNOWN,
            _ => CallBound {
                input: inputs.0,
                output: outputs.0,
                prompts: Amount::of(reading.prompts).times(Amount::of(reading.runs)),
                answers: answers(&reading),
                is_metered: true,
                unclear: reading.unclear,
                asked: reading.asked,
                refusal_fee: Amount::ZERO,
            },
        };
        Ok(Self {
            model: reading.model,
            is_stream: reading.is_stream,
            bound,
            wants_usage: reading.wants_usage,
            output_with_newer_name: outputs.1,
            operation: Some(operation),
            seen: reading.seen,
            added: reading.added,
            input_as_written: inputs.1,
            looped: reading.looped,
            files: reading.files,
            include_usage_at: reading.include_usage_at,
            model_at: reading.model_at,
            options_at: reading.options_at,
        })
    }

    /// The most that it can consume at this provider, as this model.
    #[must_use]
    pub fn bound_at(&self, provider: &Provider, model: Option<&str>) -> CallBound {
        let mut bound = self.bound.clone();
        if !bound.is_metered || bound.unclear.is_some() {
            return bound;
        }
        let api = provider.api();
        if self.operation.is_some_and(|operation| operation.meter != Meter::Free) {
            bound.refusal_fee = Amount::of(api.refusal_fee_nano_usd);
        }
        let heeds = |field| api.bounds.contains(&field);
        let of_operation = match self.operation.map(|operation| operation.meter) {
            Some(Meter::Responses | Meter::GenerateContent) => BoundField::OutputTokens,
            _ => BoundField::Tokens,
        };
        // Not all document both names of the limit, and what a provider passes over bounds nothing.
        if of_operation == BoundField::Tokens && heeds(BoundField::CompletionTokens) {
            bound.output = self.output_with_newer_name;
        } else if !heeds(of_operation) && bound.output.is_some_and(|output| output != Amount::ZERO) {
            bound.output = None;
        }
        if !api.unrolls_schemas {
            bound.input = self.input_as_written;
        }
        if let Some(field) = self.unbounded_at(api, model) {
            (bound.input, bound.output) = (None, None);
            bound.unclear = Some(field.into());
            return bound;
        }
        if let Some(field) = self.files.as_ref().filter(|_| api.files == FilesEffect::Fee) {
            bound.asked.push(Asked { field: field.clone(), what: AskedFor::Unpriced(Unpriced::OtherUse) });
        }
        match model.map_or(Effect::Bytes, shapes::effect_of_model) {
            Effect::Bytes => (),
            Effect::Window => bound.input = None,
            _ => {
                (bound.input, bound.output) = (None, None);
                bound.unclear = Some("model".into());
            }
        }
        bound
    }

    /// A field that nothing bounds at this provider.
    fn unbounded_at(&self, api: &Api, model: Option<&str>) -> Option<&str> {
        if let Some(tool) = self.looped.as_deref().filter(|_| !api.bounds.contains(&BoundField::ToolCalls)) {
            return Some(tool);
        }
        if let Some(field) = self.files.as_deref().filter(|_| api.files == FilesEffect::Refused) {
            return Some(field);
        }
        // The path says which model; whether one in the body is heeded Google says nowhere.
        let is_gemini = self.operation.is_some_and(|operation| operation.meter == Meter::GenerateContent);
        if let Some(in_body) = self.model.as_deref().filter(|_| is_gemini)
            && model != Some(in_body.strip_prefix("models/").unwrap_or(in_body))
        {
            return Some("model");
        }
        self.not_taken_by(api)
    }

    /// A field that the provider does not document: nobody knows what it does there.
    fn not_taken_by(&self, api: &Api) -> Option<&'static str> {
        let operation = self.operation?;
        let path = api.paths.iter().find(|path| path.verb == Verb::Post && path.operation == operation);
        let adds = path.map_or(&[][..], |path| path.adds);
        let unknown = self.added.iter().find(|name| !adds.iter().any(|added| added.name == **name));
        unknown.copied().or_else(|| {
            let takes = path?.takes?;
            let fields = table(operation).fields.iter().enumerate();
            let given = fields.filter(|(place, _)| self.seen & 1 << place != 0).map(|(_, field)| field.name);
            // A limit that is passed over makes nothing longer.
            let is_harmless =
                |name: &&str| ["max_completion_tokens", "max_tokens", "max_tool_calls"].contains(name);
            given.into_iter().find(|name| !takes.contains(name) && !is_harmless(name))
        })
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
                Some(place) => edits.extend(self.usage_asked(body, place)),
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

impl RequestFacts {
    /// The change by which `stream_options`, which stand here, ask for the usage.
    fn usage_asked(&self, body: &[u8], place: &Range<usize>) -> Option<(Range<usize>, String)> {
        let asked = "\"include_usage\":true";
        if let Some(told) = &self.include_usage_at {
            return Some((told.clone(), asked.to_owned()));
        }
        match body[place.clone()].split_first()? {
            (b'n', _) => Some((place.clone(), format!("{{{asked}}}"))),
            (b'{', rest) => {
                let is_empty = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'}');
                let inside = place.start + 1;
                Some((inside..inside, format!("{asked}{}", if is_empty { "" } else { "," })))
            }
            // What is neither is the provider's to refuse.
            _ => None,
        }
    }
}

/// The most tokens that the prompts have: where Google unrolls what a schema names, and elsewhere.
fn inputs(
    meter: Meter,
    reading: &Reading,
    body: &[u8],
    beyond_ascii: Option<&str>,
) -> (Option<Amount>, Option<Amount>) {
    if meter == Meter::Free {
        return (Some(Amount::ZERO), Some(Amount::ZERO));
    }
    if reading.is_window || reading.unclear.is_some() {
        return (None, None);
    }
    // A token is at least one byte of the text that it stands for, and no text is longer than its JSON, but for what is
    // rewritten.
    let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
    let more = reading.extra_input.saturating_add(expansion::of_text(body, beyond_ascii));
    let written = Amount::of(bytes.saturating_add(FRAME_TOKENS).saturating_add(more));
    let unrolled = (!reading.has_references).then_some(written);
    let of_google = if meter == Meter::GenerateContent { unrolled } else { Some(written) };
    (unrolled, of_google)
}

/// The most tokens of an answer: where the newer name of their limit is not understood, and where it is.
fn outputs(meter: Meter, reading: &Reading) -> (Option<Amount>, Option<Amount>) {
    if meter == Meter::Free {
        return (Some(Amount::ZERO), Some(Amount::ZERO));
    }
    if reading.is_longest || reading.unclear.is_some() {
        return (None, None);
    }
    if meter == Meter::Embeddings {
        return (Some(Amount::ZERO), Some(Amount::ZERO));
    }
    let older = reading.figure(Figure::MaxTokens);
    let newer = reading.figure(Figure::MaxCompletionTokens);
    // Where a decoder takes absent and zero for the same, zero is no limit.
    if older == Some(0) || newer == Some(0) {
        return (None, None);
    }
    let thinking = reading.figure(Figure::Thinking).unwrap_or(0).max(0);
    let all = |most: i64| Amount::of(most.saturating_add(thinking).saturating_add(reading.predicted_bytes));
    let larger = older.max(newer).map(all);
    (larger.filter(|_| older.is_some()), larger)
}

/// Returns the number of answers that it asks for, to all prompts together.
fn answers(reading: &Reading) -> Amount {
    let each = reading.figure(Figure::Answers).max(reading.figure(Figure::BestOf)).unwrap_or(1).max(1);
    [reading.prompts, reading.runs]
        .into_iter()
        .fold(Amount::of(each), |all, more| all.times(Amount::of(more)))
}
