//! One pass over a request's body along its operation's table.

use std::ops::Range;

use strongroom_model::provider::{ADDED_FIELDS, AddedField, FieldEffect};
use strongroom_model::usage::{Asked, AskedFor, Unpriced};

use super::RequestError;
use super::expansion;
use super::json::{Cursor, Malformed};
use super::path::{Path, Step};
use super::price_terms::may_keep_for_long;
use super::rule::{Effect, Field, Figure, Object, Rule, Shape, Table};

/// Each byte of a text that only the provider can read counts so many times: whether it is compressed is documented
/// nowhere, and general compression leaves a quarter of prose.
const SEALED_FACTOR: i64 = 4;

/// The most fields of one object that are read. The longest table has about a hundred, and each field that is none of its own
/// is looked up.
pub(super) const MAX_FIELDS: usize = 1024;

/// Keywords of JSON Schema, and a field of Google's own schemas, that put a part of a schema where they stand.
const REFERENCES: [&[u8]; 4] = [b"$ref", b"ref", b"$dynamicRef", b"$recursiveRef"];

/// Facts of a body, as they were read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) model: Option<String>,
    pub(super) model_at: Option<Range<usize>>,
    pub(super) is_stream: bool,
    pub(super) options_at: Option<Range<usize>>,
    pub(super) wants_usage: bool,
    /// `include_usage`, from its name to the end of its value.
    pub(super) include_usage_at: Option<Range<usize>>,
    /// Tokens that the prompt can have beyond one for each byte.
    pub(super) extra_input: i64,
    pub(super) is_window: bool,
    pub(super) is_longest: bool,
    /// `true` when a schema names parts of itself.
    pub(super) has_references: bool,
    /// Number of times that the provider may run the model.
    pub(super) runs: i64,
    pub(super) figures: [Option<i64>; Figure::COUNT],
    pub(super) prompts: i64,
    pub(super) predicted_bytes: i64,
    pub(super) unclear: Option<Box<str>>,
    /// Things that it asks for and that decide its price, each once.
    pub(super) asked: Vec<Asked>,
    /// The fields of the table that the body gives, a bit each.
    pub(super) seen: u128,
    /// The fields that it gives beside those, which single providers have added.
    pub(super) added: Vec<&'static str>,
    /// The first tool that the provider runs the model for, again and again.
    pub(super) looped: Option<Box<str>>,
    /// The first file, or what may refer to one.
    pub(super) files: Option<Box<str>>,
    /// `true` when the object that is being read is what the provider stored, unless it holds the same, sealed.
    is_stored: bool,
    /// What the object in hand says needs a place to run at.
    is_placed: bool,
    /// `true` when something that is sealed stands in the object that is being read.
    is_sealed: bool,
}

impl Reading {
    pub(super) const fn figure(&self, figure: Figure) -> Option<i64> {
        self.figures[figure as usize]
    }
}

impl From<Malformed> for RequestError {
    fn from(Malformed: Malformed) -> Self {
        Self::NotJson
    }
}

/// A body on its way through its table.
struct Walk<'a> {
    cursor: Cursor<'a>,
    has_two_spellings: bool,
    /// `true` when what is read is talk, whose texts reach the model as they are.
    is_talk: bool,
    reading: Reading,
}

/// Fields that hold talk. Structures in it, such as arguments, and all others are rewritten by the provider.
const TALK: [&str; 8] =
    ["messages", "contents", "input", "system", "instructions", "systemInstruction", "prompt", "prediction"];

