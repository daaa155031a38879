//! Usage of an answer, read from its bytes while they pass.

use http::HeaderMap;
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};
use strongroom_model::price::are_names_of_one_model;
use strongroom_model::usage::{TokenUsage, Unpriced, Untold, Use};
use strongroom_model::{Amount, Provider, RawUsage};

use super::answer_terms::{self, KEPT_AS};
use super::event_lines::{EventLines, Piece};
use super::figures::{Figures, largest_within};
use super::json_picker::{JsonPicker, Kind, Slot};
use super::largest::{self, Seen};
use super::operation::Meter;
use super::terms_reader::TermsReader;

mod of_figures;

use of_figures::{fits_together, is_understood, usage_of};

/// The longest name of a model that is kept, in characters.
const MOST_MODEL: usize = 128;

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerForm {
    /// One JSON object, written when all is done.
    Whole,
    /// JSON objects that are written one by one while the answer grows, in an array or one behind the other.
    Pieces,
    /// An event stream, of an object per event.
    Events,
}

/// Facts that an answer stated of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Usage, as far as the provider stated it.
    pub usage: Option<TokenUsage>,
    /// `true` when that is the provider's last word on all of it. If not, more may be billed than it says.
    pub is_final: bool,
    /// The model that answered.
    pub model: Option<String>,
    /// The provider's own figures, as compact JSON.
    pub raw: Option<RawUsage>,
}

/// Reads an answer as it passes. Keeps a few kilobytes, whatever the answer's size.
///
/// Figures are final when nothing can be generated behind them:
/// - in an answer that is written when all is done, wherever they stand;
/// - of a chat, in or behind the chunk in which the last answer ends, or before `[DONE]`: <https://platform.openai.com/docs/api-reference/chat-streaming>, <https://console.groq.com/docs/api-reference>;
///   some servers tell them in each chunk, which bounds nothing;
/// - of a response, in the event with which it ends, and in no form beside the status of one that is under way:
///   <https://platform.openai.com/docs/api-reference/responses-streaming>;
/// - of a message, beside or behind a `stop_reason`, not in `message_start`:
///   <https://platform.claude.com/docs/en/build-with-claude/streaming>;
/// - of Gemini, which tells them in each piece, in or behind the piece in which the last candidate has a `finishReason`, or
///   the prompt is blocked: <https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse>.
#[derive(Debug)]
pub struct UsageReader {
    meter: Meter,
    reports_cost: bool,
    form: AnswerForm,
    /// Number of answers that are given side by side.
    answers: u32,
    lines: EventLines,
    done: Done,
    picker: JsonPicker,
    told: Told,
    /// `true` when what was told last stood in an envelope.
    is_told_inside: bool,
    /// Answers that have come to their end, a bit each.
    ended: u128,
    is_over: bool,
    is_final: bool,
    /// `true` when no part of an answer was told since the last figures.
    is_fresh: bool,
    /// `true` when figures were told that are not known.
    has_missed: bool,
    /// The largest count of tokens that was told beside the figures.
    most_beside: i64,
    /// Number of answers that stood in a list.
    listed: u32,
    /// The class of service that a header told.
    tier: Option<Box<str>>,
}

/// The header in which Gemini tells the class of service: <https://ai.google.dev/gemini-api/docs/priority-inference>.
const GEMINI_TIER: &str = "x-gemini-service-tier";

/// Part of `[DONE]` that an event's data has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// So many of its bytes.
    Read(usize),
    /// It is something else.
    No,
}

const DONE: &[u8] = b"[DONE]";

impl Done {
    fn read(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |done, byte| match done {
            Self::Read(read) if DONE.get(read) == Some(byte) => Self::Read(read + 1),
            Self::Read(0 | 6) if matches!(byte, b' ' | b'\t' | b'\n') => done,
            _ => Self::No,
        })
    }

    fn is_done(self) -> bool {
        self == Self::Read(DONE.len())
    }
}

