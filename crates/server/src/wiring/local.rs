//! The same router without a network: for a command on this machine while no server runs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use futures::{StreamExt, TryStreamExt};
use strongroom::{Opened, Strongroom};
use strongroom_client::transport::Caller;
use strongroom_model::Problem;
use tower::ServiceExt;

use super::data_dir::{self, Lock};
use super::router::router;
use crate::config::{Loaded, LogFormat};
use crate::http::peer::LocalPeer;
use crate::telemetry;

/// A router in this process, and the data directory that it holds.
pub struct InProcess {
    /// Answers requests.
    pub caller: Caller,
    /// The master key file, when it was made just now.
    pub new_key_file: Option<PathBuf>,
    room: Strongroom,
    lock: Lock,
}

impl InProcess {
    /// Closes the database and lets the data directory go.
    ///
    /// # Errors
    /// [`Problem`] when calls that have ended could not be written down.
    pub async fn close(self) -> Result<(), Problem> {
        let closed = self.room.close().await;
        drop(self.lock);
        closed
    }
}

/// Opens the configured strongroom and puts the router over it, without jobs. Who may read the data directory or the
/// key and the database is the authority, so no token is asked for.
///
/// # Errors
/// [`Problem`].
pub async fn in_process(loaded: &Loaded) -> Result<InProcess, Problem> {
    // No server's log has the causes of what fails here. Its requests are nobody's news.
    telemetry::start(LogFormat::Pretty, "warn,sqlx=error");
    let lock = data_dir::hold(&loaded.config)?;
    let Opened { room, new_key_file } = super::open(loaded).await?;
    let router = router(super::app(&room, loaded, None));
    let peer = LocalPeer::of_this_process();
    let caller: Caller = Arc::new(move |request| {
        let (router, peer) = (router.clone(), peer.clone());
        Box::pin(async move {
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(peer);
            let answer = match router.oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            answer.map(|body| body.into_data_stream().map_err(io::Error::other).boxed())
        })
    });
    Ok(InProcess { caller, new_key_file, room, lock })
}
