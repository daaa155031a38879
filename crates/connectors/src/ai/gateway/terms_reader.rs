//! Reads off an answer, as it passes, what stands beside its figures and decides its price: its class of service, and
//! which services with a fee it used.
//!
//! - OpenAI: `service_tier`, `output[]` and `tools[]` of a response, `tool_usage`:
//!   <https://platform.openai.com/docs/api-reference/responses/object>.
//! - Gemini: `groundingMetadata` of the candidates: <https://ai.google.dev/api/generate-content#GroundingMetadata>.
//! - Groq: `executed_tools` of a message: <https://console.groq.com/docs/browser-search>.

use strongroom_model::usage::{Unpriced, Use};

use super::answer_terms::{AnswerTerms, dearness};

mod items;
mod places;

use items::{Item, Ran};
use places::{Place, Wanted, is_key};

/// Containers that matter lie at most this deep.
const DEPTH: usize = 8;
/// Words that matter are shorter, in bytes.
const WORD: usize = 40;
/// Different queries that are told apart; each one beyond counts by itself.
const MAX_QUERIES: usize = 256;

/// Facts of a response in one text.
#[derive(Debug, Default)]
struct Response {
    /// `true` when it lists what was put out.
    has_output: bool,
    /// `true` when it tells its usage.
    has_usage: bool,
    searches: u32,
    /// The same, each query of a search by itself.
    queries: u32,
    file_searches: u32,
    /// Calls that it lists, of searches of the web and in files, billed or not.
    calls: [u32; 2],
    /// Number of searches that are billed, as the provider counts them itself.
    billed_searches: Option<u32>,
    uses_preview: bool,
    unpriced: Option<Unpriced>,
    /// The class of service: the dearest that was told.
    tier: Option<Word>,
    /// It stands within a response, which may not have been served yet.
    is_early_tier: bool,
}

/// A word, and its length.
#[derive(Debug, Clone, Copy)]
struct Word([u8; WORD], usize);

impl Word {
    fn text(&self) -> Box<str> {
        shown(self.0.get(..self.1))
    }

    /// Returns the dearer of two classes of service.
    fn or_dearer(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if dearness(&other.text()) > dearness(&self.text()) => other,
            _ => self,
        }
    }
}

impl Response {
    fn has_tool(&mut self, kind: &[u8]) {
        if kind.starts_with(b"web_search_preview") {
            self.uses_preview = true;
        }
        if kind == b"code_interpreter" {
            self.has_container();
        }
    }

    /// Uses were told in something that is no count.
    fn cannot_count(&mut self) {
        self.unpriced = self.unpriced.or(Some(Unpriced::OtherUse));
    }

    /// A container is made and billed whether or not it is used.
    fn has_container(&mut self) {
        self.unpriced = self.unpriced.or(Some(Unpriced::CodeSession));
    }
}

/// The state of a text that is half read.
#[derive(Debug)]
pub(super) struct TermsReader {
    places: [Place; DEPTH],
    depth: usize,
    /// Number of containers around that do not matter.
    elsewhere: u32,
    /// Number of them around every text: one where nothing matters.
    around: u32,
    next: Option<Place>,
    wanted: Option<Wanted>,
    word: [u8; WORD],
    length: usize,
    /// FNV-1a of the string that is being read: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    hash: u64,
    item: Item,
    is_search: bool,
    has_failed: bool,
    is_done: bool,
    is_remote: bool,
    queries_in_action: u32,
    ran: Option<Ran>,
    index: Option<u32>,
    response: Response,
    /// Tools that have been counted in texts before, a bit each by their index, and in this one.
    counted: u64,
    counted_now: u64,
    /// Searches that events told as done.
    done: [u32; 2],
    /// Of the web, each query by itself.
    done_queries: u32,
    /// Calls that items told of as done, and the most that a response listed.
    calls: [[u32; 2]; 2],
    /// Calls of which an event of their own said that they are completed.
    completed: [u32; 2],
    /// The provider told how many searches it bills.
    is_count_told: bool,
    uses_preview: bool,
    /// Queries that have been counted, by their hash.
    queries: Vec<u64>,
    is_grounded: bool,
    /// The class of service that was told, and the one that was told before the end.
    tier: Option<Word>,
    early_tier: Option<Word>,
    terms: AnswerTerms,
}