impl UsageReader {
    /// For an answer of this provider that gives so many answers side by side.
    #[must_use]
    pub fn new(meter: Meter, provider: &Provider, form: AnswerForm, answers: Amount) -> Self {
        Self {
            meter,
            reports_cost: provider.api().reports_cost,
            form,
            answers: u32::try_from(answers.get()).unwrap_or(u32::MAX),
            lines: EventLines::default(),
            done: Done::Read(0),
            picker: JsonPicker::new(reader_of_terms(meter)),
            told: Told::Nothing,
            is_told_inside: false,
            ended: 0,
            is_over: false,
            is_final: false,
            is_fresh: false,
            has_missed: false,
            most_beside: 0,
            listed: 0,
            tier: None,
        }
    }

    /// Reads what the answer's headers tell.
    #[must_use]
    pub fn with_headers(mut self, headers: &HeaderMap) -> Self {
        // What is no text is no word that is known.
        self.tier = headers.get(GEMINI_TIER).map(|tier| tier.to_str().unwrap_or("?").into());
        self
    }

    /// The next bytes of the answer.
    pub fn feed(&mut self, bytes: &[u8]) {
        if matches!(self.meter, Meter::Free | Meter::Unmetered) {
            return;
        }
        if self.form != AnswerForm::Events {
            self.read(bytes);
            return;
        }
        let mut rest = bytes;
        while let Some(piece) = self.lines.next(&mut rest) {
            match piece {
                Piece::Data(data) => self.read_event(data),
                Piece::DataOver => self.read_event(b"\n"),
                Piece::EventOver => self.event_is_over(),
            }
        }
    }

    fn read_event(&mut self, data: &[u8]) {
        if self.done != Done::No {
            self.done = self.done.read(data);
        }
        self.read(data);
    }

    fn read(&mut self, json: &[u8]) {
        let mut rest = json;
        while let Some(behind) = self.picker.feed(rest) {
            self.listed += u32::from(self.picker.is_in_list());
            self.text_is_over();
            rest = behind;
        }
    }

    /// Returns the facts that the answer stated up to here; nothing is left to tell behind it.
    #[must_use]
    pub fn finish(&mut self) -> Report {
        self.event_is_over();
        let mut told = self.picker.terms();
        told.service_tier = told.service_tier.or_else(|| self.tier.take());
        let figures = self.told.figures().filter(|figures| !figures.are_none());
        if let Some(figures) = figures.as_ref().filter(|_| self.meter == Meter::Messages) {
            let beyond = self.picker.blocks().searches_beyond(answer_terms::searches_told(figures));
            told.uses.add(Use::WebSearch, beyond);
        }
        if self.names_several_models() {
            told.cannot_price(Unpriced::Model);
        }
        let terms = told.to_json();
        let figures = figures.map(|mut figures| {
            figures.add_beside(&terms);
            figures
        });
        // Google's pieces are told in a list; of several answers in one nobody knows how they are billed.
        let is_listed = self.listed > 1 && self.meter != Meter::GenerateContent;
        let is_whole = self.form != AnswerForm::Whole || (self.picker.is_one_text() && !is_listed);
        let is_final = self.is_final
            && is_whole
            && !self.has_missed
            && !self.told.has_misfit()
            && figures.as_ref().is_some_and(|it| is_understood(self.meter, it));
        let mut usage = figures.as_ref().map(|figures| usage_of(self.meter, figures, self.reports_cost));
        if let Some(usage) = &mut usage {
            told.note_untold(self.meter, &mut usage.terms.untold);
        }
        let fits = figures.zip(usage).is_some_and(|(it, usage)| fits_together(self.meter, &usage, &it));
        let has_written = self.meter != Meter::Embeddings && self.picker.has_written();
        let fits = fits && usage.is_some_and(|usage| Amount::of(self.most_beside) <= usage.total());
        let has_answer = usage.is_some_and(|usage| usage.output > Amount::ZERO);
        let is_final = is_final && fits && (has_answer || !has_written);
        let told = std::mem::replace(&mut self.told, Told::Nothing);
        let raw = usage.is_some().then(|| told.into_json(terms)).flatten();
        Report { usage, is_final, model: model(&self.picker.models().last), raw: raw.and_then(RawUsage::of) }
    }

