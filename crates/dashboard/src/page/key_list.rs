//! Keys and rotation: is what is sealed safe?

use maud::{Markup, html};
use strongroom::key::{DataKeyState, KeyStatus};
use strongroom_model::Millis;

use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct KeyList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// How the keys stand.
    pub status: &'a KeyStatus,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the forms.
    pub once: &'a str,
}

impl KeyList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let status = self.status;
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            section.card id="next" {
                h2 { "What to do next" }
                @if status.next.is_empty() { p.empty { "Nothing. The master key only wraps; the keys that seal are kept in the database, wrapped under it." } }
                @else { ol.steps { @for step in &status.next { li { (text::visible(step)) } } } }
            }
            (self.rotation())
            section.card id="masters" { h2 { "Master keys" } (self.masters()) }
            section.card id="keys" { h2 { "Keys in the database" } (self.keys()) }
            section.card id="holders" { h2 { "Processes that have the database open" } (self.holders()) }
            @if self.viewer.is_admin() { (self.actions()) }
            p.sub { "A backup is made by " code data-copy { "strongroom backup strongroom.backup" } ", and holds nothing that opens without the master key." }
        };
        frame::live_page(self.viewer, Some(Place::Keys), "Keys and rotation", "audit", &html! {}, &body)
    }

    fn rotation(&self) -> Markup {
        let Some(rotation) = &self.status.rotation else { return html! {} };
        html! {
            section.card id="rotation" {
                h2 { "The last replacement of the data key" }
                dl.facts {
                    dt { "State" } dd { @if rotation.is_open { (chip::chip(Mood::Warn, "under way")) } @else if rotation.broken > 0 { (chip::chip(Mood::Bad, "ended, not all opened")) } @else { (chip::chip(Mood::Good, "ended")) } }
                    dt { "Because" } dd { @match rotation.reason.as_str() { "asked" => "somebody asked for it", "age" => "the key was of age", "seals" => "it had sealed enough", other => (other) } }
                    dt { "Began" } dd { (figure::instant(rotation.started_at)) }
                    dt { "Ended" } dd { (figure::instant_or_dash(rotation.finished_at)) }
                    dt { "Sealed again" } dd { (chart::meter(rotation.texts.saturating_sub(rotation.left), rotation.texts, "the sealed texts")) " " (figure::count(rotation.texts.saturating_sub(rotation.left).max(0))) " of " (figure::count(rotation.texts)) }
                }
            }
        }
    }

    fn masters(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Master keys" { table {
                thead { tr { th scope="col" { "Fingerprint" } th scope="col" { "First seen" } th.n scope="col" { "Wraps" } th scope="col" { "State" } th scope="col" { "Needed by" } } }
                tbody { @for master in &self.status.masters { tr {
                    th scope="row" { code { (master.fingerprint) } }
                    td { (figure::instant(master.first_seen)) }
                    td.n { (master.wraps) }
                    td { @if master.is_first { (chip::chip(Mood::Good, "of this server")) } @else if master.can_go { (chip::chip(Mood::Warn, "can be retired")) } @else if master.is_held { (chip::chip(Mood::Plain, "held as well")) } @else { (chip::chip(Mood::Plain, "of others")) } }
                    td { @if master.needed_by.is_empty() { "–" } @else { (text::visible(&master.needed_by.join(", "))) } }
                } } }
            } }
        }
    }

    fn keys(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Keys in the database" { table {
                thead { tr { th scope="col" { "Purpose" } th scope="col" { "Key" } th scope="col" { "State" } th scope="col" { "Made" } th.n scope="col" { "Sealed with it" } th.n scope="col" { "Under it now" } } }
                tbody { @for key in &self.status.keys { tr {
                    th scope="row" { (text::visible(&key.row.purpose)) }
                    td { code { (text::visible(&key.row.id)) } }
                    td { @match key.state { DataKeyState::Current => (chip::chip(Mood::Good, "in use")), DataKeyState::Leaving => (chip::chip(Mood::Warn, "leaving")), DataKeyState::Retired => (chip::chip(Mood::Plain, "retired")) } }
                    td { (figure::instant(Millis(key.row.created_at_ms))) }
                    td.n { (figure::count(key.row.seal_count)) }
                    td.n { @match key.texts { Some(texts) => (figure::count(texts)), None => "–" } }
                } } }
            } }
        }
    }

    fn holders(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Processes" { table {
                thead { tr { th scope="col" { "Process" } th scope="col" { "Since" } th scope="col" { "Holds" } } }
                tbody { @for holder in &self.status.holders { tr {
                    th scope="row" { (text::visible(&holder.name())) }
                    td { (figure::instant(holder.started_at)) }
                    td { @for (number, master) in holder.masters.iter().enumerate() { @if number > 0 { " " } code { (master) } } }
                } } }
            } }
        }
    }

    fn actions(&self) -> Markup {
        let to = |verb: &str| format!("{}/{verb}", Place::Keys.path());
        let (rotate, master, retire) = (to("rotate"), to("rotate-master"), to("retire-master"));
        let rotate = Change {
            action: &rotate,
            verb: "Replace the data key",
            object: "",
            consequence: "A new key is in use at once, and everything is sealed again under it, beside the work of the server. Nothing is refused meanwhile.",
            is_dangerous: false,
        };
        let master = Change {
            action: &master,
            verb: "Wrap under the master key of this server",
            object: "",
            consequence: "Every key gets a wrap under the master key that this server was started with. Do it after you have started it with a new one; the old one works on.",
            is_dangerous: false,
        };
        let retire = Change {
            action: &retire,
            verb: "Retire older master keys",
            object: "",
            consequence: "What is wrapped under them goes, once every server holds the new one. Backups from before need the old key: keep it as long as you keep them.",
            is_dangerous: true,
        };
        html! {
            section.card { h2 { "Change them" } div.row.changes {
                (form::change_with(self.viewer, &rotate, &field::with(ONCE_FIELD, self.once)))
                (form::change(self.viewer, &master))
                @if self.status.masters.len() > 1 { (form::change(self.viewer, &retire)) }
            } }
        }
    }
}
