//! Why a channel could not be reached, in our words. Repeats no URL, which is a secret.

use std::error::Error as StdError;
use std::iter::successors;

use crate::endpoint_guard::{GuardedClient, Refusal};

pub(super) fn explain(error: &reqwest::Error, client: &GuardedClient) -> String {
    let first: &(dyn StdError + 'static) = error;
    let mut causes = successors(Some(first), |&error| match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    });
    if let Some(refusal) = causes.find_map(|cause| cause.downcast_ref::<Refusal>()) {
        return format!(
            "not called: its host leads to {}; a private address has to be listed in STRONGROOM_ALERT_ALLOW",
            refusal.class
        );
    }
    if error.is_dns() {
        return "its host name cannot be resolved (DNS)".to_owned();
    }
    if error.is_timeout() {
        return format!("no answer within {} s", client.timeout().as_secs());
    }
    if error.is_connect() {
        return "no connection: the host cannot be reached, or does not speak TLS that is trusted".to_owned();
    }
    "the connection broke before there was an answer".to_owned()
}
