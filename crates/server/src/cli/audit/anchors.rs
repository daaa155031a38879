//! Anchors: heads of the chains, kept outside of the database so that rolling it back is noticed.

use std::path::Path;

use serde::Deserialize;
use strongroom_client::wire::audit::{AuditAnchor, AuditEntry};

use crate::cli::exit::{CliError, CliResult};

/// The last entry of each chain, so far.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<AuditAnchor>);

impl Heads {
    /// Takes note of an entry.
    pub(super) fn pass(&mut self, entry: &AuditEntry) {
        let anchor =
            AuditAnchor { chain_id: entry.chain_id.clone(), seq: entry.seq, link: entry.link.clone() };
        match self.0.iter_mut().find(|head| head.chain_id == entry.chain_id) {
            Some(head) if head.seq < entry.seq => *head = anchor,
            Some(_) => {}
            None => self.0.push(anchor),
        }
    }

    /// The heads.
    pub(super) fn as_slice(&self) -> &[AuditAnchor] {
        &self.0
    }
}

/// The shapes in which anchors are kept: an array of them, or an object that has them as `heads` (what
/// `audit verify --format json` prints, and the last line of an export).
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Array(Vec<AuditAnchor>),
    Object { heads: Vec<AuditAnchor> },
}

/// Reads anchors from a file: one of the shapes above, or a whole export, whose last line has them.
pub(super) fn read(file: &Path) -> CliResult<Vec<AuditAnchor>> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::usage(format!("{name} cannot be read: {error}")))?;
    parse(&text).ok_or_else(|| {
        CliError::usage(format!("{name} holds no anchors"))
            .hint("`strongroom audit export --anchor-file FILE` writes such a file")
    })
}

fn parse(text: &str) -> Option<Vec<AuditAnchor>> {
    let last = text.trim_end().lines().next_back()?;
    let kept = serde_json::from_str(text).or_else(|_| serde_json::from_str(last)).ok()?;
    let anchors = match kept {
        Kept::Array(anchors) | Kept::Object { heads: anchors } => anchors,
    };
    // Verifying against nothing would succeed and say nothing.
    (!anchors.is_empty()).then_some(anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_read_from_an_array_an_answer_or_an_export() {
        let anchor = r#"{"chainId":"main","seq":7,"link":"ab"}"#;
        let answer = format!("{{\"valid\":true,\n\"entries\":7,\"heads\":[{anchor}],\"faults\":[]}}");
        let export = format!("{{\"seq\":6}}\n{{\"seq\":7}}\n{{\"heads\":[{anchor}]}}\n");
        for text in [format!("[{anchor}]"), answer, export] {
            assert_eq!(parse(&text).unwrap()[0].seq, 7, "{text}");
        }
        for bad in ["", "[]", "{}", r#"{"heads":[]}"#, r#"[{"chainId":"main"}]"#] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
