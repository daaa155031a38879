//! Secrets that are empty, short, cut or known to everybody: the server does not start, and says which without repeating it.

use std::sync::Arc;

use crate::BACKEND;
use crate::support::server::Installation;

/// Each with what everybody might try. For the secret of JSON Web Tokens see `jwt`.
fn weak() -> Vec<(&'static str, String)> {
    let (key, token) = ("ENCRYPTION_KEY", "STRONGROOM_ADMIN_TOKEN");
    let of = |name: &'static str, values: [&str; 4]| values.map(|value| (name, value.to_owned()));
    let mut all =
        Vec::from(of(key, ["", "hunter2-hunter2", "your_generated_key_here", "change-me-change-me"]));
    all.extend(of(token, ["", "admin-admin-admin", "change-me-change-me", "sr_000000000000_000"]));
    all.extend([(key, "0".repeat(64)), (key, "deadbeef".repeat(8)), (key, "0123456789abcdef".repeat(4))]);
    // One digit short; the shape of a token, and no token.
    all.push((key, "9f1c3a7be05d2846b7c10fe9d83a52647bd09e1f8c2a4d6350f7ab1896e3c2d".to_owned()));
    all.push((token, format!("sr_000000000000_{}", "0".repeat(49))));
    all
}

#[tokio::test]
async fn a_key_or_token_that_is_empty_short_or_known_to_everybody_is_refused_at_the_start() {
    for (name, value) in weak() {
        let installation = Arc::new(Installation::new(BACKEND).await.set(name, value.as_str()));
        let (status, said) =
            installation.try_start().err().unwrap_or_else(|| panic!("{name}={value} was taken"));
        assert!(status.code().is_some_and(|code| code != 0), "{name}={value}: {status}: {said}");
        assert!(said.contains(name), "{name}={value} is not named: {said}");
        assert!(value.is_empty() || !said.contains(&value), "{name}={value} is repeated: {said}");
    }
}
