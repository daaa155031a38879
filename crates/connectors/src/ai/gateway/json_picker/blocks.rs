//! Blocks of a message that tell of searches by the provider, and models that an answer names.

/// Kind of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Other,
    /// A tool of the provider's is called.
    Use,
    /// What a search found.
    Found,
}

/// Searches that blocks of a message show, beside those that its figures count:
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Blocks {
    block: Block,
    is_search: bool,
    has_failed: bool,
    called: u32,
    found: u32,
    failed: u32,
}

impl Blocks {
    /// Reads the `type` of a block, or of what is within it.
    pub(super) fn has_kind(&mut self, kind: &[u8]) {
        match kind {
            b"\"server_tool_use\"" => self.block = Block::Use,
            b"\"web_search_tool_result\"" => self.block = Block::Found,
            b"\"web_search_tool_result_error\"" => self.has_failed = true,
            _ => {}
        }
    }

    /// Reads the `name` of a block.
    pub(super) fn has_name(&mut self, name: &[u8]) {
        self.is_search = name == b"\"web_search\"";
    }

    pub(super) fn is_over(&mut self) {
        let count = match self.block {
            Block::Use if self.is_search => &mut self.called,
            Block::Found if self.has_failed => &mut self.failed,
            Block::Found => &mut self.found,
            Block::Use | Block::Other => return self.begin(),
        };
        *count = count.saturating_add(1);
        self.begin();
    }

    fn begin(&mut self) {
        (self.block, self.is_search, self.has_failed) = (Block::Other, false, false);
    }

    /// Returns how many searches there were beyond those that the figures tell; a search that failed is not billed.
    pub(in super::super) fn searches_beyond(&self, told: Option<u32>) -> u32 {
        match told {
            Some(told) => self.found.saturating_sub(told),
            None => self.found.max(self.called.saturating_sub(self.failed)),
        }
    }
}

/// Models that an answer names, as JSON.
#[derive(Debug, Default)]
pub(in super::super) struct Models {
    /// The last one.
    pub(in super::super) last: Vec<u8>,
    /// Another one before it; empty when there was none.
    pub(in super::super) other: Vec<u8>,
    /// One was told in something that is no name, or there were more than two.
    pub(in super::super) are_odd: bool,
}

impl Models {
    pub(super) fn note(&mut self, name: &[u8]) {
        if name == self.last || name == b"\"\"" {
            return;
        }
        if !name.starts_with(b"\"") {
            self.are_odd = true;
            return;
        }
        let before = std::mem::replace(&mut self.last, name.to_vec());
        if !before.is_empty() {
            self.are_odd |= !self.other.is_empty() && self.other != self.last;
            self.other = before;
        }
    }
}

/// The call of which an event's `type` says that it is completed.
pub(super) fn completed_call(kind: &[u8]) -> Option<&[u8]> {
    let call = kind.strip_prefix(b"\"response.")?.strip_suffix(b".completed\"")?;
    call.ends_with(b"_call").then_some(call)
}
