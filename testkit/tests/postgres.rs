//! Every case, on PostgreSQL, and the throw-away cluster itself.

use std::net::TcpStream;

use strongroom_testkit::{Backend, PostgresCluster, TestDatabase};

const BACKEND: Backend = Backend::Postgres;

#[path = "cases/database.rs"]
mod database;

#[tokio::test]
async fn a_dropped_database_is_gone_even_while_someone_is_connected() {
    let (watcher, database) = (TestDatabase::new(BACKEND).await, TestDatabase::new(BACKEND).await);
    let name = database.url().rsplit('/').next().expect("a database name").to_owned();
    let found = format!("SELECT datname FROM pg_database WHERE datname = '{name}'");
    assert_eq!(watcher.query_text(&found).await, [[Some(name)]]);

    let pool = sqlx::PgPool::connect(database.url()).await.expect("a pool");
    drop(database);
    assert!(watcher.query_text(&found).await.is_empty());
    pool.close().await;
}

#[test]
fn a_dropped_cluster_leaves_neither_server_nor_files() {
    let cluster = PostgresCluster::start().expect("a cluster");
    let url = cluster.url();
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("host:port");
    TcpStream::connect(address).expect("a server that listens");
    let directory = cluster.directory().to_owned();
    assert!(directory.join("data/PG_VERSION").exists());
    drop(cluster);
    assert!(!directory.exists());
    assert!(TcpStream::connect(address).is_err());
}
