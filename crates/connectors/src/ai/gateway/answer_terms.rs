//! Facts of an answer that decide its price beside counts of tokens: from the words in which they are kept to ours.

use serde::Deserialize;
use serde_json::{Map, Value};
use strongroom_model::usage::{Geography, Terms, Tier, TokenUsage, Unpriced, Untold, Use, Uses};
use strongroom_model::{Amount, RawUsage};

use super::figures::Figures;
use super::operation::Meter;

mod reported;

pub(super) use reported::apply_reported;

/// The name under which it is kept among the figures: no provider has a figure of that name.
pub(super) const KEPT_AS: &str = "_terms";

/// Values beside the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AnswerTerms {
    /// The class of service, in the provider's own word.
    pub(super) service_tier: Option<Box<str>>,
    /// Uses of services with a fee.
    pub(super) uses: Uses,
    /// The first thing that has no price.
    pub(super) unpriced: Option<Unpriced>,
    /// A response lists what it put out.
    pub(super) lists_output: bool,
}

/// Facts without a price of their own, by the name under which they are kept.
const UNPRICED: [(&str, Unpriced); 9] = [
    ("model", Unpriced::Model),
    ("reported_cost", Unpriced::ReportedCost),
    ("audio_input", Unpriced::AudioInput),
    ("tier", Unpriced::Tier),
    ("geography", Unpriced::Geography),
    ("cache_lifetime", Unpriced::CacheLifetime),
    ("code_session", Unpriced::CodeSession),
    ("image_generation", Unpriced::ImageGeneration),
    ("other_use", Unpriced::OtherUse),
];

impl AnswerTerms {
    /// Notes that something has no price; the first one stays.
    pub(super) fn cannot_price(&mut self, what: Unpriced) {
        self.unpriced = self.unpriced.or(Some(what));
    }

    /// Notes what an answer told beside its figures, or left out.
    pub(super) fn note_untold(&self, meter: Meter, untold: &mut Untold) {
        if self.service_tier.as_deref().is_some_and(|word| !is_no_word(word)) {
            untold.set(Untold::TIER, false);
        }
        // No answer tells how long a container ran.
        untold.set(Untold::CODE_SESSION, meter == Meter::Responses);
        untold.set(Untold::USES, meter == Meter::Responses && !self.lists_output);
    }

    /// The words for these terms, to be kept; null when they are what every call is that says nothing.
    pub(super) fn to_json(&self) -> Value {
        let is_usual = self.service_tier.as_deref().is_none_or(|tier| tier_of(tier) == Said::Nothing);
        if is_usual && self.uses.is_none() && self.unpriced.is_none() {
            return Value::Null;
        }
        let mut kept = Map::new();
        if let Some(tier) = self.service_tier.as_deref().filter(|_| !is_usual) {
            kept.insert("service_tier".to_owned(), tier.into());
        }
        for of in Use::ALL.into_iter().filter(|of| self.uses.get(*of) > 0) {
            kept.insert(of.as_str().to_owned(), self.uses.get(of).into());
        }
        if let Some((name, _)) = UNPRICED.iter().find(|(_, what)| Some(*what) == self.unpriced) {
            kept.insert("unpriced".to_owned(), (*name).into());
        }
        Value::Object(kept)
    }

    /// Terms that were kept.
    pub(super) fn of_json(kept: &Value) -> Self {
        let text = |name: &str| kept.get(name).and_then(Value::as_str);
        let mut uses = Uses::default();
        for of in Use::ALL {
            uses.set(of, count(kept.get(of.as_str())));
        }
        let unpriced = text("unpriced").map(|name| {
            let known = UNPRICED.iter().find(|(known, _)| *known == name);
            known.map_or(Unpriced::OtherUse, |(_, what)| *what)
        });
        Self { service_tier: text("service_tier").map(Box::from), uses, unpriced, lists_output: true }
    }

    /// Adds these terms to what the figures say.
    pub(super) fn apply(&self, usage: &mut TokenUsage) {
        self.service_tier.as_deref().map_or(Said::Nothing, tier_of).apply(&mut usage.terms);
        for of in Use::ALL {
            usage.uses.add(of, self.uses.get(of));
        }
        if let Some(what) = self.unpriced {
            usage.terms.cannot_price(what);
        }
    }
}

/// The name under which it is kept that what was not told of a prompt is taken for audio.
const UNTOLD_INPUT: &str = "untold_input";