    /// Tells whether an answer names models of which one is not another's dated name, or something that is no name.
    fn names_several_models(&self) -> bool {
        let models = self.picker.models();
        if models.are_odd {
            return true;
        }
        !models.other.is_empty()
            && match (model(&models.other), model(&models.last)) {
                (Some(one), Some(other)) => !are_names_of_one_model(&one, &other),
                _ => true,
            }
    }

    fn event_is_over(&mut self) {
        // What is left is of a text that was cut.
        self.text_is_over();
        self.picker.start_over();
        let is_done = std::mem::replace(&mut self.done, Done::Read(0)).is_done();
        if is_done && self.meter == Meter::Chat {
            self.is_final |= self.is_fresh;
        }
    }

    /// A text is over, or cut: what it told counts, and whether it was the last word.
    fn text_is_over(&mut self) {
        let marks = self.picker.take_marks();
        let mut is_told = false;
        if let Some(json) = self.picker.take(Slot::Beside) {
            let beside = largest::Parsed(&mut Seen::default());
            let read = beside.deserialize(&mut serde_json::Deserializer::from_slice(&json));
            self.most_beside = read.map_or(i64::MAX, |told| largest_within(&told).max(self.most_beside));
        }
        if let Some(figures) = self.picker.take(Slot::Nested) {
            self.told.add(figures);
        }
        for figures in self.picker.take_displaced() {
            self.told.add(figures);
        }
        for slot in [Slot::InnerUsage, Slot::Usage, Slot::UsageMetadata] {
            let Some(figures) = self.picker.take(slot) else { continue };
            self.told.add(figures);
            is_told = true;
            self.is_told_inside = slot == Slot::InnerUsage;
        }
        self.has_missed |= marks.is_unread;
        // An answer that goes on behind its end had none.
        self.ended = (self.ended & !marks.goes_on) | marks.ended;
        let is_generated = match self.meter {
            Meter::Chat => {
                marks.has_text
                    || (!is_told && marks.has_choices)
                    || marks.has_delta
                    || marks.kind == Kind::Generated
            }
            Meter::GenerateContent => marks.has_text || marks.has_delta || marks.kind == Kind::Generated,
            Meter::Responses | Meter::Messages => marks.kind == Kind::Generated,
            Meter::Embeddings | Meter::Free | Meter::Unmetered => false,
        };
        if is_generated {
            self.is_over = false;
            if !is_told {
                (self.is_final, self.is_fresh) = (false, false);
            }
        }
        let is_over = match self.meter {
            Meter::Chat => self.ended.count_ones() >= self.answers,
            Meter::GenerateContent => marks.is_stopped || self.ended.count_ones() >= self.answers,
            Meter::Responses => marks.kind == Kind::ResponseOver && !marks.is_under_way,
            Meter::Messages => marks.is_stopped || (marks.kind == Kind::MessageStop && !self.is_told_inside),
            Meter::Embeddings | Meter::Free | Meter::Unmetered => true,
        };
        self.is_over |= is_over;
        if is_told {
            self.is_fresh = true;
            let is_under_way = self.meter == Meter::Responses && marks.is_under_way;
            // How a response stands may come behind its figures.
            let is_open = self.meter == Meter::Responses && marks.is_cut && !marks.has_status;
            let is_whole = self.form == AnswerForm::Whole && !marks.is_in_array && !is_under_way && !is_open;
            self.is_final = self.is_over || is_whole;
        } else if self.meter == Meter::Messages && is_over && marks.kind == Kind::MessageStop {
            self.is_final |= self.is_fresh;
        }
    }
}

/// The name of a model, from JSON.
fn model(json: &[u8]) -> Option<String> {
    let model: String = serde_json::from_slice(json).ok()?;
    let end = model.char_indices().nth(MOST_MODEL).map_or(model.len(), |(end, _)| end);
    Some(model).map(|mut model| {
        model.truncate(end);
        model
    })
}

