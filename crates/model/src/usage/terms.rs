//! Terms of a call: what decides its price beside its tokens.

/// Services with a fee of their own that providers sell within a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// A search of the web: OpenAI's and Anthropic's tool, Groq's browser.
    WebSearch,
    /// A search by OpenAI's older tool, `web_search_preview`.
    WebSearchPreview,
    /// A search in files that the provider keeps (OpenAI).
    FileSearch,
    /// A page that a browser of the provider opened (Groq).
    PageVisit,
    /// A query by which Gemini grounded its answer in Google Search.
    SearchQuery,
    /// An answer that Gemini grounded in Google Maps.
    MapsPrompt,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::WebSearch,
        Self::WebSearchPreview,
        Self::FileSearch,
        Self::PageVisit,
        Self::SearchQuery,
        Self::MapsPrompt,
    ];

    /// The name in kept figures and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebSearch => "web_search",
            Self::WebSearchPreview => "web_search_preview",
            Self::FileSearch => "file_search",
            Self::PageVisit => "page_visit",
            Self::SearchQuery => "search_query",
            Self::MapsPrompt => "maps_prompt",
        }
    }
}

/// Uses of each service with a fee.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses([u32; Use::ALL.len()]);

impl Uses {
    /// Returns the uses of this one.
    #[must_use]
    pub const fn get(&self, of: Use) -> u32 {
        self.0[of as usize]
    }

    /// As often more.
    pub fn add(&mut self, of: Use, more: u32) {
        let count = &mut self.0[of as usize];
        *count = count.saturating_add(more);
    }

    /// Sets how often.
    pub fn set(&mut self, of: Use, count: u32) {
        self.0[of as usize] = count;
    }

    /// Tells whether none was used.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The class of service by which a provider bills a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// The usual class of service.
    #[default]
    Standard,
    /// Slower, most often at half the price.
    Flex,
    /// In a batch.
    Batch,
    /// Ahead of others (OpenAI, Gemini). OpenAI calls it `fast` too.
    Priority,
    /// Anthropic's faster output.
    Fast,
    /// OpenAI's fastest.
    Ultrafast,
}

impl Tier {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Standard, Self::Flex, Self::Batch, Self::Priority, Self::Fast, Self::Ultrafast];

    /// The name in price tables and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Flex => "flex",
            Self::Batch => "batch",
            Self::Priority => "priority",
            Self::Fast => "fast",
            Self::Ultrafast => "ultrafast",
        }
    }

    /// The tier of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == name)
    }
}

/// Place of processing, as far as that has a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Geography {
    /// Anywhere.
    #[default]
    Global,
    /// In the United States only (Anthropic's `inference_geo`).
    Us,
}

/// Part of a call that cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unpriced {
    /// The model is in no price table.
    Model,
    /// The class of service is none that has a published price.
    Tier,
    /// Neither is the place.
    Geography,
    /// The prompt is longer than the prices of its class of service go.
    LongPrompt,
    /// Audio in the prompt, and the model has no price for it.
    AudioInput,
    /// Audio in the answer.
    AudioOutput,
    /// Images in the answer.
    ImageOutput,
    /// A service whose fee is not known for this model.
    Fee(Use),
    /// Tokens that were written to a cache for a time that the answer does not tell.
    CacheLifetime,
    /// Containers that run code: billed by the minute, which no answer tells.
    CodeSession,
    /// Images that a tool made, billed apart from the answer's tokens.
    ImageGeneration,
    /// A second model that took part at its own price.
    OtherModel,
    /// A service that is not known.
    OtherUse,
    /// The provider told a part of the cost and not the rest of it.
    ReportedCost,
}

