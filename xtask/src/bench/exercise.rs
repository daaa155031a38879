//! A server's daily work, done once: for a build that counts which ways its code goes.

use std::path::Path;

use anyhow::Result;

use super::gateway::{QUESTION, bearer, postgres, streamed_question};
use super::machine::{Asked, CONNECTIONS, measure};
use super::{nginx, strongroom};
use crate::test::{Group, Installer};

/// Has the binary serve calls, plain and streamed, and reads of keys, on SQLite and on PostgreSQL.
pub(crate) fn exercise(binary: &Path) -> Result<()> {
    nginx::install()?;
    Installer::default().provide(Group::Postgres)?;
    let folder = std::env::temp_dir().join(format!("strongroom-exercise-{}", std::process::id()));
    let done = exercise_in(&folder, binary);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn exercise_in(folder: &Path, binary: &Path) -> Result<()> {
    let provider = nginx::provider(folder)?;
    let streamed = streamed_question();
    // Streams for less long: a call has fifty events. How much they are to weigh has not been measured.
    for (path, question, seconds) in [("/v1", QUESTION, 5), ("/stream", &streamed, 1)] {
        let cluster = postgres()?;
        for (part, database) in [("sqlite", None), ("postgres", Some(cluster.url()))] {
            let place = folder.join(part).join(&path[1..]);
            let made = strongroom::start_at(binary, &place, database.as_deref(), provider.port, path)?;
            let headers = bearer(&made.token);
            let call = Asked { path: "/openai/v1/chat/completions", headers: &headers, body: Some(question) };
            let read = Asked { path: "/api/credentials/bench", headers: &headers, body: None };
            for connections in CONNECTIONS {
                measure(&place, &made.served, &call, connections, seconds)?;
                measure(&place, &made.served, &read, connections, seconds)?;
            }
            made.served.end()?;
        }
    }
    Ok(())
}
