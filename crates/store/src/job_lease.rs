//! Leases of jobs: of the servers that could do a job, one does it until its lease ends by the database's clock.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::Write;

/// A job that a server is to do.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// The job.
    pub job: &'a str,
    /// The server.
    pub node: Uid,
    /// Until when it is the server's alone.
    pub until: Millis,
}

/// Takes a job, or prolongs what this server has of it. Returns how far the job has come; `None` while it is another server's.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(tx: &mut Write, lease: &Lease<'_>, now: Millis) -> Result<Option<String>, StoreError> {
    const SQL: &str = "INSERT INTO job_leases (job, node_uid, until_ms, cursor) VALUES ($1, $2, $3, '') \
                       ON CONFLICT (job) DO UPDATE SET node_uid = $2, until_ms = $3 \
                       WHERE job_leases.node_uid = $2 OR job_leases.until_ms <= $4 RETURNING cursor";
    let row = fetch_optional!(tx, (String,), SQL, lease.job, lease.node.to_string(), lease.until.0, now.0)?;
    Ok(row.map(|(cursor,)| cursor))
}

/// Writes how far a job has come, with a new end of its lease: within the transaction that brings it there, so that neither
/// happens without the other. `false` when the lease is not this server's any more; then the transaction is not to be committed.
///
/// # Errors
/// [`StoreError`].
pub async fn advance(
    tx: &mut Write,
    lease: &Lease<'_>,
    cursor: &str,
    now: Millis,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE job_leases SET until_ms = $3, cursor = $4 \
                       WHERE job = $1 AND node_uid = $2 AND until_ms > $5";
    let (node, until) = (lease.node.to_string(), lease.until.0);
    Ok(execute!(tx, SQL, lease.job, node, until, cursor, now.0)? == 1)
}

/// Gives back every job that a server has, so that another one need not wait for the end of its leases.
///
/// # Errors
/// [`StoreError`].
pub async fn release_all(tx: &mut Write, node: Uid) -> Result<(), StoreError> {
    execute!(tx, "UPDATE job_leases SET until_ms = 0 WHERE node_uid = $1", node.to_string()).map(|_| ())
}
