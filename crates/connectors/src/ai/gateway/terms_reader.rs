//! Reads off an answer, as it passes, what stands beside its figures and decides its price: its class of service, and
//! which services with a fee it used.
//!
//! - OpenAI: `service_tier`, `output[]` and `tools[]` of a response, `tool_usage`:
//!   <https://platform.openai.com/docs/api-reference/responses/object>.
//! - Gemini: `groundingMetadata` of the candidates: <https://ai.google.dev/api/generate-content#GroundingMetadata>.
//! - Groq: `executed_tools` of a message: <https://console.groq.com/docs/browser-search>.

use strongroom_model::usage::{Unpriced, Use};

use super::answer_terms::AnswerTerms;

/// Containers that matter lie at most this deep.
const DEPTH: usize = 8;
/// Words that matter are shorter, in bytes.
const WORD: usize = 40;
/// Different queries that are told apart; each one beyond counts by itself.
const MAX_QUERIES: usize = 256;

/// A container, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Roots,
    Root,
    Response,
    Output,
    OutputItem,
    Usage,
    Action,
    Tools,
    Tool,
    Environment,
    ItemEnvironment,
    ToolUsage,
    SearchUsage,
    Candidates,
    Candidate,
    Grounding,
    Queries,
    Chunks,
    Chunk,
    Choices,
    Choice,
    Message,
    Executed,
    ExecutedTool,
}

impl Place {
    /// The container behind a key.
    fn behind(self, key: &[u8]) -> Option<Self> {
        Some(match (self, key) {
            (Self::Root, b"response") => Self::Response,
            (Self::Root | Self::Response, b"output") => Self::Output,
            (Self::Root | Self::Response, b"usage") => Self::Usage,
            (Self::Root | Self::Response, b"tools") => Self::Tools,
            (Self::Root | Self::Response, b"tool_usage") => Self::ToolUsage,
            // What an event of a stream tells of one.
            (Self::Root, b"item") => Self::OutputItem,
            (Self::OutputItem, b"action") => Self::Action,
            (Self::OutputItem, b"environment") => Self::ItemEnvironment,
            (Self::Tool, b"environment") => Self::Environment,
            (Self::ToolUsage, b"web_search") => Self::SearchUsage,
            (Self::Root, b"candidates") => Self::Candidates,
            (Self::Candidate, b"groundingMetadata") => Self::Grounding,
            (Self::Grounding, b"webSearchQueries" | b"imageSearchQueries") => Self::Queries,
            (Self::Grounding, b"groundingChunks") => Self::Chunks,
            (Self::Root, b"choices") => Self::Choices,
            (Self::Choice, b"message" | b"delta") => Self::Message,
            (Self::Message, b"executed_tools") => Self::Executed,
            _ => return None,
        })
    }

    /// The container within a list.
    fn within(self) -> Option<Self> {
        Some(match self {
            Self::Roots => Self::Root,
            Self::Output => Self::OutputItem,
            Self::Tools => Self::Tool,
            Self::Candidates => Self::Candidate,
            Self::Chunks => Self::Chunk,
            Self::Choices => Self::Choice,
            Self::Executed => Self::ExecutedTool,
            _ => return None,
        })
    }
}

/// A value that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Tier,
    ItemType,
    ItemStatus,
    ActionType,
    ToolType,
    EnvironmentType,
    ItemEnvironmentType,
    Searches,
    ToolName,
    ExecutedType,
    Index,
    Query,
}

impl Wanted {
    fn behind(place: Place, key: &[u8]) -> Option<Self> {
        Some(match (place, key) {
            (Place::Root | Place::Response, b"service_tier") => Self::Tier,
            (Place::OutputItem, b"type") => Self::ItemType,
            (Place::OutputItem, b"status") => Self::ItemStatus,
            (Place::Action, b"type") => Self::ActionType,
            (Place::Tool, b"type") => Self::ToolType,
            (Place::Environment, b"type") => Self::EnvironmentType,
            (Place::ItemEnvironment, b"type") => Self::ItemEnvironmentType,
            (Place::SearchUsage, b"num_requests") => Self::Searches,
            (Place::ExecutedTool, b"name") => Self::ToolName,
            (Place::ExecutedTool, b"type") => Self::ExecutedType,
            (Place::ExecutedTool, b"index") => Self::Index,
            _ => return None,
        })
    }
}

/// Kind of an item of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Item {
    #[default]
    Free,
    WebSearch,
    FileSearch,
    /// It costs something where it ran in a container of the provider's.
    Shell,
    Unpriced(Unpriced),
}

