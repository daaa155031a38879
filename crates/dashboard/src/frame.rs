//! The frame of every page: navigation, who is signed in, and the words around a page's own content.

use maud::{DOCTYPE, Markup, html};
use strongroom_model::{Actor, Role};

use crate::{asset, form, text};

/// Somebody who looks at a page.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The holder of the session, as the audit trail calls it.
    pub who: String,
    /// The holder's role.
    pub role: Role,
    /// The token that every form of the session carries.
    pub form_token: String,
    /// Set when every change takes a proof of its own.
    pub is_shared: bool,
}

impl Viewer {
    /// Somebody who is signed in.
    #[must_use]
    pub fn new(actor: &Actor, form_token: String, is_shared: bool) -> Self {
        Self { who: actor.label(), role: actor.role, form_token, is_shared }
    }

    /// Tells whether forms that change something are there at all.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// A page of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Spend and calls, and anything that is wrong.
    Overview,
    /// Which keys there are, and in what state.
    Credentials,
    /// Limits by how much is left.
    Limits,
    /// Which programs may what.
    Tokens,
    /// The audit trail.
    Audit,
    /// Sessions in browsers.
    Sessions,
    /// The viewer's own usage.
    Mine,
}

impl Place {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Credentials,
        Self::Limits,
        Self::Tokens,
        Self::Audit,
        Self::Mine,
        Self::Sessions,
    ];

    /// The path under which it is served.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/dashboard",
            Self::Credentials => "/dashboard/credentials",
            Self::Limits => "/dashboard/limits",
            Self::Tokens => "/dashboard/tokens",
            Self::Audit => "/dashboard/audit",
            Self::Sessions => "/dashboard/sessions",
            Self::Mine => "/dashboard/mine",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Credentials => "Credentials",
            Self::Limits => "Limits",
            Self::Tokens => "Tokens",
            Self::Audit => "Audit",
            Self::Sessions => "Sessions",
            Self::Mine => "My usage",
        }
    }

    /// Tells whether this role sees it. What a role may not see is in no navigation.
    #[must_use]
    pub const fn is_for(self, role: Role) -> bool {
        matches!(self, Self::Mine | Self::Sessions) || matches!(role, Role::Admin | Role::Auditor)
    }

    /// The first page of a role.
    #[must_use]
    pub fn first_of(role: Role) -> Self {
        if Self::Overview.is_for(role) { Self::Overview } else { Self::Mine }
    }
}

fn head(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        title { (text::visible(title)) " · strongroom" }
        link rel="stylesheet" href=(asset::style().path());
        link rel="icon" href=(asset::icon().path()) type="image/svg+xml";
    }
}

/// A whole page for somebody who is signed in.
pub(crate) fn page(
    viewer: &Viewer,
    here: Option<Place>,
    title: &str,
    beside: &Markup,
    body: &Markup,
) -> String {
    let places = Place::ALL.into_iter().filter(|place| place.is_for(viewer.role));
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(title)) }
            body {
                a.skip href="#main" { "Skip to content" }
                div.shell {
                    header.side {
                        a.brand href=(Place::first_of(viewer.role).path()) { "strongroom" }
                        nav aria-label="Main" {
                            ul {
                                @for place in places {
                                    li { a href=(place.path()) aria-current=[(here == Some(place)).then_some("page")] { (place.name()) } }
                                }
                            }
                        }
                        div.who {
                            p { (text::name(&viewer.who)) span.soft { (viewer.role.as_str()) @if viewer.is_shared { ", reading only" } } }
                            form method="post" action="/logout" {
                                (form::token(viewer))
                                button.quiet type="submit" { "Sign out" }
                            }
                        }
                    }
                    main id="main" {
                        div.head { h1 { (text::name(title)) } (beside) }
                        (body)
                    }
                }
            }
        }
    }
    .into_string()
}

/// A whole page for somebody who is not signed in yet.
pub(crate) fn bare(title: &str, script: Option<&asset::Asset>, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (head(title))
                @if let Some(script) = script { script src=(script.path()) type="module" {} }
            }
            body.bare {
                main id="main" {
                    p.brand { "strongroom" }
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_no_way_to_what_it_may_not_see() {
        let shown = |role| {
            let viewer = Viewer { who: "user:1".into(), role, form_token: "f".into(), is_shared: false };
            page(&viewer, None, "x", &html! {}, &html! {})
        };
        for role in Role::ALL {
            let page = shown(role);
            for place in Place::ALL {
                let link = format!("href=\"{}\"", place.path());
                assert_eq!(page.contains(&link), place.is_for(role), "{role:?} {place:?}");
            }
        }
        assert!(!Place::Audit.is_for(Role::Reader) && Place::Audit.is_for(Role::Auditor));
    }

    #[test]
    fn titles_and_names_are_text() {
        let who = "local:<script>alert(1)</script>".to_owned();
        let viewer = Viewer { who, role: Role::Admin, form_token: "\"><b>".into(), is_shared: true };
        let page = page(&viewer, Some(Place::Overview), "</title><script>", &html! {}, &html! {});
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    }
}