impl Default for TermsReader {
    fn default() -> Self {
        Self {
            places: [Place::Root; DEPTH],
            depth: 0,
            elsewhere: 0,
            around: 0,
            next: None,
            wanted: None,
            word: [0; WORD],
            length: 0,
            hash: 0,
            item: Item::Free,
            is_search: true,
            has_failed: false,
            is_done: false,
            is_remote: false,
            queries_in_action: 0,
            ran: None,
            index: None,
            response: Response::default(),
            counted: 0,
            counted_now: 0,
            done: [0; 2],
            done_queries: 0,
            calls: [[0; 2]; 2],
            completed: [0; 2],
            is_count_told: false,
            uses_preview: false,
            queries: Vec::new(),
            is_grounded: false,
            tier: None,
            early_tier: None,
            terms: AnswerTerms::default(),
        }
    }
}

impl TermsReader {
    /// For answers that have nothing to read.
    pub(super) fn idle() -> Self {
        Self { elsewhere: 1, around: 1, ..Self::default() }
    }

    /// A key of an object; its value comes next.
    pub(super) fn key(&mut self, key: &[u8]) {
        if self.elsewhere > 0 || self.depth == 0 {
            return;
        }
        let place = self.places[self.depth - 1];
        if place == Place::Chunk {
            self.note_chunk(key);
        }
        if place == Place::Grounding {
            self.note_grounding(key);
        }
        self.next = place.behind(key);
        self.begin(Wanted::behind(place, key));
    }

    fn begin(&mut self, wanted: Option<Wanted>) {
        (self.wanted, self.length, self.hash) = (wanted, 0, 0xcbf2_9ce4_8422_2325);
    }

    /// A string that is no key begins.
    pub(super) fn string_begins(&mut self) {
        if self.elsewhere > 0 || self.depth == 0 {
            return;
        }
        match self.places[self.depth - 1] {
            Place::Queries => self.begin(Some(Wanted::Query)),
            Place::ActionQueries => self.queries_in_action += 1,
            _ => {}
        }
    }

    /// An event says that a call of this kind is completed.
    pub(super) fn call_is_completed(&mut self, kind: &[u8]) {
        match Item::of(kind) {
            Item::WebSearch => self.completed[0] += 1,
            Item::FileSearch => self.completed[1] += 1,
            Item::Unpriced(what) => self.terms.cannot_price(what),
            Item::Shell | Item::Free => {}
        }
    }

    /// Tells whether the value that is passing is one that is read.
    pub(super) fn is_reading(&self) -> bool {
        self.wanted.is_some()
    }

    /// Part of a value: of a string, or of what is neither string nor container.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if self.wanted == Some(Wanted::Query) {
            for byte in bytes {
                self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        let taken = bytes.len().min(WORD - self.length.min(WORD));
        self.word[self.length.min(WORD)..][..taken].copy_from_slice(&bytes[..taken]);
        self.length = (self.length + bytes.len()).min(WORD + 1);
    }

    /// A string that is no key is over.
    pub(super) fn string_ends(&mut self) {
        let Some(wanted) = self.wanted.take() else { return };
        // Longer than any that matters: none of them.
        let word = self.word.get(..self.length).unwrap_or(b"?");
        match wanted {
            Wanted::Tier => {
                self.response.tier = Some(Word(self.word, self.length).or_dearer(self.response.tier));
                self.response.is_early_tier =
                    self.depth > 0 && self.places[self.depth - 1] == Place::Response;
            }
            Wanted::ItemType => self.item = Item::of(word),
            Wanted::ItemStatus => {
                (self.has_failed, self.is_done) = (word == b"failed", !is_pending(word));
            }
            // Pages that are opened, and looked through, have no fee.
            Wanted::ActionType => self.is_search = !matches!(word, b"open_page" | b"find_in_page" | b"find"),
            Wanted::ToolType => self.response.has_tool(word),
            // A shell that runs elsewhere than at the caller's runs in a container.
            Wanted::EnvironmentType if word == b"local" => {}
            Wanted::EnvironmentType => self.response.has_container(),
            Wanted::ItemEnvironmentType => self.is_remote = word != b"local",
            Wanted::ToolName => self.ran = Some(Ran::of(word)),
            // The name tells more.
            Wanted::ExecutedType => self.ran = self.ran.or(Some(Ran::of(word))),
            Wanted::Query if self.length > 0 => self.add_query(),
            // A count that is a text.
            Wanted::Searches => self.response.cannot_count(),
            Wanted::Query | Wanted::Index => {}
        }
    }

