//! Forms: what each carries, and the proof that a change takes where other programs may have the session's cookie.

pub(crate) mod field;

use maud::{Markup, html};

use crate::{Viewer, text};

/// The name of the field that says for which session a form was made.
pub const TOKEN_FIELD: &str = "form";
/// The name of the field with a token or a fresh code.
pub const PROOF_FIELD: &str = "proof";
/// The name of the field by which a form is known when it is sent twice.
pub const ONCE_FIELD: &str = "once";

/// Tells whether a field of this name holds a secret, which is typed again and never sent back.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    name == PROOF_FIELD || field::find(name).is_some_and(|field| field.kind == field::Kind::Secret)
}

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
pub(crate) fn change(viewer: &Viewer, it: &Change<'_>) -> Markup {
    change_with(viewer, it, &html! {})
}

/// The same with fields to fill in.
pub(crate) fn change_with(viewer: &Viewer, it: &Change<'_>, fields: &Markup) -> Markup {
    offered(viewer, it, fields, false)
}

/// The same, open from the start where somebody has asked for it.
pub(crate) fn offered(viewer: &Viewer, it: &Change<'_>, fields: &Markup, is_open: bool) -> Markup {
    html! {
        details.change open[is_open] {
            summary { (it.verb) span.heard { " " (text::visible(it.object)) } }
            (open(viewer, it, fields))
        }
    }
}

/// The form itself, open.
pub(crate) fn open(viewer: &Viewer, change: &Change<'_>, fields: &Markup) -> Markup {
    let class = if change.is_dangerous { "danger" } else { "main" };
    html! {
        form.fields method="post" action=(change.action) {
            (token(viewer))
            p { (change.consequence) }
            (fields)
            (proof(viewer))
            button class=(class) type="submit" { (change.verb) span.heard { " " (text::visible(change.object)) } }
        }
    }
}

/// The field for a token or a fresh code, where the session alone is not enough.
pub(crate) fn proof(viewer: &Viewer) -> Markup {
    html! { @if viewer.is_shared { (proof_field()) } }
}

fn proof_field() -> Markup {
    html! {
        label.field {
            span { "Your token, or a fresh code from " code { "strongroom open --print" } }
            input type="password" name=(PROOF_FIELD) required autocomplete="off" spellcheck="false";
        }
    }
}

/// A form that came to nothing, to be sent again: nothing that was typed is lost but what is secret.
#[derive(Debug)]
pub struct Resend<'a> {
    /// The path that it was posted to.
    pub action: &'a str,
    /// Its fields, without those of the session.
    pub fields: Vec<(String, String)>,
    /// Set when it was refused for want of a proof.
    pub needs_proof: bool,
}

impl Resend<'_> {
    /// The form with everything in it. Without a viewer it is sent without the token of a session, and asked about again.
    pub(crate) fn render(&self, viewer: Option<&Viewer>) -> Markup {
        let known = self.fields.iter().filter_map(|(name, value)| Some((field::find(name)?, value)));
        let known: Vec<_> = known.collect();
        let has_secret = known.iter().any(|(field, _)| field.kind == field::Kind::Secret);
        html! {
            form.fields method="post" action=(self.action) {
                @if let Some(viewer) = viewer { (token(viewer)) }
                @for (field, value) in &known { (field::filled(field, value)) }
                @if has_secret { p.sub { "Secrets are not sent back to you: type them again." } }
                @if viewer.is_some_and(|viewer| viewer.is_shared || self.needs_proof) { (proof_field()) }
                button.main type="submit" { "Send it again" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Role;

    use super::*;

    fn viewer(is_shared: bool) -> Viewer {
        let display = crate::frame::Display::default();
        Viewer { who: "user:1".into(), role: Role::Admin, form_token: "0123".into(), is_shared, display }
    }

    #[test]
    fn a_change_names_its_object_as_text_and_asks_for_a_proof_where_one_is_needed() {
        let change_of = |is_shared| {
            let object = "<b>\u{202e}";
            let it =
                Change { action: "/x", verb: "Revoke", object, consequence: "It ends.", is_dangerous: true };
            change(&viewer(is_shared), &it).into_string()
        };
        assert!(!change_of(false).contains("<b>") && !change_of(false).contains('\u{202e}'));
        assert!(change_of(false).contains("value=\"0123\"") && !change_of(false).contains(PROOF_FIELD));
        assert!(change_of(true).contains("name=\"proof\" required"));
    }

    #[test]
    fn a_form_comes_back_with_everything_but_secrets() {
        let fields = [("name", "<b>a"), ("api_key", "sk-planted"), ("once", "7"), ("unknown", "x")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let again = Resend { action: "/x", fields, needs_proof: false };
        let shown = again.render(Some(&viewer(true))).into_string();
        assert!(
            shown.contains("&lt;b&gt;a") && shown.contains("value=\"7\"") && shown.contains("0123"),
            "{shown}"
        );
        assert!(!shown.contains("sk-planted") && !shown.contains("unknown"), "{shown}");
        assert!(!again.render(None).into_string().contains("name=\"form\""));
        assert!(is_secret("api_key") && is_secret(PROOF_FIELD) && !is_secret("name"));
    }
}
