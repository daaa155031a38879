//! Settings: how is it set, and where does each value come from?

use maud::html;

use crate::frame::{self, Place, Viewer};
use crate::text;

/// A setting.
#[derive(Debug)]
pub struct SettingRow<'a> {
    /// `section.key`.
    pub name: &'a str,
    /// Its value; a secret is `set` or `unset`.
    pub value: &'a str,
    /// Where it comes from.
    pub source: &'a str,
}

/// The contents of the page.
#[derive(Debug)]
pub struct SettingsPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The version of the server.
    pub version: &'a str,
    /// The database: `sqlite` or `postgres`.
    pub database: &'a str,
    /// All settings, in the order of the reference.
    pub settings: &'a [SettingRow<'a>],
    /// Models of the last days without a price, with their uses.
    pub unpriced: &'a [(String, i64)],
}

impl SettingsPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            section.card {
                h2 { "The server" }
                dl.facts {
                    dt { "Version" } dd { (self.version) }
                    dt { "Database" } dd { (self.database) }
                    dt { "Sessions" } dd { a href=(Place::Sessions.path()) { "who is signed in, and how pages look" } }
                    dt { "First steps" } dd { a href="/dashboard/start" { "from nothing to the first call" } }
                }
            }
            section.card {
                h2 { "Models without a price, 30 days" }
                @if self.unpriced.is_empty() { p.empty { "Every use of these days has a price." } }
                @else {
                    ul.rows { @for (model, uses) in self.unpriced { li { div { (text::name(model)) } span.soft { (crate::figure::count(*uses)) " uses" } } } }
                    p.sub { "Their prices go into the file that " code { "usage.prices_file" } " names; " code data-copy { "strongroom usage reprice --from 30d" } " then prices what was used." }
                }
            }
            section.card {
                h2 { "Effective configuration" }
                p.sub { "Set by flags, the environment, " code { ".env" } ", " code { "strongroom.toml" } " or a default, the first that says something. Changed there, and read at the next start. Secrets are never shown." }
                div.scroll tabindex="0" role="region" aria-label="Configuration" { table {
                    thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
                    tbody { @for setting in self.settings { tr {
                        th scope="row" { code { (setting.name) } }
                        td { span.value { (text::visible(setting.value)) } }
                        td { @if setting.source == "default" { span.soft { "default" } } @else { (text::visible(setting.source)) } }
                    } } }
                } }
            }
        };
        frame::page(self.viewer, Some(Place::Settings), "Settings", &html! {}, &body)
    }
}