    /// Empty queries are not billed, and the same one once: <https://ai.google.dev/gemini-api/docs/google-search#pricing>.
    fn add_query(&mut self) {
        if !self.queries.contains(&self.hash) {
            if self.queries.len() < MAX_QUERIES {
                self.queries.push(self.hash);
            }
            self.terms.uses.add(Use::SearchQuery, 1);
        }
    }

    /// Behind a value: a comma, or the end of its container.
    fn value_is_over(&mut self) {
        let number = || std::str::from_utf8(self.word.get(..self.length)?).ok()?.parse().ok();
        match self.wanted {
            Some(Wanted::Searches) if self.length > 0 && self.word.get(..self.length) != Some(b"null") => {
                match number() {
                    Some(searches) => self.response.billed_searches = Some(searches),
                    None => self.response.cannot_count(),
                }
            }
            Some(Wanted::Index) => self.index = number(),
            // It ran nowhere at the provider's; one that does not say where it ran may have run anywhere.
            Some(Wanted::ItemEnvironmentType) if self.word.get(..self.length) == Some(b"null") => {
                self.is_remote = false;
            }
            _ => {}
        }
        self.wanted = None;
    }

    /// A comma outside of strings.
    pub(super) fn comma(&mut self) {
        if self.elsewhere == 0 {
            self.value_is_over();
            self.next = None;
        }
    }

    /// An object or a list begins.
    pub(super) fn open(&mut self, is_object: bool) {
        self.wanted = None;
        if self.elsewhere > 0 {
            self.elsewhere += 1;
            return;
        }
        let place = match self.depth {
            0 => Some(if is_object { Place::Root } else { Place::Roots }),
            depth => self.places[depth - 1].within().or(self.next.take()),
        };
        let Some(place) = place.filter(|_| self.depth < DEPTH) else {
            self.elsewhere = 1;
            return;
        };
        self.places[self.depth] = place;
        self.depth += 1;
        match place {
            Place::Output if !is_object => self.response.has_output = true,
            Place::Usage => self.response.has_usage = true,
            Place::OutputItem => {
                (self.item, self.is_search, self.has_failed) = (Item::Free, true, false);
                (self.is_done, self.is_remote, self.queries_in_action) = (true, true, 0);
            }
            Place::ItemEnvironment => self.is_remote = true,
            Place::ExecutedTool => (self.ran, self.index) = (None, None),
            _ => {}
        }
    }

    /// An object or a list ends.
    pub(super) fn close(&mut self) {
        if self.elsewhere > 0 {
            self.elsewhere -= 1;
            return;
        }
        self.value_is_over();
        self.next = None;
        let Some(depth) = self.depth.checked_sub(1) else { return };
        self.depth = depth;
        match self.places[depth] {
            Place::OutputItem if self.depth > 0 && self.places[self.depth - 1] == Place::Output => {
                self.count_item()
            }
            Place::OutputItem => self.count_done(),
            Place::ExecutedTool => self.count_tool(),
            _ => {}
        }
    }

    fn count_item(&mut self) {
        let response = &mut self.response;
        match self.item {
            // Pages that it opens, and a search that failed, are not billed.
            Item::WebSearch => {
                let searches = u32::from(self.is_search && !self.has_failed);
                response.searches += searches;
                response.queries += searches * self.queries_in_action.max(1);
                response.calls[0] += u32::from(!self.has_failed);
            }
            Item::FileSearch => {
                response.file_searches += u32::from(!self.has_failed);
                response.calls[1] += u32::from(!self.has_failed);
            }
            Item::Shell if self.is_remote => response.has_container(),
            Item::Unpriced(what) => response.unpriced = response.unpriced.or(Some(what)),
            Item::Shell | Item::Free => {}
        }
    }

    /// An item that an event tells of; it does so as it begins, too.
    fn count_done(&mut self) {
        let is_done = self.is_done && !self.has_failed;
        match self.item {
            Item::WebSearch => {
                let searches = u32::from(is_done && self.is_search);
                self.done[0] += searches;
                self.done_queries += searches * self.queries_in_action.max(1);
                self.calls[0][0] += u32::from(is_done);
            }
            Item::FileSearch => {
                self.done[1] += u32::from(is_done);
                self.calls[0][1] += u32::from(is_done);
            }
            Item::Shell if self.is_remote => self.terms.cannot_price(Unpriced::CodeSession),
            Item::Unpriced(what) => self.terms.cannot_price(what),
            Item::Shell | Item::Free => {}
        }
    }

