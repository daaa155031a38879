//! Values that are picked out of a text.

/// Usage figures, by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Slot {
    /// `usage`.
    Usage,
    /// `usage` in `response`, `message`, `error` or `x_groq`.
    InnerUsage,
    /// `usageMetadata`.
    UsageMetadata,
    /// `usage` anywhere else that is neither a caller's nor a model's.
    Nested,
    /// What another name tells of usage.
    Beside,
}

pub(super) const SLOTS: usize = 5;

/// A value that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Figures(Slot),
    /// `model` or `modelVersion`, here or in `response` or `message`.
    Model,
    /// `type` of an event.
    Kind,
    /// `finish_reason` or `finishReason` of one of several answers.
    Ended,
    /// `index` of one of several answers.
    Index,
    /// `stop_reason` in `delta`, or `blockReason` in `promptFeedback`.
    Stopped,
    /// `status` of a response.
    Status,
    /// `type` and `name` of a block of a message.
    BlockKind,
    BlockName,
}
