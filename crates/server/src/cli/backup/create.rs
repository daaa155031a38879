//! `strongroom backup FILE`

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::Path;

use futures::TryStreamExt;

use super::summary::table;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::session::Session;
use crate::cli::whole_file::WholeFile;
use crate::cli::{backup::summary::Summary, progress};

pub(super) async fn run(path: &Path, session: &Session) -> CliResult {
    if path == Path::new("-") {
        if io::stdout().is_terminal() {
            return Err(CliError::usage(
                "a backup is no text for a terminal; name a file, or send stdout to one",
            ));
        }
        let mut stdout = io::stdout();
        receive(&mut stdout, session).await?;
        stdout.flush()?;
        return Ok(Exit::Ok);
    }
    if path.exists() {
        return Err(CliError::new(Exit::Conflict, format!("{} is there already", path.display()))
            .hint("a backup overwrites no file; name another one, or move this one away"));
    }
    let mut file = WholeFile::create(path)?;
    receive(&mut file, session).await?;
    file.finish()?;
    // The file is read back from the disk: it is a backup only if it is whole.
    let contents = strongroom::backup::inspect(BufReader::new(File::open(path)?))?;
    session.output.data(&Summary::of(&contents), table)?;
    session.output.note(&format!(
        "{} is whole; the master key with fingerprint {} opens it, so keep that elsewhere",
        path.display(),
        contents.masters.join(" or ")
    ));
    Ok(Exit::Ok)
}

async fn receive(target: &mut impl Write, session: &Session) -> CliResult<()> {
    let progress = progress::start(&session.output, "bytes", None);
    let mut pieces = session.client.backup().await?;
    while let Some(piece) = pieces.try_next().await? {
        target.write_all(&piece)?;
        progress.inc(piece.len() as u64);
    }
    progress.finish_and_clear();
    Ok(())
}
