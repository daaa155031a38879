//! Notices about a credential that somebody has to act on, in a few words.

use strongroom_client::wire::credential::Credential;
use strongroom_model::{Clock, Millis};

/// Time before an expiry at which it is first told, in seconds.
const SOON_SECONDS: i64 = 14 * 86_400;

/// Notices that are due now; empty when nothing is.
pub(in crate::cli) fn notices(credential: &Credential) -> Vec<String> {
    at(credential, Clock::default().local_now())
}

fn at(credential: &Credential, now: Millis) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(at) = credential.frozen_at {
        notices.push(format!("frozen {}", day(at)));
    }
    match credential.expires_at {
        Some(at) if at <= now => notices.push(format!("expired {}", day(at))),
        Some(at) if at < now.plus_seconds(SOON_SECONDS) => notices.push(format!("expires {}", day(at))),
        _ => {}
    }
    if let Some(at) = credential.rotation_due.filter(|at| *at <= now) {
        notices.push(format!("new key due since {}", day(at)));
    }
    notices
}

fn day(at: Millis) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_said_and_nothing_else() {
        let json = r#"{"id":1,"uid":"","name":"a","provider":"openai","priority":1,"isActive":true,"isGlobal":true,
            "usageCount":0,"currentMonthUsage":0,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z",
            "revision":1,"version":1,"expiresAt":"2026-03-31T00:00:00Z","rotationDue":"2026-03-20T00:00:00Z"}"#;
        let credential: Credential = serde_json::from_str(json).unwrap();
        let said = |now| at(&credential, Millis::parse(now).unwrap()).join(", ");
        assert_eq!(said("2026-03-01T00:00:00Z"), "");
        assert_eq!(said("2026-03-18T00:00:00Z"), "expires 2026-03-31");
        assert_eq!(said("2026-03-20T00:00:00Z"), "expires 2026-03-31, new key due since 2026-03-20");
        assert_eq!(said("2026-03-31T00:00:00Z"), "expired 2026-03-31, new key due since 2026-03-20");
        let frozen = Credential { frozen_at: Millis::parse("2026-02-01T00:00:00Z").ok(), ..credential };
        assert_eq!(at(&frozen, Millis::parse("2026-03-01T00:00:00Z").unwrap()), ["frozen 2026-02-01"]);
    }
}
