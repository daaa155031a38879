//! The gateway before the providers' own libraries for Node.

use std::process::Command;

use strongroom_testkit::{Backend, real_parts};

const BACKEND: Backend = Backend::Sqlite;

#[expect(dead_code, reason = "shared with suites that call the server themselves")]
mod cases {
    #[path = "../cases/sdks.rs"]
    pub(crate) mod sdks;
    #[path = "../cases/stage.rs"]
    pub(crate) mod stage;
}
#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_own_libraries_work_by_base_url_and_token_alone() {
    let _installed = real_parts::node_file("openai/package.json");
    let mut program = Command::new("node");
    program.arg(real_parts::workspace_root().join("testkit/node/sdks.mjs"));
    program.env("NODE_MODULES", real_parts::node_modules());
    cases::sdks::run(program).await;
}