/// Keeps with the figures what only those know who asked: the model by whose price the call is billed, where it is another
/// one than the call's record names, what has no price, and whether what is not told of the prompt may be audio.
#[must_use]
pub fn keep_terms(
    raw: &RawUsage,
    billed: Option<&str>,
    unpriced: Option<Unpriced>,
    may_be_audio: bool,
) -> Option<RawUsage> {
    let mut figures: Map<String, Value> = serde_json::from_str(raw.as_str()).ok()?;
    let terms = figures.entry(KEPT_AS).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
    if let Some(model) = billed {
        terms.insert("model".to_owned(), model.into());
    }
    if let Some((name, _)) = UNPRICED.iter().find(|(_, what)| Some(*what) == unpriced) {
        terms.insert("unpriced".to_owned(), (*name).into());
    }
    if may_be_audio {
        terms.insert(UNTOLD_INPUT.to_owned(), "audio".into());
    }
    RawUsage::of(Value::Object(figures).to_string())
}

/// The model that [`keep_terms`] kept.
#[must_use]
pub fn billed_model(raw: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Kept {
        #[serde(rename = "_terms", default)]
        terms: Value,
    }
    let kept: Kept = serde_json::from_str(raw).ok()?;
    kept.terms.get("model").and_then(Value::as_str).map(str::to_owned)
}

/// A count of uses; what is there and is no such count is more than can be told.
fn count(value: Option<&Value>) -> u32 {
    match value {
        None | Some(Value::Null) => 0,
        Some(value) => value.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::MAX),
    }
}

/// A word of a provider, in ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said<T> {
    /// There is none, or one that means what every call is that says nothing.
    Nothing,
    Known(T),
    /// It is none that we know.
    Unknown,
}

fn tier_of(word: &str) -> Said<Tier> {
    // Google writes some of its words in capitals.
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["", "default", "standard", "on_demand", "unspecified"])
        || is(&["service_tier_unspecified", "traffic_type_unspecified"])
    {
        Said::Nothing
    } else if is(&["flex", "on_demand_flex"]) {
        Said::Known(Tier::Flex)
    } else if is(&["priority", "fast", "on_demand_priority"]) {
        // OpenAI has both names for the same: <https://openai.com/api-fast-mode/>.
        Said::Known(Tier::Priority)
    } else if is(&["batch"]) {
        Said::Known(Tier::Batch)
    } else if is(&["ultrafast"]) {
        Said::Known(Tier::Ultrafast)
    } else {
        // `scale`, `performance` and `provisioned_throughput` are sold by contract; `auto` says nothing.
        Said::Unknown
    }
}

/// Tells whether a word among figures says what is so of every call that asks for nothing.
pub(super) fn is_usual(word: &str) -> bool {
    is_no_word(word)
        || tier_of(word) == Said::Nothing
        || speed_of(word) == Said::Nothing
        || place_of(word) == Said::Nothing
}

/// Ranks classes of service by their price: of a word that nobody knows it may be any, and words for none say nothing.
pub(super) fn dearness(word: &str) -> u8 {
    match tier_of(word) {
        _ if is_no_word(word) => 0,
        _ if word == "auto" => 1,
        Said::Known(Tier::Batch) => 2,
        Said::Known(Tier::Flex) => 3,
        Said::Nothing | Said::Known(Tier::Standard) => 4,
        Said::Known(Tier::Priority | Tier::Fast) => 5,
        Said::Known(Tier::Ultrafast) => 6,
        Said::Unknown => 7,
    }
}

/// Returns the speed at which Anthropic says that it answered: <https://platform.claude.com/docs/en/build-with-claude/fast-mode>.
fn speed_of(word: &str) -> Said<Tier> {
    match word {
        "" | "standard" => Said::Nothing,
        "fast" => Said::Known(Tier::Fast),
        _ => Said::Unknown,
    }
}

/// Returns the place where Anthropic says that it answered: <https://platform.claude.com/docs/en/manage-claude/data-residency>.
fn place_of(word: &str) -> Said<Geography> {
    match word {
        "" | "global" | "not_available" => Said::Nothing,
        "us" => Said::Known(Geography::Us),
        _ => Said::Unknown,
    }
}

impl Said<Tier> {
    fn apply(self, terms: &mut Terms) {
        match self {
            Self::Nothing => {}
            Self::Known(tier) if terms.tier == Tier::Standard || terms.tier == tier => terms.tier = tier,
            // Two classes at once have no price.
            Self::Known(_) | Self::Unknown => terms.cannot_price(Unpriced::Tier),
        }
    }
}

impl Said<Geography> {
    fn apply(self, terms: &mut Terms) {
        match self {
            Self::Nothing => {}
            Self::Known(place) => terms.geography = place,
            Self::Unknown => terms.cannot_price(Unpriced::Geography),
        }
    }
}

