//! Whether somebody is shown keys from where they never were: a network, a browser, or many within minutes.

use std::net::IpAddr;

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::{Actor, ActorKind, Problem, Secret};
use strongroom_store::alert::incident::Subject;
use strongroom_store::reveal_place;

use crate::custody::Custody;
use crate::event::{Seen, note_event};

/// What was not seen for so long is new.
const KNOWN_DAYS: i64 = 90;
/// Keys that somebody may be shown within ten minutes without that being told.
const MAX_KEYS: i64 = 5;
const MANY_SECONDS: i64 = 600;

/// The network that an address is in: /24, or /56 of IPv6.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
        Err(_) => "unknown".to_owned(),
    }
}

/// Who is shown keys, as messages name them.
fn subject(actor: &Actor) -> Subject {
    match &actor.kind {
        ActorKind::Token(id) => Subject::of("token", id),
        ActorKind::User(id) => Subject::of("user", id.0),
        ActorKind::Local(_) | ActorKind::Library | ActorKind::System => Subject::of("actor", actor.label()),
    }
}

/// Notes from where somebody was shown a key, and has people told of what is new.
pub(super) async fn note_place(custody: &Custody, actor: &Actor, agent: Option<&str>) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    let who = actor.label();
    let since = now.plus_seconds(-KNOWN_DAYS * 86_400);
    let network = network(actor.remote_address.as_deref().unwrap_or_default());
    // As a digest: what a browser calls itself is a caller's text.
    let agent = custody.keyring().fingerprint(&Secret::from(agent.unwrap_or_default())).value;
    let mut new = Vec::new();
    for (mark, kind, value) in [(1, "network", network), (2, "agent", agent)] {
        if !reveal_place::note(&mut tx, &who, kind, &value, since, now).await? {
            new.push(mark);
        }
    }
    reveal_place::note(&mut tx, &who, "time", &random::uid().to_string(), since, now).await?;
    let many = reveal_place::count(&mut tx, &who, "time", now.plus_seconds(-MANY_SECONDS)).await?;
    // Told as the bound is passed; who goes on is told of once.
    if many == MAX_KEYS + 1 {
        new.push(3);
    }
    // A new browser in a new network is one message.
    if new.starts_with(&[1, 2]) {
        new.remove(1);
    }
    for mark in new {
        let seen = Seen::of(Rule::RevealNewAddress, Level::High, subject(actor));
        note_event(custody, &mut tx, Seen { mark, ..seen }, now).await?;
    }
    reveal_place::forget(&mut tx, since).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_place() {
        for (address, of) in [
            ("203.0.113.9", "203.0.113.0/24"),
            ("::ffff:203.0.113.200", "203.0.113.0/24"),
            ("2001:db8:1:23ff::1", "2001:db8:1:2300::/56"),
            ("2001:db8:1:2345::9", "2001:db8:1:2300::/56"),
            ("", "unknown"),
        ] {
            assert_eq!(network(address), of, "{address}");
        }
    }
}