/// Reads a body.
///
/// # Errors
/// [`RequestError`].
pub(super) fn read(table: &'static Table, operation: &str, body: &[u8]) -> Result<Reading, RequestError> {
    let reading = Reading { runs: 1, prompts: 1, ..Reading::default() };
    let mut walk = Walk {
        cursor: Cursor::new(body),
        has_two_spellings: table.has_two_spellings,
        is_talk: false,
        reading,
    };
    if walk.cursor.peek()? != b'{' {
        return Err(RequestError::NotJson);
    }
    walk.cursor.enter()?;
    let mut seen: u128 = 0;
    let mut count = 0;
    while let Some(key) = walk.cursor.key(count == 0)? {
        count += 1;
        if count > MAX_FIELDS {
            return Err(RequestError::TooManyFields("the body".into()));
        }
        let name = key.decoded();
        match walk.find(table.fields, &name) {
            Some(place) => {
                let field = &table.fields[place];
                if seen & 1 << place != 0 {
                    return Err(RequestError::Twice(field.name));
                }
                seen |= 1 << place;
                walk.field(field.name, &field.rule, body)?;
            }
            None if table.is_open => drop(walk.cursor.skip()?),
            None => match added(operation, &name) {
                Some(field) if walk.reading.added.contains(&field.name) => {
                    return Err(RequestError::Twice(field.name));
                }
                Some(field) => {
                    walk.reading.added.push(field.name);
                    walk.field(field.name, rule_of(field.effect), body)?;
                }
                None => walk.unknown(&name, None)?,
            },
        }
    }
    walk.cursor.end()?;
    walk.reading.seen = seen;
    let mut reading = walk.reading;
    let calls = reading.figure(Figure::ToolCalls).and_then(|calls| u32::try_from(calls).ok());
    for asked in &mut reading.asked {
        if let AskedFor::Uses(_, most) = &mut asked.what {
            *most = calls;
        }
    }
    if let Some(looped) = &reading.looped {
        match reading.figure(Figure::ToolCalls) {
            // One run for each call that is carried out, one whose call is passed over, and one that answers.
            Some(calls) => {
                reading.is_window = true;
                reading.runs = reading.runs.max(calls.saturating_add(2));
            }
            None if reading.unclear.is_none() => reading.unclear = Some(looped.clone()),
            None => (),
        }
    }
    Ok(reading)
}

/// The field of this name that a provider has added to an operation; what it does there is the same for all of them.
pub(super) fn added(operation: &str, key: &[u8]) -> Option<&'static AddedField> {
    let order = |(its_operation, field): &(&str, AddedField)| {
        (*its_operation).cmp(operation).then_with(|| field.name.as_bytes().cmp(key))
    };
    let place = ADDED_FIELDS.binary_search_by(order).ok()?;
    Some(&ADDED_FIELDS[place].1)
}

const fn rule_of(effect: FieldEffect) -> &'static Rule {
    match effect {
        FieldEffect::Bytes => &Rule::Any(Effect::Bytes),
        FieldEffect::Window => &Rule::Any(Effect::Window),
        FieldEffect::Refused => &Rule::Any(Effect::Refused),
        FieldEffect::Deferred => &Rule::Background,
    }
}

/// Tells whether a key is the snake case of a name in camel case.
fn is_snake_of(key: &[u8], name: &str) -> bool {
    let mut key = key.iter();
    name.bytes().all(|letter| {
        if letter.is_ascii_uppercase() {
            key.next() == Some(&b'_') && key.next() == Some(&letter.to_ascii_lowercase())
        } else {
            key.next() == Some(&letter)
        }
    }) && key.next().is_none()
}