/// Tells whether a word stands for none: nothing was told then.
fn is_no_word(word: &str) -> bool {
    const UNSPECIFIED: &str = "unspecified";
    let end = word.len().saturating_sub(UNSPECIFIED.len());
    word.is_empty() || word.get(end..).is_some_and(|end| end.eq_ignore_ascii_case(UNSPECIFIED))
}

fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(is_no_word)
}

/// A figure that is a word; what is there and is none, we do not know.
fn word<T>(value: &Value, of: fn(&str) -> Said<T>) -> Said<T> {
    match value {
        Value::Null => Said::Nothing,
        Value::String(word) => of(word),
        _ => Said::Unknown,
    }
}

/// Adds to counts of tokens what the figures say that decides their price.
pub(super) fn apply(meter: Meter, figures: &Figures, usage: &mut TokenUsage) {
    let (tokens, prompt, answer) = match meter {
        Meter::Responses => {
            (figures.input_tokens, &figures.input_tokens_details, &figures.output_tokens_details)
        }
        _ => (figures.prompt_tokens, &figures.prompt_tokens_details, &figures.completion_tokens_details),
    };
    if matches!(meter, Meter::Chat | Meter::Responses) && tokens.is_some() {
        usage.terms.untold.set(Untold::AUDIO_INPUT, prompt.audio_tokens.is_none());
        // A count of one kind tells the rest by what is left, unless text is counted by itself.
        usage.terms.has_untold_output = answer.audio_tokens.is_none() && answer.image_tokens.is_none();
        if prompt.has_text {
            usage.untold_input = usage.input.less(prompt.kinds());
        }
        let spoken = usage.output.less(usage.reasoning);
        if answer.has_text && !usage.terms.has_untold_output {
            usage.untold_output = spoken.less(answer.kinds());
        }
    }
    let words = figures.words();
    let tiers = [&words.service_tier, &words.gemini_tier, &words.traffic_type];
    usage.terms.untold.set(Untold::TIER, tiers.into_iter().all(says_nothing));
    usage.terms.untold.set(Untold::SPEED, says_nothing(&words.speed));
    usage.terms.untold.set(Untold::GEOGRAPHY, says_nothing(&words.inference_geo));
    word(&words.service_tier, tier_of).apply(&mut usage.terms);
    word(&words.gemini_tier, tier_of).apply(&mut usage.terms);
    word(&words.traffic_type, tier_of).apply(&mut usage.terms);
    word(&words.speed, speed_of).apply(&mut usage.terms);
    word(&words.inference_geo, place_of).apply(&mut usage.terms);
    server_tools(&words.server_tool_use, usage);
    modalities(figures, usage);
    if !words.beside.is_null() {
        AnswerTerms::of_json(&words.beside).apply(usage);
        if words.beside.get(UNTOLD_INPUT).is_some() {
            usage.take_untold_input_for_audio();
        }
    }
}

/// Returns how many searches Anthropic's figures tell; `None` when they tell of no tools.
pub(super) fn searches_told(figures: &Figures) -> Option<u32> {
    figures.words().server_tool_use.as_object().map(|told| count(told.get("web_search_requests")))
}

/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#usage-and-pricing>
fn server_tools(told: &Value, usage: &mut TokenUsage) {
    let Value::Object(told) = told else {
        if !told.is_null() {
            usage.terms.cannot_price(Unpriced::OtherUse);
        }
        return;
    };
    for (name, value) in told {
        match (name.as_str(), count(Some(value))) {
            // Neither fetching pages nor looking for tools has a fee.
            (_, 0) | ("web_fetch_requests" | "tool_search_requests", _) => {}
            ("web_search_requests", searches) => usage.uses.add(Use::WebSearch, searches),
            ("code_execution_requests", _) => usage.terms.cannot_price(Unpriced::CodeSession),
            _ => usage.terms.cannot_price(Unpriced::OtherUse),
        }
    }
}

/// Tells whether what was told of the kinds of tokens is so little of the whole that the rest may be anything. Google leaves out
/// text beside pictures and sound, and no more of it than these are.
fn is_little(told: Amount, whole: Amount) -> bool {
    told.plus(told) < whole
}

/// Gemini's list of counts by modality: <https://ai.google.dev/api/generate-content#ModalityTokenCount>.
#[derive(Debug, Default)]
struct ByModality {
    audio: Amount,
    /// Images and video.
    pictures: Amount,
    has_unknown: bool,
    has_text: bool,
    all: Amount,
}

