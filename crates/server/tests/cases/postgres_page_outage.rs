//! The database away while somebody looks at pages: the last figures, and that they are old.

use serde_json::json;

use crate::BACKEND;
use crate::support::away::Way;
use crate::support::server::{Installation, STEP, STEPS};
use crate::support::visitor::Visitor;

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_pages_show_the_last_figures_and_say_so() {
    let installation = Installation::new(BACKEND).await;
    let (installation, way) = Way::to(installation).await;
    let server = installation.start();
    server.credential("kept-in-mind", json!({})).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    visitor.get("/dashboard/credentials").await.expect(200);
    way.close(&server).await;
    let old = visitor.get("/dashboard/credentials").await.expect(503);
    assert!(old.text.contains("The database does not answer just now"), "{}", old.text);
    assert!(old.text.contains("kept-in-mind") && old.text.contains("as of "), "{}", old.text);
    // A page that was not seen before is a plain refusal, and so is one of nobody.
    let unseen = visitor.get("/dashboard/limits").await.expect(503);
    assert!(!unseen.text.contains("kept-in-mind") && unseen.text.contains("Not available just now"));
    let mut stranger = Visitor::at_own_name(&server);
    stranger.cookie = Some(format!("__Host-strongroom={}", "0".repeat(64)));
    assert!(!stranger.get("/dashboard/credentials").await.text.contains("kept-in-mind"));
    way.open(&server).await;
    for _ in 0..STEPS {
        if visitor.get("/dashboard/credentials").await.status == 200 {
            return;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("pages do not come back");
}
