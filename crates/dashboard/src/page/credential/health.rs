//! What a credential's provider says of its key, since when, and what became of that.

use maud::{Markup, html};
use strongroom::health::{Cooldown, SeenTransition};
use strongroom_model::Millis;
use strongroom_model::version::Version;

use super::CredentialPage;
use crate::chip::{self, of_health};
use crate::figure;

/// The reason, since when, and what that means for calls.
pub(super) fn says(cooldown: Cooldown) -> Markup {
    let reason = cooldown.reason.as_str();
    let (_, _, sentence) = of_health(reason);
    html! {
        code { (reason) } ": " (sentence) ", since " (figure::instant(cooldown.since)) ", "
        @if cooldown.times == 1 { "once" } @else { (cooldown.times) " times in a row" }
    }
}

/// The servers that saw changes, by the beginning of their identities; nothing where it was always the same.
fn has_several_servers(changes: &[SeenTransition]) -> bool {
    changes.iter().any(|change| change.node_uid != changes[0].node_uid)
}

impl CredentialPage<'_> {
    pub(super) fn health(&self, changes: &[SeenTransition], versions: &[Version]) -> Markup {
        let is_of_several = has_several_servers(changes);
        let number = |uid: &str| {
            versions.iter().find(|version| version.uid.to_string() == uid).map(|version| version.number)
        };
        html! {
            section.card id="health" {
                h2 { "What its provider says" }
                @match self.cooldown {
                    None => p { (chip::of_credential(self.credential, None, self.now)) " Nothing is known against the key: no server has been refused with it since it answered last." },
                    Some(cooldown) => {
                        p { (chip::of_credential(self.credential, Some(cooldown), self.now)) " " (says(cooldown)) "." }
                        p.sub { "Until " (figure::instant(cooldown.until)) " other credentials of its provider are tried before it; then its provider is asked again by itself." }
                    },
                }
                @let probed = versions.iter().find(|version| version.uid == self.credential.version).and_then(|version| version.probed.as_ref());
                @if let Some((outcome, at)) = probed { p.sub { "Asked about it on " (figure::instant(*at)) ", the provider answered " code { (outcome) } "." } }
            }
            section.card id="health-changes" {
                h2 { "What became of it" }
                @if changes.is_empty() { p.empty { "Nothing has changed in the last 90 days: the provider has accepted the key whenever it was used." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="What became of it" {
                        table {
                            thead { tr {
                                th scope="col" { "When (UTC)" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "The reason" } th.n scope="col" { "Version" } th.n scope="col" { "For" }
                                @if is_of_several { th scope="col" { "Seen by" } }
                            } }
                            tbody {
                                @for (place, change) in changes.iter().enumerate() {
                                    @let (from, to) = (of_health(&change.before), of_health(&change.state));
                                    @let until = changes[..place].iter().rev().find(|later| later.node_uid == change.node_uid).map_or(self.now.0, |later| later.at_ms);
                                    tr {
                                        th scope="row" { (figure::instant(Millis(change.at_ms))) }
                                        td { (chip::chip(from.0, from.1)) }
                                        td { (chip::chip(to.0, to.1)) }
                                        td { @if change.state == "healthy" { span.soft { "the provider accepts the key again" } } @else { code { (change.state) } span.soft { " " (to.2) } } }
                                        td.n { @match number(&change.version_uid) { Some(number) => (number), None => "–" } }
                                        td.n { (figure::span(until - change.at_ms)) }
                                        @if is_of_several { td { code { (change.node_uid.get(..8).unwrap_or(&change.node_uid)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