    fn count_tool(&mut self) {
        if let Some(index) = self.index.filter(|index| *index < u64::BITS) {
            // A stream tells it as it begins, and again with its outcome.
            if self.counted & (1 << index) != 0 {
                return;
            }
            self.counted_now |= 1 << index;
        }
        match self.ran {
            Some(Ran::Search) => self.terms.uses.add(Use::WebSearch, 1),
            Some(Ran::Visit) => self.terms.uses.add(Use::PageVisit, 1),
            Some(Ran::Code) => self.terms.cannot_price(Unpriced::CodeSession),
            Some(Ran::Other) | None => self.terms.cannot_price(Unpriced::OtherUse),
        }
    }

    /// A key of a chunk of grounding says of what kind it is.
    fn note_chunk(&mut self, key: &[u8]) {
        match key {
            b"web" | b"image" => self.is_grounded = true,
            b"maps" => self.terms.uses.set(Use::MapsPrompt, 1),
            _ => {}
        }
    }

    /// Where an answer shows what Google asks to be shown beside it, it is grounded, whether or not it tells its queries.
    fn note_grounding(&mut self, key: &[u8]) {
        if is_key(key, b"searchentrypoint") {
            self.is_grounded = true;
        } else if is_key(key, b"googlemapswidgetcontexttoken") {
            self.terms.uses.set(Use::MapsPrompt, 1);
        }
    }

    /// A text is over, or cut: of those that list what a response put out the one with the most counts.
    pub(super) fn text_is_over(&mut self) {
        let is_cut = self.depth > 0;
        self.depth = 0;
        self.elsewhere = self.around;
        (self.next, self.wanted) = (None, None);
        self.counted |= std::mem::take(&mut self.counted_now);
        let response = std::mem::take(&mut self.response);
        if let Some(tier) = response.tier {
            // Until a response is over it tells what was asked for.
            let is_early = response.is_early_tier && !response.has_usage;
            let known = if is_early { &mut self.early_tier } else { &mut self.tier };
            *known = Some(tier.or_dearer(*known));
        }
        if response.has_usage {
            self.terms.lists_output = response.has_output && !is_cut;
        }
        if response.has_output {
            self.uses_preview |= response.uses_preview;
            let search = if response.uses_preview { Use::WebSearchPreview } else { Use::WebSearch };
            let terms = &mut self.terms;
            terms.unpriced = terms.unpriced.or(response.unpriced);
            // Of the provider's own count and its list the larger counts; without that count each query may be billed.
            self.is_count_told |= response.billed_searches.is_some();
            let searches = match response.billed_searches {
                Some(billed) => billed.max(response.searches),
                None => response.queries,
            };
            let most = &mut self.calls[1];
            *most = std::array::from_fn(|which| most[which].max(response.calls[which]));
            for (of, count) in [(search, searches), (Use::FileSearch, response.file_searches)] {
                terms.uses.set(of, terms.uses.get(of).max(count));
            }
        }
    }

    /// Returns the terms that the answer stated up to here.
    pub(super) fn terms(&self) -> AnswerTerms {
        let mut terms = self.terms.clone();
        let early = self.early_tier.filter(|word| dearness(&word.text()) > dearness("auto"));
        terms.service_tier = self.tier.or(early).as_ref().map(Word::text);
        // Of what was listed at the end, and what was told as it was done, the larger counts; and calls of which no more was
        // told than that they are completed.
        let search = if self.uses_preview { Use::WebSearchPreview } else { Use::WebSearch };
        let searched = if self.is_count_told { self.done[0] } else { self.done_queries };
        for (which, (of, done)) in
            [(search, searched), (Use::FileSearch, self.done[1])].into_iter().enumerate()
        {
            let shown = self.calls[0][which].max(self.calls[1][which]);
            let unseen = self.completed[which].saturating_sub(shown);
            terms.uses.set(of, terms.uses.get(of).max(done).saturating_add(unseen));
        }
        if self.is_grounded && terms.uses.get(Use::SearchQuery) == 0 {
            terms.uses.set(Use::SearchQuery, 1);
        }
        terms
    }
}

/// Tells whether an item is still being worked on.
fn is_pending(status: &[u8]) -> bool {
    matches!(status, b"in_progress" | b"searching" | b"queued" | b"incomplete")
}

/// A word of a provider, as far as it can be shown.
fn shown(word: Option<&[u8]>) -> Box<str> {
    match word.map(std::str::from_utf8) {
        Some(Ok(word)) if word.bytes().all(|byte| byte.is_ascii_graphic()) => word.into(),
        _ => "?".into(),
    }
}