/// A whole number, however it is written.
#[expect(clippy::cast_possible_truncation, reason = "what is cast is whole, and no larger than 2^53")]
fn whole(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    // Beyond 2^53 not every whole number has a float.
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

impl<'a> Walk<'a> {
    fn find(&self, fields: &[Field], key: &[u8]) -> Option<usize> {
        let first = key.first();
        // Most names differ in their first bytes already.
        let is_it = |field: &Field| {
            let name = field.name.as_bytes();
            name.first() == first && name == key
        };
        let exact = fields.iter().position(is_it);
        match exact {
            // Without one it is no other spelling.
            None if self.has_two_spellings && key.contains(&b'_') => {
                fields.iter().position(|field| is_snake_of(key, field.name))
            }
            found => found,
        }
    }

    /// Reads the value of a field of the body itself.
    fn field(&mut self, name: &'static str, rule: &'static Rule, body: &[u8]) -> Result<(), RequestError> {
        let is_structure = matches!(self.cursor.peek()?, b'{' | b'[');
        let start = self.cursor.place();
        self.is_talk = TALK.contains(&name);
        self.value(rule, &Path { up: None, step: Step::Known(name) })?;
        if is_structure && !self.is_talk {
            self.reading.extra_input += expansion::of_structure(&body[start..self.cursor.place()]);
        }
        Ok(())
    }

    fn unknown(&mut self, name: &[u8], up: Option<&Path<'_>>) -> Result<(), RequestError> {
        self.cursor.skip()?;
        self.refuse(&Path { up, step: Step::Unknown(name) });
        Ok(())
    }

    fn refuse(&mut self, path: &Path<'_>) {
        if self.reading.unclear.is_none() {
            self.reading.unclear = Some(path.shown().into());
        }
    }

    fn apply(&mut self, effect: Effect, path: &Path<'_>) {
        let reading = &mut self.reading;
        match effect {
            Effect::Bytes => (),
            Effect::Framed(tokens) => reading.extra_input += tokens,
            Effect::Window => reading.is_window = true,
            Effect::Files => {
                reading.is_window = true;
                if reading.files.is_none() {
                    reading.files = Some(path.shown().into());
                }
            }
            Effect::Stored => reading.is_stored = true,
            Effect::Placed => (reading.is_window, reading.is_placed) = (true, true),
            Effect::Longest => reading.is_longest = true,
            Effect::Loop => {
                if reading.looped.is_none() {
                    reading.looped = Some(path.shown().into());
                }
            }
            Effect::Repeats(runs) => {
                reading.is_window = true;
                reading.runs = reading.runs.max(runs);
            }
            Effect::Priced(what, also) => {
                self.ask(what, path);
                self.apply(*also, path);
            }
            Effect::Refused => self.refuse(path),
        }
    }

    fn ask(&mut self, what: AskedFor, path: &Path<'_>) {
        if !self.reading.asked.iter().any(|before| before.what == what) {
            self.reading.asked.push(Asked { field: path.shown().into(), what });
        }
    }

    /// Passes over a value whose bytes bound it.
    fn anything(&mut self, first: u8) -> Result<&'a [u8], RequestError> {
        let json = self.cursor.skip()?;
        if self.is_talk && matches!(first, b'{' | b'[') {
            self.reading.extra_input += expansion::of_structure(json);
        }
        Ok(json)
    }

    /// Passes over a value that nobody understands.
    fn odd(&mut self, path: &Path<'_>) -> Result<(), RequestError> {
        self.cursor.skip()?;
        self.refuse(path);
        Ok(())
    }

    fn value(&mut self, rule: &'static Rule, path: &Path<'_>) -> Result<(), RequestError> {
        let first = self.cursor.peek()?;
        let start = self.cursor.place();
        if first == b'n' {
            // The libraries' way to say that a field is not there.
            let length = self.cursor.skip()?.len();
            if matches!(rule, Rule::StreamOptions) {
                self.reading.options_at = Some(start..start + length);
            }
            return Ok(());
        }
        match rule {
            Rule::Any(effect) => {
                self.anything(first)?;
                self.apply(*effect, path);
            }
            Rule::CacheControl => {
                if may_keep_for_long(self.anything(first)?) {
                    self.ask(AskedFor::LongCache, path);
                }
            }
            Rule::Sealed => {
                let json = self.cursor.skip()?;
                // Nothing, or what is no text, seals nothing.
                self.reading.is_sealed |= first == b'"' && json.len() > 2;
                self.reading.extra_input += length_of(json) * (SEALED_FACTOR - 1);
            }
            Rule::Schema => {
                let mut has_references = false;
                self.cursor.skip_and_show(|key| {
                    let key = key.decoded();
                    has_references |= REFERENCES.iter().any(|name| key.eq_ignore_ascii_case(name));
                })?;
                self.reading.has_references |= has_references;
            }
            Rule::Figure(figure) => {
                let number = whole(self.cursor.skip()?);
                match number.filter(|number| (figure.least()..=figure.most()).contains(number)) {
                    Some(number) => {
                        let known = &mut self.reading.figures[*figure as usize];
                        *known = Some(known.map_or(number, |before| before.max(0) + number.max(0)));
                    }
                    None => self.refuse(path),
                }
            }
            Rule::Switch(effect) => match self.cursor.skip()? {
                b"true" => self.apply(*effect, path),
                b"false" => (),
                _ => self.refuse(path),
            },
            Rule::Word(words) if first == b'"' => {
                let word = self.cursor.string()?.decoded();
                let known = words.iter().find(|(known, _)| known.as_bytes() == word.as_ref());
                self.apply(known.map_or(Effect::Refused, |(_, effect)| *effect), path);
            }
            Rule::Term(term) if first == b'"' => {
                let word = self.cursor.string()?.decoded();
                // What is no text is no word that is known.
                let asked = term(std::str::from_utf8(&word).unwrap_or("?"));
                asked.into_iter().for_each(|what| self.ask(what, path));
            }
            Rule::Each(rule) if first == b'[' => self.items(rule, path)?,
            Rule::Object(object) if first == b'{' => self.object(object, path)?,
            Rule::Word(_) | Rule::Term(_) | Rule::Each(_) | Rule::Object(_) => self.odd(path)?,
            Rule::Of(shape) => self.shape(shape, first, path)?,
            Rule::Prompts => self.prompts(first, path)?,
            Rule::Prediction => {
                self.reading.predicted_bytes += length_of(self.cursor.skip()?);
            }
            Rule::Model => {
                if first != b'"' {
                    return Err(RequestError::NotText("model"));
                }
                let text = self.cursor.string()?.decoded().into_owned();
                let text = String::from_utf8(text).map_err(|_| RequestError::NotText("model"))?;
                self.reading.model = Some(text);
                self.reading.model_at = Some(start..self.cursor.place());
            }
            Rule::Stream => match self.cursor.skip()? {
                b"true" => self.reading.is_stream = true,
                b"false" => (),
                _ => self.refuse(path),
            },
            Rule::StreamOptions => {
                match first {
                    b'{' => self.object(&super::shapes::STREAM_OPTIONS, path)?,
                    _ => self.odd(path)?,
                }
                self.reading.options_at = Some(start..self.cursor.place());
            }
            Rule::IncludeUsage => match self.cursor.skip()? {
                b"true" => self.reading.wants_usage = true,
                b"false" => (),
                _ => self.refuse(path),
            },
            Rule::Background => match self.cursor.skip()? {
                b"false" => (),
                // A decoder that is not strict takes 1 and "true" for true.
                _ => return Err(RequestError::Deferred),
            },
        }
        Ok(())
    }

    fn items(&mut self, rule: &'static Rule, path: &Path<'_>) -> Result<(), RequestError> {
        self.cursor.enter()?;
        let mut place = 0;
        while self.cursor.item(place == 0)? {
            self.value(rule, &path.item(place))?;
            place += 1;
        }
        Ok(())
    }

    fn shape(&mut self, shape: &'static Shape, first: u8, path: &Path<'_>) -> Result<(), RequestError> {
        match first {
            b'{' => match shape.object {
                Some(object) => self.object(object, path),
                None => self.odd(path),
            },
            b'[' => match shape.items {
                Some(rule) => self.items(rule, path),
                None => self.odd(path),
            },
            _ => {
                self.cursor.skip()?;
                self.apply(shape.scalar.unwrap_or(Effect::Refused), path);
                Ok(())
            }
        }
    }

    fn object(&mut self, object: &'static Object, path: &Path<'_>) -> Result<(), RequestError> {
        let fields = object.fields;
        self.cursor.enter()?;
        let is_outer_stored = std::mem::take(&mut self.reading.is_stored);
        let is_outer_sealed = std::mem::take(&mut self.reading.is_sealed);
        let is_outer_placed = std::mem::take(&mut self.reading.is_placed);
        let (mut seen, mut present): (u128, u128) = (0, 0);
        let mut has_place = false;
        let mut count = 0;
        while let Some(key) = self.cursor.key(count == 0)? {
            count += 1;
            if count > MAX_FIELDS {
                return Err(RequestError::TooManyFields(path.shown().into()));
            }
            let key_at = self.cursor.key_at();
            let name = key.decoded();
            let Some(place) = self.find(fields, &name) else {
                self.unknown(&name, Some(path))?;
                continue;
            };
            let step = Path { up: Some(path), step: Step::Known(fields[place].name) };
            if seen & 1 << place != 0 {
                // Some decoders take the first, some the last.
                self.refuse(&step);
            }
            seen |= 1 << place;
            let first = self.cursor.peek()?;
            if first != b'n' {
                present |= 1 << place;
            }
            has_place |= first == b'{' && fields[place].name == "environment";
            self.value(&fields[place].rule, &step)?;
            if matches!(fields[place].rule, Rule::IncludeUsage) {
                self.reading.include_usage_at = Some(key_at..self.cursor.place());
            }
        }
        let has = |name: &str| {
            fields.iter().position(|field| field.name == name).is_some_and(|place| present & 1 << place != 0)
        };
        let is_sealed = std::mem::replace(&mut self.reading.is_sealed, is_outer_sealed);
        if std::mem::replace(&mut self.reading.is_stored, is_outer_stored) && !is_sealed {
            self.reading.is_window = true;
        }
        if std::mem::replace(&mut self.reading.is_placed, is_outer_placed) && !has_place {
            self.apply(Effect::Refused, path);
        }
        match object.without {
            Some((names, effect)) if !names.iter().any(|name| has(name)) => self.apply(effect, path),
            _ => (),
        }
        Ok(())
    }

    /// A text, tokens of one text, or an array of either.
    fn prompts(&mut self, first: u8, path: &Path<'_>) -> Result<(), RequestError> {
        if first == b'"' {
            self.cursor.skip()?;
            return Ok(());
        }
        if first != b'[' {
            return self.odd(path);
        }
        self.cursor.enter()?;
        let (mut texts, mut tokens, mut place) = (0, 0, 0_usize);
        while self.cursor.item(place == 0)? {
            match self.cursor.peek()? {
                b'"' => {
                    self.cursor.skip()?;
                    texts += 1;
                }
                b'[' => {
                    let is_tokens = is_tokens(self.cursor.skip()?);
                    if !is_tokens {
                        self.refuse(&path.item(place));
                    }
                    texts += 1;
                }
                b'0'..=b'9' => {
                    self.cursor.skip()?;
                    tokens += 1;
                }
                b'{' => {
                    // Images, audio and video are embedded at prices of their own.
                    self.ask(AskedFor::Unpriced(Unpriced::OtherUse), &path.item(place));
                    self.object(&super::shapes::EMBEDDED, &path.item(place))?;
                    texts += 1;
                }
                _ => self.odd(&path.item(place))?,
            }
            place += 1;
        }
        if texts > 0 && tokens > 0 {
            self.refuse(path);
        }
        self.reading.prompts = texts.max(1);
        Ok(())
    }
}

fn length_of(text: &[u8]) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX / 8)
}

/// Tells whether an array, which is valid, holds whole numbers alone.
fn is_tokens(array: &[u8]) -> bool {
    array.iter().all(|byte| matches!(byte, b'0'..=b'9' | b',' | b'[' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
        && memchr::memrchr(b'[', array) == Some(0)
}
