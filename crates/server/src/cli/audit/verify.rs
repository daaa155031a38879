//! `strongroom audit verify`

use std::path::PathBuf;

use clap::Args;
use strongroom_client::wire::audit::{AuditVerification, VerifyAudit};

use super::anchors;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::Table;
use crate::cli::progress;
use crate::cli::session::Session;

/// Options of `audit verify`.
#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyOptions {
    /// Compare with heads that were exported earlier as well; can be repeated
    #[arg(long = "anchor", value_name = "FILE")]
    anchors: Vec<PathBuf>,
}

pub(super) async fn run(options: VerifyOptions, session: &Session) -> CliResult {
    let mut body = VerifyAudit::default();
    for file in &options.anchors {
        body.anchors.extend(anchors::read(file)?);
    }
    let progress = progress::start(&session.output, "verifying", None);
    let result = session.client.verify_audit(&body).await;
    progress.finish_and_clear();
    let result = result?;
    session.output.data(&result, table)?;
    match fault(&result) {
        Some(fault) => Err(fault),
        None => {
            session.output.note(&format!("{} entries verify", result.entries));
            Ok(Exit::Ok)
        }
    }
}

/// The error that names the first entry at fault.
fn fault(result: &AuditVerification) -> Option<CliError> {
    let text = match result.faults.first() {
        Some(first) => format!("entry {} of audit chain \"{}\": {}", first.seq, first.chain_id, first.fault),
        None if result.valid => return None,
        None => "the audit trail does not verify".to_owned(),
    };
    Some(CliError::new(Exit::Integrity, text))
}

fn table(result: &AuditVerification) -> Table {
    let mut table = Table::new(["chain", "last entry", "result"]);
    for head in &result.heads {
        let fault = result.faults.iter().find(|fault| fault.chain_id == head.chain_id);
        let shown =
            fault.map_or_else(|| "ok".to_owned(), |fault| format!("entry {}: {}", fault.seq, fault.fault));
        table.row([head.chain_id.clone(), head.seq.to_string(), shown]);
    }
    table
}

#[cfg(test)]
mod tests {
    use strongroom_client::wire::audit::AuditFault;

    use super::*;

    #[test]
    fn a_fault_is_an_integrity_error_that_names_the_entry() {
        let fault_7 = AuditFault { chain_id: "main".to_owned(), seq: 7, fault: "was edited".to_owned() };
        let mut result = AuditVerification { valid: false, entries: 9, heads: vec![], faults: vec![fault_7] };
        let error = fault(&result).unwrap();
        assert_eq!(
            (error.exit, error.message.as_str()),
            (Exit::Integrity, "entry 7 of audit chain \"main\": was edited")
        );
        result.faults.clear();
        assert_eq!(fault(&result).unwrap().exit, Exit::Integrity);
        result.valid = true;
        assert!(fault(&result).is_none());
    }
}