impl Unpriced {
    /// The name in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Tier => "service tier",
            Self::Geography => "geography",
            Self::LongPrompt => "long prompt",
            Self::AudioInput => "audio input",
            Self::AudioOutput => "audio output",
            Self::ImageOutput => "image output",
            Self::Fee(of) => of.as_str(),
            Self::CacheLifetime => "cache lifetime",
            Self::CodeSession => "code session",
            Self::ImageGeneration => "image generation",
            Self::OtherModel => "other model",
            Self::OtherUse => "other use",
            Self::ReportedCost => "reported cost",
        }
    }
}

/// Terms that a request can ask for at a price of their own, and that an answer may leave untold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untold(u8);

impl Untold {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// How much of the prompt is audio.
    pub const AUDIO_INPUT: Self = Self(1);
    /// The class of service.
    pub const TIER: Self = Self(2);
    /// Anthropic's speed.
    pub const SPEED: Self = Self(4);
    /// The place of processing.
    pub const GEOGRAPHY: Self = Self(8);
    /// Uses of the provider's tools.
    pub const USES: Self = Self(16);
    /// The time for which tokens were written to a cache.
    pub const CACHE_LIFETIME: Self = Self(32);
    /// How long a container ran: no answer tells.
    pub const CODE_SESSION: Self = Self(64);
    /// The cost, by a provider that states it.
    pub const COST: Self = Self(128);

    /// Adds these where they hold.
    pub const fn set(&mut self, which: Self, is_so: bool) {
        if is_so {
            self.0 |= which.0;
        } else {
            self.0 &= !which.0;
        }
    }

    /// Tells whether these are among them.
    #[must_use]
    pub const fn has(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }

    /// What a request that asked for this needs to be told.
    #[must_use]
    pub const fn needed_by(asked: super::AskedFor) -> Self {
        use super::AskedFor;
        match asked {
            AskedFor::AudioInput => Self::AUDIO_INPUT,
            AskedFor::Tier(Tier::Fast) => Self::SPEED,
            AskedFor::Tier(Tier::Priority | Tier::Ultrafast) | AskedFor::AnyTier => Self::TIER,
            AskedFor::Geography(Geography::Us) => Self::GEOGRAPHY,
            AskedFor::LongCache => Self::CACHE_LIFETIME,
            AskedFor::Cost => Self::COST,
            AskedFor::Unpriced(Unpriced::CodeSession) => Self::CODE_SESSION,
            AskedFor::Uses(Use::WebSearch | Use::WebSearchPreview | Use::FileSearch, _) => Self::USES,
            _ => Self::NONE,
        }
    }

    /// The price that is missing where one of these was asked for and is not told; the first of them.
    #[must_use]
    pub fn missing(self, needed: Self) -> Option<Unpriced> {
        [
            (Self::AUDIO_INPUT, Unpriced::AudioInput),
            (Self::TIER, Unpriced::Tier),
            (Self::SPEED, Unpriced::Tier),
            (Self::GEOGRAPHY, Unpriced::Geography),
            (Self::USES, Unpriced::OtherUse),
            (Self::CACHE_LIFETIME, Unpriced::CacheLifetime),
            (Self::CODE_SESSION, Unpriced::CodeSession),
            (Self::COST, Unpriced::ReportedCost),
        ]
        .into_iter()
        .find(|(which, _)| self.has(*which) && needed.has(*which))
        .map(|(_, what)| what)
    }
}

/// The terms that an answer says decided its price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The class of service.
    pub tier: Tier,
    /// Its place of processing.
    pub geography: Geography,
    /// What it does not tell: a call that asked for one of these has no price then.
    pub untold: Untold,
    /// `true` when it does not tell of what kind the tokens of the answer are: of a model that answers in images or audio too,
    /// they have no price then.
    pub has_untold_output: bool,
    /// The first thing of it that has no price whatever the model.
    pub unpriced: Option<Unpriced>,
}

impl Terms {
    /// Notes that something has no price; the first one stays.
    pub fn cannot_price(&mut self, what: Unpriced) {
        self.unpriced = self.unpriced.or(Some(what));
    }
}