/// Anthropic tells everything among its figures, and embeddings have nothing to tell.
fn reader_of_terms(meter: Meter) -> TermsReader {
    match meter {
        Meter::Chat | Meter::Responses | Meter::GenerateContent => TermsReader::default(),
        Meter::Messages | Meter::Embeddings | Meter::Free | Meter::Unmetered => TermsReader::idle(),
    }
}

/// Usage that an answer stated.
#[derive(Debug)]
enum Told {
    Nothing,
    /// One object, as it came: most answers tell once, and what need not be taken apart is not.
    Once(Vec<u8>),
    /// Several, the largest of each figure.
    Often(Map<String, Value>, Seen),
}

impl Told {
    /// The largest counts, figure by figure: Anthropic tells the input first and the output as it grows.
    fn add(&mut self, figures: Vec<u8>) {
        let mut seen = Seen::default();
        let mut all = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => {
                *self = Self::Once(figures);
                return;
            }
            Self::Once(before) => read_all(&before, &mut seen),
            Self::Often(all, before) => {
                seen = before;
                all
            }
        };
        let more = read_all(&figures, &mut seen);
        largest::add(&mut all, more, &mut seen);
        *self = Self::Often(all, seen);
    }

    /// The figures, if they can be read as such.
    fn figures(&mut self) -> Option<Box<Figures>> {
        if let Self::Once(json) = self {
            if let Some(figures) = read_once(json) {
                return Some(figures);
            }
            // A figure that stands there twice: kept as it is read.
            let mut seen = Seen::default();
            let figures = largest::read(json, &mut seen)?;
            *self = Self::Often(figures, seen);
        }
        match self {
            Self::Nothing | Self::Once(_) => None,
            Self::Often(figures, _) => Figures::read(&*figures).ok(),
        }
    }

    fn has_misfit(&self) -> bool {
        matches!(self, Self::Often(_, Seen { has_misfit: true, .. }))
    }

    /// As compact JSON, with what stood beside it.
    fn into_json(self, terms: Value) -> Option<String> {
        let mut figures = match self {
            Self::Nothing => return None,
            // What was picked has no space between its parts.
            Self::Once(figures) if terms.is_null() => return String::from_utf8(figures).ok(),
            Self::Once(figures) => largest::read(&figures, &mut Seen::default())?,
            Self::Often(figures, _) => figures,
        };
        if !terms.is_null() {
            figures.insert(KEPT_AS.to_owned(), terms);
        }
        Some(Value::Object(figures).to_string())
    }
}

/// Figures of which none stands there twice.
fn read_once(json: &[u8]) -> Option<Box<Figures>> {
    let mut from = serde_json::Deserializer::from_slice(json);
    let figures = Figures::read(&mut from).ok()?;
    from.end().ok().map(|()| figures)
}

/// Figures by their names; what cannot be read is missed.
fn read_all(json: &[u8], seen: &mut Seen) -> Map<String, Value> {
    let read = largest::read(json, seen);
    seen.has_misfit |= read.is_none();
    read.unwrap_or_default()
}

/// Reads what an answer that says no tells of its usage: whoever refuses and tells figures bills them.
pub(super) fn report_of_error(meter: Meter, provider: &Provider, body: &[u8]) -> Option<Report> {
    let read = |form| {
        let mut reader = UsageReader::new(meter, provider, form, Amount::ONE);
        reader.feed(body);
        reader.finish()
    };
    let is_told = |report: &Report| {
        let is_billed = |usage: &TokenUsage| {
            usage.total() > Amount::ZERO || usage.reported_nano_usd.is_some_and(|cost| cost > Amount::ZERO)
        };
        report.usage.as_ref().is_some_and(is_billed)
    };
    [AnswerForm::Whole, AnswerForm::Events].into_iter().map(read).find(is_told)
}

/// Returns the usage of a call from figures that were kept: for prices that were corrected. `meter` is told by the operation.
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
    let figures = Told::Once(raw.as_bytes().to_vec()).figures()?;
    let mut usage = usage_of(meter, &figures, provider.api().reports_cost);
    // What was asked for and not told was kept as what has no price.
    usage.terms.untold = Untold::NONE;
    Some(usage)
}

#[cfg(test)]
mod tests;
