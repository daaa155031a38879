//! One older version: to go back to it, or to erase it.

use maud::html;
use strongroom::Credential;
use strongroom_model::version::Version;

use super::credential::path;
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct VersionPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The credential.
    pub credential: &'a Credential,
    /// The version.
    pub version: &'a Version,
    /// The identity of the form.
    pub once: &'a str,
}

impl VersionPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let (one, version) = (self.credential, self.version);
        let to = format!("{}/versions/{}", path(one.id), version.number);
        let object = format!("version {} of {}", version.number, one.name);
        let (back, destroy) = (format!("{to}/roll-back"), format!("{to}/destroy"));
        let back = Change {
            action: &back,
            verb: "Roll back",
            object: &object,
            consequence: "Its values come into use again, as a new version; this one stays. Calls under way end with the key that they began with.",
            is_dangerous: false,
        };
        let destroy = Change {
            action: &destroy,
            verb: "Destroy",
            object: &object,
            consequence: "Its values are erased, for good: there is no way back. Its number and what is known of it stay. Type the name of the credential.",
            is_dangerous: true,
        };
        let title = format!("Version {} of {}", version.number, one.name);
        let is_gone = version.erased.is_some() || version.uid == one.version;
        let body = html! {
            section.card {
                dl.facts {
                    dt { "Credential" } dd { a href={ (path(one.id)) "?tab=versions" } { (text::name(&one.name)) } }
                    dt { "Made" } dd { (figure::instant(version.created_at)) " by " (text::name(&version.created_by)) }
                    dt { "In use" } dd { (figure::instant_or_dash(version.activated_at)) }
                    dt { "Replaced" } dd { (figure::instant_or_dash(version.replaced_at)) }
                }
                @if is_gone { p.empty { "It is in use, or its values are gone: there is nothing to be done to it." } }
                @else if self.viewer.is_admin() {
                    div.row.changes {
                        (form::change_with(self.viewer, &back, &field::with(ONCE_FIELD, self.once)))
                        (form::change_with(self.viewer, &destroy, &field::empty("confirm")))
                    }
                }
            }
        };
        frame::page(self.viewer, Some(Place::Credentials), &title, &html! {}, &body)
    }
}
