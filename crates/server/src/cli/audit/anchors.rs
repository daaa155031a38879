//! Anchors: heads of the chains, kept outside of the database so that rolling it back is noticed.

use std::path::Path;

use serde::Deserialize;
use strongroom_client::wire::audit::{AuditAnchor, AuditEntry};

use crate::cli::exit::{CliError, CliResult};
use crate::wiring::AUDIT_HEAD as HEAD;

/// The last entry of each chain, so far.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<AuditAnchor>);

impl Heads {
    /// Takes note of an entry.
    pub(super) fn pass(&mut self, entry: &AuditEntry) {
        self.add(AuditAnchor { chain_id: entry.chain_id.clone(), seq: entry.seq, link: entry.link.clone() });
    }

    fn add(&mut self, anchor: AuditAnchor) {
        match self.0.iter_mut().find(|head| head.chain_id == anchor.chain_id) {
            Some(head) if head.seq < anchor.seq => *head = anchor,
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

/// A line of the server's log that tells a head.
#[derive(Deserialize)]
struct Logged {
    message: String,
    chain: String,
    seq: i64,
    link: String,
}

/// Reads anchors from a file: one of the shapes above, a whole export, whose last line has them, or a log of a server, which
/// tells the heads at intervals.
pub(super) fn read(file: &Path) -> CliResult<Vec<AuditAnchor>> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::usage(format!("{name} cannot be read: {error}")))?;
    parse(&text).ok_or_else(|| {
        CliError::usage(format!("{name} holds no anchors"))
            .hint("`strongroom audit export --anchor-file FILE` writes such a file, and a server's log in JSON is one")
    })
}

fn parse(text: &str) -> Option<Vec<AuditAnchor>> {
    let last = text.trim_end().lines().next_back()?;
    let kept = serde_json::from_str(text).or_else(|_| serde_json::from_str(last));
    let anchors = match kept {
        Ok(Kept::Array(anchors) | Kept::Object { heads: anchors }) => anchors,
        Err(_) => logged(text),
    };
    // Verifying against nothing would succeed and say nothing.
    (!anchors.is_empty()).then_some(anchors)
}

/// The newest heads that a log tells.
fn logged(text: &str) -> Vec<AuditAnchor> {
    let mut heads = Heads::default();
    // The prefix that a log collector writes before each line is skipped.
    let objects = text.lines().filter_map(|line| line.get(line.find('{')?..));
    for line in objects.filter_map(|line| serde_json::from_str::<Logged>(line).ok()) {
        if line.message == HEAD {
            heads.add(AuditAnchor { chain_id: line.chain, seq: line.seq, link: line.link });
        }
    }
    heads.0
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
        let log = "2026 web-1 {\"level\":\"INFO\",\"message\":\"audit head\",\"chain\":\"main\",\"seq\":9,\"link\":\"cd\"}\n\
                   {\"message\":\"audit head\",\"chain\":\"main\",\"seq\":7,\"link\":\"ab\"}\n\
                   {\"message\":\"request\",\"chain\":\"main\",\"seq\":99,\"link\":\"ef\"}\nnot JSON {\n";
        let newest = parse(log).unwrap();
        assert_eq!((newest.len(), newest[0].seq, newest[0].link.as_str()), (1, 9, "cd"));
        for bad in ["", "[]", "{}", r#"{"heads":[]}"#, r#"[{"chainId":"main"}]"#] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
