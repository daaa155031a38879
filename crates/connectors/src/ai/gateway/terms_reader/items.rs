//! Things that a provider did within a call, by the names of its items and tools.

use strongroom_model::usage::Unpriced;

/// Kind of an item of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Item {
    #[default]
    Free,
    WebSearch,
    FileSearch,
    /// It costs something where it ran in a container of the provider's.
    Shell,
    Unpriced(Unpriced),
}

impl Item {
    pub(super) fn of(kind: &[u8]) -> Self {
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
pub(super) enum Ran {
    Search,
    Visit,
    Code,
    Other,
}

impl Ran {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"browser.search" | b"browser_search" | b"search" | b"web_search" => Self::Search,
            b"browser.open" | b"visit" | b"visit_website" => Self::Visit,
            b"python" | b"code_interpreter" | b"code_execution" => Self::Code,
            _ => Self::Other,
        }
    }
}