impl ByModality {
    /// The part of a whole that may be of any kind. Where text is not told, a rest that is no larger is that.
    fn rest_of(&self, whole: Amount) -> Amount {
        if self.has_text || is_little(self.all, whole) { whole.less(self.all) } else { Amount::ZERO }
    }

    fn of(told: &Value) -> Self {
        let mut sums = Self { has_unknown: !told.is_null() && !told.is_array(), ..Self::default() };
        for one in told.as_array().into_iter().flatten() {
            let tokens = match one.get("tokenCount") {
                None => Amount::ZERO,
                // Google's JSON writes whole numbers of 64 bits as texts.
                Some(Value::String(digits)) => Amount::of(digits.parse().unwrap_or(i64::MAX)),
                Some(figure) => Amount::of(figure.as_i64().unwrap_or(i64::MAX)),
            };
            sums.all = sums.all.plus(tokens);
            match one.get("modality").and_then(Value::as_str) {
                Some("AUDIO") => sums.audio = sums.audio.plus(tokens),
                Some("IMAGE" | "VIDEO") => sums.pictures = sums.pictures.plus(tokens),
                Some("TEXT") => sums.has_text = true,
                Some("DOCUMENT") => {}
                _ => sums.has_unknown |= tokens > Amount::ZERO,
            }
        }
        sums
    }
}

/// Tells whether the counts by modality are no more than what they are parts of.
pub(super) fn modalities_fit(figures: &Figures, usage: &TokenUsage) -> bool {
    let words = figures.words();
    [
        (&words.prompt_details, usage.input),
        (&words.tool_details, usage.input),
        (&words.cache_details, usage.cached_input),
        (&words.candidates_details, usage.output),
    ]
    .into_iter()
    .all(|(told, whole)| told.is_null() || ByModality::of(told).all <= whole)
}

/// Of a prompt, pictures cost what text does; of an answer they do not.
fn modalities(figures: &Figures, usage: &mut TokenUsage) {
    let words = figures.words();
    let [prompt, cache, answer] =
        [&words.prompt_details, &words.cache_details, &words.candidates_details].map(ByModality::of);
    usage.audio_input = usage.audio_input.max(prompt.audio);
    usage.cached_audio_input = usage.cached_audio_input.max(cache.audio);
    usage.audio_output = usage.audio_output.max(answer.audio);
    usage.image_output = usage.image_output.max(answer.pictures);
    if figures.prompt_token_count.is_some() {
        let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
        let is_heard = prompt.audio > Amount::ZERO;
        let asked = of(figures.prompt_token_count);
        usage.terms.untold.set(Untold::AUDIO_INPUT, !is_heard && is_little(prompt.all, asked));
        if is_heard {
            usage.untold_input = prompt.rest_of(asked);
        }
        let is_shown = answer.pictures.plus(answer.audio) > Amount::ZERO;
        let written = usage.output.less(usage.reasoning);
        usage.terms.has_untold_output = !is_shown && answer.all < written;
        if is_shown {
            usage.untold_output = answer.rest_of(written);
        }
    }
    if prompt.has_unknown || cache.has_unknown || answer.has_unknown {
        usage.terms.cannot_price(Unpriced::OtherUse);
    }
}

/// Steps of which Anthropic says that an answer was made. Those that summed a conversation up are billed and are not in
/// the counts of the whole; those of an advisor are billed by the price of another model:
/// <https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage>.
pub(super) fn add_steps(figures: &Figures, usage: &mut TokenUsage) {
    let iterations = &figures.words().iterations;
    let Value::Array(steps) = iterations else {
        if !iterations.is_null() {
            usage.terms.cannot_price(Unpriced::OtherUse);
        }
        return;
    };
    let (mut sum, mut other) = (TokenUsage::default(), TokenUsage::default());
    for step in steps {
        match step.get("type").and_then(Value::as_str) {
            Some("message" | "compaction") => {
                let step = Figures::read(step).unwrap_or_default();
                let step = messages(&step);
                sum.input = sum.input.plus(step.input);
                sum.cached_input = sum.cached_input.plus(step.cached_input);
                sum.cache_write = sum.cache_write.plus(step.cache_write);
                sum.cache_write_long = sum.cache_write_long.plus(step.cache_write_long);
                sum.output = sum.output.plus(step.output);
            }
            // At the price of another model, and of tokens all the same.
            _ => {
                usage.terms.cannot_price(Unpriced::OtherModel);
                let step = Figures::read(step).unwrap_or_default();
                let step = messages(&step);
                (other.input, other.output) = (other.input.plus(step.input), other.output.plus(step.output));
            }
        }
    }
    // Of each the larger counts; what lowers the bill is as it was told for what is larger.
    if sum.total() > usage.total() {
        usage.cached_input = sum.cached_input;
    }
    usage.input = usage.input.max(sum.input);
    usage.cache_write = usage.cache_write.max(sum.cache_write);
    usage.cache_write_long = usage.cache_write_long.max(sum.cache_write_long);
    usage.output = usage.output.max(sum.output);
    usage.input = usage.input.plus(other.input);
    usage.output = usage.output.plus(other.output);
}

