//! Containers of an answer, and values in them, that decide a price.

/// A container, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Roots,
    Root,
    Response,
    Output,
    OutputItem,
    Usage,
    Action,
    ActionQueries,
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
    pub(super) fn behind(self, key: &[u8]) -> Option<Self> {
        Some(match (self, key) {
            (Self::Root, b"response") => Self::Response,
            (Self::Root | Self::Response, b"output") => Self::Output,
            (Self::Root | Self::Response, b"usage") => Self::Usage,
            (Self::Root | Self::Response, b"tools") => Self::Tools,
            (Self::Root | Self::Response, b"tool_usage") => Self::ToolUsage,
            // What an event of a stream tells of one.
            (Self::Root, b"item") => Self::OutputItem,
            (Self::OutputItem, b"action") => Self::Action,
            (Self::Action, b"queries") => Self::ActionQueries,
            (Self::OutputItem, b"environment") => Self::ItemEnvironment,
            (Self::Tool, b"environment") => Self::Environment,
            (Self::ToolUsage, b"web_search") => Self::SearchUsage,
            (Self::Root, b"candidates") => Self::Candidates,
            // Google's JSON is read in both spellings: <https://protobuf.dev/programming-guides/json/>.
            (Self::Grounding, key) if is_key(key, b"websearchqueries") => Self::Queries,
            (Self::Grounding, key) if is_key(key, b"imagesearchqueries") => Self::Queries,
            (Self::Grounding, key) if is_key(key, b"groundingchunks") => Self::Chunks,
            (Self::Root | Self::Candidate, key) if is_key(key, b"groundingmetadata") => Self::Grounding,
            (Self::Root, b"choices") => Self::Choices,
            (Self::Choice, b"message" | b"delta") => Self::Message,
            (Self::Message, b"executed_tools") => Self::Executed,
            _ => return None,
        })
    }

    /// The container within a list.
    pub(super) fn within(self) -> Option<Self> {
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

/// Tells whether a key is this one, which is given in small letters: in camel case, in snake case or in any other.
pub(super) fn is_key(key: &[u8], plain: &[u8]) -> bool {
    let mut letters = key.iter().filter(|letter| **letter != b'_').map(u8::to_ascii_lowercase);
    key.first().is_some_and(|first| first.eq_ignore_ascii_case(&plain[0]))
        && plain.iter().all(|wanted| letters.next() == Some(*wanted))
        && letters.next().is_none()
}

/// A value that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
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
    pub(super) fn behind(place: Place, key: &[u8]) -> Option<Self> {
        Some(match (place, key) {
            (Place::Root | Place::Response, b"service_tier") => Self::Tier,
            (Place::OutputItem, b"type") => Self::ItemType,
            (Place::OutputItem, b"status") => Self::ItemStatus,
            (Place::Action, b"type") => Self::ActionType,
            (Place::Tool, b"type") => Self::ToolType,
            (Place::Environment, b"type") => Self::EnvironmentType,
            (Place::ItemEnvironment, b"type") | (Place::OutputItem, b"environment") => {
                Self::ItemEnvironmentType
            }
            (Place::SearchUsage, b"num_requests") => Self::Searches,
            (Place::ExecutedTool, b"name") => Self::ToolName,
            (Place::ExecutedTool, b"type") => Self::ExecutedType,
            (Place::ExecutedTool, b"index") => Self::Index,
            _ => return None,
        })
    }
}
