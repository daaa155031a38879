//! The data directory of an SQLite database is one server's; PostgreSQL has no such bound.

use serde_json::json;

use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn a_second_server_over_the_same_sqlite_directory_is_refused() {
    let server = Installation::new(BACKEND).await.start();
    let (status, said) = server.installation.try_start().err().expect("a refusal");
    assert_eq!(status.code(), Some(8), "{said}");
    let directory = server.installation.data_dir().display().to_string();
    assert!(said.contains(&format!("a server runs from the data directory {directory} already")), "{said}");
    server.credential("undisturbed", json!({})).await;
}
