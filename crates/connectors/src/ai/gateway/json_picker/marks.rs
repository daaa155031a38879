//! What stands in a text that matters: its keys, and what they say of an end.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Usage,
    UsageMetadata,
    Model,
    Kind,
    /// `response`, `message` or `error`.
    Envelope,
    XGroq,
    Choices,
    Candidates,
    Ended,
    Index,
    Delta,
    StopReason,
    PromptFeedback,
    BlockReason,
    Role,
    Status,
    Text,
    /// Where a message has its blocks, and a response its items.
    Content,
    Output,
    /// `content_block` of an event.
    Block,
    Name,
    /// Another name that tells of usage.
    UsageBeside,
    /// Behind it stands JSON that a caller or a model wrote.
    Foreign,
    Other,
}

/// Names behind which callers and models write whatever they like.
fn is_foreign(name: &[u8]) -> bool {
    matches!(
        name,
        b"input"
            | b"args"
            | b"arguments"
            | b"parameters"
            | b"tools"
            | b"metadata"
            | b"schema"
            | b"json_schema"
            | b"response_format"
            | b"format"
            | b"attributes"
            | b"variables"
            | b"parsed"
            | b"functionCall"
            | b"functionResponse"
            | b"function_call"
            | b"instructions"
    )
}

/// Tells whether a name has the word usage in it, in whatever case.
fn tells_of_usage(name: &[u8]) -> bool {
    const WORD: &[u8] = b"usage";
    let Some(behind) = name.len().checked_sub(WORD.len()) else { return false };
    let is_at = |place: usize| name[place..place + WORD.len()].eq_ignore_ascii_case(WORD);
    // Most names are short, and have it at one of their ends if at all.
    is_at(0) || is_at(behind) || (behind > 6 && (1..behind).any(is_at))
}

impl Key {
    pub(super) fn of(text: &[u8]) -> Self {
        match text {
            b"usage" => Self::Usage,
            b"usageMetadata" => Self::UsageMetadata,
            b"model" | b"modelVersion" => Self::Model,
            b"type" => Self::Kind,
            b"response" | b"message" | b"error" => Self::Envelope,
            b"x_groq" => Self::XGroq,
            b"choices" => Self::Choices,
            b"candidates" => Self::Candidates,
            b"finish_reason" | b"finishReason" => Self::Ended,
            b"index" => Self::Index,
            b"delta" => Self::Delta,
            b"stop_reason" => Self::StopReason,
            b"promptFeedback" => Self::PromptFeedback,
            b"blockReason" => Self::BlockReason,
            b"role" => Self::Role,
            b"status" => Self::Status,
            b"text" => Self::Text,
            b"content" => Self::Content,
            b"output" => Self::Output,
            b"content_block" => Self::Block,
            b"name" => Self::Name,
            // Of tools, which have prices of their own.
            b"tool_usage" => Self::Other,
            other if is_foreign(other) => Self::Foreign,
            other if tells_of_usage(other) => Self::UsageBeside,
            _ => Self::Other,
        }
    }
}

/// Meaning of an event's `type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// No end.
    #[default]
    Other,
    /// An answer is being generated.
    Generated,
    /// A response has come to its end, good or bad.
    ResponseOver,
    /// A message has come to its end.
    MessageStop,
}

impl Kind {
    /// <https://platform.openai.com/docs/api-reference/responses-streaming>, and `response.done` of OpenRouter;
    /// <https://platform.claude.com/docs/en/build-with-claude/streaming>.
    pub(super) fn of(value: &[u8]) -> Self {
        match value {
            b"\"response.completed\""
            | b"\"response.incomplete\""
            | b"\"response.failed\""
            | b"\"response.done\"" => Self::ResponseOver,
            b"\"message_stop\"" => Self::MessageStop,
            b"\"message_start\"" => Self::Generated,
            b"\"message_delta\"" => Self::Other,
            other
                if other.starts_with(b"\"response.")
                    || other.starts_with(b"\"content_block")
                    || other.ends_with(b"delta\"") =>
            {
                Self::Generated
            }
            _ => Self::Other,
        }
    }
}

/// Signs of an end in one text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Marks {
    /// Answers that have come to their end: a bit each, by their index.
    pub(in super::super) ended: u128,
    /// Answers of which something is told without an end.
    pub(in super::super) goes_on: u128,
    /// `true` when something is told of an answer, with an end or not.
    pub(in super::super) has_text: bool,
    /// `true` when figures stand there that were not kept.
    pub(in super::super) is_unread: bool,
    /// `true` when something stands in `choices`.
    pub(in super::super) has_choices: bool,
    /// Meaning of its `type`.
    pub(in super::super) kind: Kind,
    /// `true` when a reason stands there for which the one answer there is has stopped.
    pub(in super::super) is_stopped: bool,
    /// `true` when the response says that it is not over.
    pub(in super::super) is_under_way: bool,
    /// `true` when the response says how it stands.
    pub(in super::super) has_status: bool,
    /// `true` when there is text in a `delta` of its own, outside of all answers.
    pub(in super::super) has_delta: bool,
    /// `true` when it ends before its end.
    pub(in super::super) is_cut: bool,
    /// `true` when it is one of an array of texts.
    pub(in super::super) is_in_array: bool,
}

/// Tells whether an answer that is still under way would not say it. Some write words for none, and Gemini's language has names for
/// none, or the number 0: <https://ai.google.dev/api/generate-content#FinishReason>.
pub(super) fn is_reason(value: &[u8]) -> bool {
    const UNSPECIFIED: &str = "unspecified";
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let Some(word) = text.strip_prefix('"').and_then(|word| word.strip_suffix('"')) else {
        return text.parse::<f64>().is_ok_and(|number| number != 0.0);
    };
    let start = word.len().saturating_sub(UNSPECIFIED.len());
    let is_none = ["", "null", "none", "0"].iter().any(|none| word.eq_ignore_ascii_case(none));
    let is_unspecified = word.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(UNSPECIFIED));
    // What needs escapes is no reason that we know.
    !is_none && !is_unspecified && !word.contains('\\')
}
