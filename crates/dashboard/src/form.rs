//! Forms: what each carries, and the proof that a change takes where other programs may have the session's cookie.

use maud::{Markup, html};

use crate::{Viewer, text};

/// The name of the field that says for which session a form was made.
pub const TOKEN_FIELD: &str = "form";
/// The name of the field with a token or a fresh code.
pub const PROOF_FIELD: &str = "proof";

/// The field that every form of a session carries.
pub(crate) fn token(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name=(TOKEN_FIELD) value=(viewer.form_token); }
}

/// A change that a page offers.
pub(crate) struct Change<'a> {
    /// The path that it is posted to.
    pub(crate) action: &'a str,
    /// The verb on the button.
    pub(crate) verb: &'a str,
    /// The object of the verb, for those who hear the button alone.
    pub(crate) object: &'a str,
    /// The consequence, and the way back.
    pub(crate) consequence: &'a str,
    /// Set when it takes something away.
    pub(crate) is_dangerous: bool,
}

/// The form of a change: closed until somebody opens it, so that no click changes anything by itself.
pub(crate) fn change(viewer: &Viewer, change: &Change<'_>) -> Markup {
    let class = if change.is_dangerous { "danger" } else { "main" };
    html! {
        details.change {
            summary { (change.verb) span.heard { " " (text::visible(change.object)) } }
            form method="post" action=(change.action) {
                (token(viewer))
                p { (change.consequence) }
                (proof(viewer))
                button class=(class) type="submit" { (change.verb) span.heard { " " (text::visible(change.object)) } }
            }
        }
    }
}

/// The field for a token or a fresh code, where the session alone is not enough.
pub(crate) fn proof(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.is_shared {
            label.field {
                span { "Your token, or a fresh code from " code { "strongroom open --print" } }
                input type="password" name=(PROOF_FIELD) required autocomplete="off" spellcheck="false";
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Role;

    use super::*;

    #[test]
    fn a_change_names_its_object_as_text_and_asks_for_a_proof_where_one_is_needed() {
        let change_of = |is_shared| {
            let viewer =
                Viewer { who: "user:1".into(), role: Role::Admin, form_token: "0123".into(), is_shared };
            let object = "<b>\u{202e}";
            let it =
                Change { action: "/x", verb: "Revoke", object, consequence: "It ends.", is_dangerous: true };
            change(&viewer, &it).into_string()
        };
        assert!(!change_of(false).contains("<b>") && !change_of(false).contains('\u{202e}'));
        assert!(change_of(false).contains("value=\"0123\"") && !change_of(false).contains(PROOF_FIELD));
        assert!(change_of(true).contains("name=\"proof\" required"));
    }
}