/// Tells whether the steps of an answer are counts, and no figure of the whole is more than theirs, which hold what was summed
/// up besides.
pub(super) fn steps_fit(figures: &Figures) -> bool {
    let Value::Array(steps) = &figures.words().iterations else { return true };
    let read: Option<Vec<_>> = steps.iter().map(|step| Figures::read(step).ok()).collect();
    let Some(read) = read.filter(|steps| steps.iter().all(|step| step.are_counts())) else { return false };
    let is_of_model =
        |step: &Value| matches!(step.get("type").and_then(Value::as_str), Some("message" | "compaction"));
    if steps.is_empty() || !steps.iter().all(is_of_model) {
        return true;
    }
    let of = |it: &Figures| {
        [it.input_tokens, it.cache_read_input_tokens, it.cache_creation_input_tokens, it.output_tokens]
    };
    let whole = of(figures);
    // What the steps of the answer itself read from a cache is all that it read: nothing else makes it cheaper.
    let is_own = |step: &&Value| step.get("type").and_then(Value::as_str) == Some("message");
    let own = steps.iter().zip(&read).filter(|(step, _)| is_own(step));
    let cached = own.filter_map(|(_, step)| step.cache_read_input_tokens).map(Amount::of);
    if cached.fold(Amount::ZERO, Amount::plus) > Amount::of(figures.cache_read_input_tokens.unwrap_or(0)) {
        return false;
    }
    // A figure that no step tells is told of none.
    (0..whole.len()).all(|place| {
        let told: Vec<i64> = read.iter().filter_map(|step| of(step)[place]).collect();
        let sum = told.iter().fold(Amount::ZERO, |sum, count| sum.plus(Amount::of(*count)));
        told.is_empty() || Amount::of(whole[place].unwrap_or(0)) <= sum
    })
}

/// Times for which what was written to a cache is kept (OpenAI): <https://platform.openai.com/docs/guides/prompt-caching>.
#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    pub(super) all: Amount,
    pub(super) long: Amount,
    pub(super) has_unknown: bool,
}

impl Lifetimes {
    pub(super) fn of(told: &Value) -> Self {
        let mut found = Self { has_unknown: !told.is_null() && !told.is_object(), ..Self::default() };
        for (name, value) in told.as_object().into_iter().flatten() {
            let count = match value {
                Value::Null => continue,
                Value::String(text) => text.parse().unwrap_or(i64::MAX),
                value => value.as_i64().unwrap_or(i64::MAX),
            };
            let tokens = Amount::of(count);
            found.all = found.all.plus(tokens);
            match name.as_str() {
                "ttl_30m_tokens" => {}
                "ttl_12h_tokens" => found.long = found.long.plus(tokens),
                _ => found.has_unknown |= tokens > Amount::ZERO,
            }
        }
        found
    }
}

/// <https://platform.claude.com/docs/en/api/messages>: the three inputs are apart from each other.
pub(super) fn messages(figures: &Figures) -> TokenUsage {
    let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
    let long = of(figures.cache_creation.ephemeral_1h_input_tokens);
    let by_lifetime = of(figures.cache_creation.ephemeral_5m_input_tokens).plus(long);
    // Of a sum and its parts that contradict each other the larger counts.
    let written = of(figures.cache_creation_input_tokens).max(by_lifetime);
    let cached = of(figures.cache_read_input_tokens);
    let mut terms = Terms::default();
    if figures.cache_creation.largest_unknown > 0 {
        terms.cannot_price(Unpriced::CacheLifetime);
    }
    terms.untold.set(Untold::CACHE_LIFETIME, written > by_lifetime);
    TokenUsage {
        terms,
        input: of(figures.input_tokens).plus(written).plus(cached),
        cached_input: cached,
        cache_write: written.less(long),
        cache_write_long: long,
        output: of(figures.output_tokens),
        ..TokenUsage::default()
    }
}

#[cfg(test)]
mod tests;
