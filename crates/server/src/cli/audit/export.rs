//! `strongroom audit export`: all entries as lines of JSON (<https://jsonlines.org>), and the heads they end in.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_client::wire::audit::ListAudit;

use super::anchors::Heads;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::progress;
use crate::cli::session::Session;
use crate::cli::whole_file;

const PAGE_ENTRIES: i64 = 1000;

/// Options of `audit export`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportOptions {
    /// The file to write; - is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// Write the heads of the chains to this file, for `audit verify --anchor`, and not as the last line
    #[arg(long, value_name = "FILE")]
    anchor_file: Option<PathBuf>,
}

pub(super) async fn run(options: ExportOptions, session: &Session) -> CliResult {
    let (heads, entries) = if options.file == Path::new("-") {
        let mut stdout = BufWriter::new(io::stdout());
        let written = write_entries(&mut stdout, session, options.anchor_file.is_none()).await?;
        stdout.flush()?;
        written
    } else {
        let mut file = whole_file::WholeFile::create(&options.file)?;
        let written = write_entries(&mut file, session, options.anchor_file.is_none()).await?;
        file.finish()?;
        written
    };
    if let Some(path) = &options.anchor_file {
        let mut file = whole_file::WholeFile::create(path)?;
        serde_json::to_writer_pretty(&mut file, heads.as_slice()).map_err(io::Error::from)?;
        file.write_all(b"\n")?;
        file.finish()?;
    }
    session.output.note(&format!("{entries} entries exported"));
    Ok(Exit::Ok)
}

async fn write_entries(
    target: &mut impl Write,
    session: &Session,
    heads_last: bool,
) -> CliResult<(Heads, u64)> {
    let mut query =
        ListAudit { limit: Some(PAGE_ENTRIES), order: Some("asc".to_owned()), ..ListAudit::default() };
    let progress = progress::start(&session.output, "entries", None);
    let (mut heads, mut entries) = (Heads::default(), 0);
    loop {
        let page = session.client.list_audit(&query).await?;
        for entry in &page.items {
            heads.pass(entry);
            line(target, entry)?;
        }
        entries += page.items.len() as u64;
        progress.set_position(entries);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    progress.finish_and_clear();
    if heads_last {
        line(target, &serde_json::json!({ "heads": heads.as_slice() }))?;
    }
    Ok((heads, entries))
}

fn line(target: &mut impl Write, value: &impl serde::Serialize) -> CliResult<()> {
    // Through a buffer of its own: serde_json would hide a broken pipe among its own errors.
    let mut text = serde_json::to_vec(value).map_err(|error| CliError::failure(error.to_string()))?;
    text.push(b'\n');
    Ok(target.write_all(&text)?)
}
