//! What servers do all day, done by one: for a build that counts which ways its code goes.

use std::path::Path;

use anyhow::Result;

use super::gateway::{QUESTION, bearer, postgres, streamed_question};
use super::machine::{Asked, measure};
use super::{nginx, strongroom};
use crate::test::{Group, Installer};

/// How long each work is done, in seconds.
const SECONDS: u32 = 4;
const CONNECTIONS: [u32; 3] = [1, 32, 128];

/// Has the binary serve calls, plain and streamed, and reads of keys, on SQLite and on PostgreSQL.
pub(crate) fn exercise(binary: &Path) -> Result<()> {
    nginx::install()?;
    Installer::default().provide(Group::Postgres)?;
    let cluster = postgres()?;
    let folder = std::env::temp_dir().join(format!("strongroom-exercise-{}", std::process::id()));
    let provider = nginx::provider(&folder)?;
    let done =
        [("sqlite", None), ("postgres", Some(cluster.url()))].iter().try_for_each(|(part, database)| {
            for path in ["/v1", "/stream"] {
                let place = folder.join(format!("{part}{}", path.replace('/', "-")));
                let made = strongroom::start_at(binary, &place, database.as_deref(), provider.port, path)?;
                let headers = bearer(&made.token);
                let question = if path == "/v1" { QUESTION.to_owned() } else { streamed_question() };
                let call =
                    Asked { path: "/openai/v1/chat/completions", headers: &headers, body: Some(&question) };
                let read = Asked { path: "/api/credentials/bench", headers: &headers, body: None };
                for connections in CONNECTIONS {
                    measure(&place, &made.served, &call, connections, SECONDS)?;
                    measure(&place, &made.served, &read, connections, SECONDS)?;
                }
                made.served.end()?;
            }
            Ok(())
        });
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done
}