impl Item {
    fn of(kind: &[u8]) -> Self {
        match kind {
            b"web_search_call" => Self::WebSearch,
            b"file_search_call" => Self::FileSearch,
            b"shell_call" => Self::Shell,
            b"code_interpreter_call" => Self::Unpriced(Unpriced::CodeSession),
            b"image_generation_call" => Self::Unpriced(Unpriced::ImageGeneration),
            b"message"
            | b"reasoning"
            | b"compaction"
            | b"program"
            | b"program_output"
            | b"function_call"
            | b"custom_tool_call"
            | b"mcp_call"
            | b"mcp_list_tools"
            | b"mcp_approval_request"
            | b"computer_call"
            | b"local_shell_call"
            | b"tool_search_call"
            | b"tool_search_output"
            | b"additional_tools"
            | b"apply_patch_call" => Self::Free,
            other if other.ends_with(b"_call_output") => Self::Free,
            _ => Self::Unpriced(Unpriced::OtherUse),
        }
    }
}

/// A tool that ran at the provider (Groq).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    Search,
    Visit,
    Code,
    Other,
}

impl Ran {
    fn of(name: &[u8]) -> Self {
        match name {
            b"browser.search" | b"browser_search" | b"search" | b"web_search" => Self::Search,
            b"browser.open" | b"visit" | b"visit_website" => Self::Visit,
            b"python" | b"code_interpreter" | b"code_execution" => Self::Code,
            _ => Self::Other,
        }
    }
}

/// Facts of a response in one text.
#[derive(Debug, Default)]
struct Response {
    /// `true` when it lists what was put out.
    has_output: bool,
    /// `true` when it tells its usage.
    has_usage: bool,
    searches: u32,
    file_searches: u32,
    /// Number of searches that are billed, as the provider counts them itself.
    billed_searches: Option<u32>,
    uses_preview: bool,
    unpriced: Option<Unpriced>,
    /// The class of service, and the length of its word.
    tier: Option<([u8; WORD], usize)>,
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
    is_local: bool,
    ran: Option<Ran>,
    index: Option<u32>,
    response: Response,
    /// Tools that have been counted in texts before, a bit each by their index, and in this one.
    counted: u64,
    counted_now: u64,
    /// Searches that events told as done.
    done: [u32; 2],
    uses_preview: bool,
    /// Queries that have been counted, by their hash.
    queries: Vec<u64>,
    is_grounded: bool,
    /// The class of service that was told last.
    tier: Option<([u8; WORD], usize)>,
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
            is_local: false,
            ran: None,
            index: None,
            response: Response::default(),
            counted: 0,
            counted_now: 0,
            done: [0; 2],
            uses_preview: false,
            queries: Vec::new(),
            is_grounded: false,
            tier: None,
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
        if self.elsewhere == 0 && self.depth > 0 && self.places[self.depth - 1] == Place::Queries {
            self.begin(Some(Wanted::Query));
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
            Wanted::Tier => self.response.tier = Some((self.word, self.length)),
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
            Wanted::ItemEnvironmentType => self.is_local = word == b"local",
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
                (self.is_done, self.is_local) = (true, false);
            }
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
            Item::WebSearch => response.searches += u32::from(self.is_search && !self.has_failed),
            Item::FileSearch => response.file_searches += u32::from(!self.has_failed),
            Item::Shell if !self.is_local => response.has_container(),
            Item::Unpriced(what) => response.unpriced = response.unpriced.or(Some(what)),
            Item::Shell | Item::Free => {}
        }
    }

    /// An item that an event tells of; it does so as it begins, too.
    fn count_done(&mut self) {
        match self.item {
            Item::WebSearch => self.done[0] += u32::from(self.is_done && !self.has_failed && self.is_search),
            Item::FileSearch => self.done[1] += u32::from(self.is_done && !self.has_failed),
            Item::Shell if !self.is_local => self.terms.cannot_price(Unpriced::CodeSession),
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
        match key {
            b"searchEntryPoint" => self.is_grounded = true,
            b"googleMapsWidgetContextToken" => self.terms.uses.set(Use::MapsPrompt, 1),
            _ => {}
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
        if response.has_output || response.tier.is_some() {
            self.tier = response.tier;
        }
        if response.has_usage {
            self.terms.lists_output = response.has_output && !is_cut;
        }
        if response.has_output {
            self.uses_preview |= response.uses_preview;
            let search = if response.uses_preview { Use::WebSearchPreview } else { Use::WebSearch };
            let terms = &mut self.terms;
            terms.unpriced = terms.unpriced.or(response.unpriced);
            // Of the provider's own count and its list the larger counts.
            let searches = response.billed_searches.unwrap_or(0).max(response.searches);
            for (of, count) in [(search, searches), (Use::FileSearch, response.file_searches)] {
                terms.uses.set(of, terms.uses.get(of).max(count));
            }
        }
    }

    /// Returns the terms that the answer stated up to here.
    pub(super) fn terms(&self) -> AnswerTerms {
        let mut terms = self.terms.clone();
        terms.service_tier = self.tier.as_ref().map(|(word, length)| shown(word.get(..*length)));
        // Of what was listed at the end, and what was told as it was done, the larger counts.
        let search = if self.uses_preview { Use::WebSearchPreview } else { Use::WebSearch };
        for (of, done) in [search, Use::FileSearch].into_iter().zip(self.done) {
            terms.uses.set(of, terms.uses.get(of).max(done));
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
