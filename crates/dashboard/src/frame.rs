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
    /// How pages look to this viewer.
    pub display: Display,
}

/// How pages look to somebody, and whether single letters do something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Display {
    /// Light or dark, whatever the browser says.
    pub theme: Option<Theme>,
    /// Set when single letters do nothing (WCAG 2.1.4).
    pub without_letters: bool,
}

/// One of the two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Its name in the cookie, the form and the page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Display {
    /// Reads what [`Display::to_text`] wrote; anything else is the default.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut parts = text.split('.');
        let theme = match parts.next() {
            Some("light") => Some(Theme::Light),
            Some("dark") => Some(Theme::Dark),
            _ => None,
        };
        Self { theme, without_letters: parts.next() == Some("off") }
    }

    /// The text in the cookie.
    #[must_use]
    pub fn to_text(self) -> String {
        let theme = self.theme.map_or("system", Theme::as_str);
        format!("{theme}.{}", if self.without_letters { "off" } else { "on" })
    }
}

impl Viewer {
    /// Somebody who is signed in.
    #[must_use]
    pub fn new(actor: &Actor, form_token: String, is_shared: bool) -> Self {
        Self { who: actor.label(), role: actor.role, form_token, is_shared, display: Display::default() }
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
    /// Who uses what, when, of which model.
    Usage,
    /// Limits by how much is left.
    Limits,
    /// Which programs may what.
    Tokens,
    /// People and services known by a number.
    Users,
    /// What needs somebody.
    Alerts,
    /// The audit trail.
    Audit,
    /// The keys that seal.
    Keys,
    /// How the server is set.
    Settings,
    /// Sessions in browsers.
    Sessions,
    /// The viewer's own usage.
    Mine,
}

impl Place {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 12] = [
        Self::Overview,
        Self::Credentials,
        Self::Usage,
        Self::Limits,
        Self::Tokens,
        Self::Users,
        Self::Alerts,
        Self::Audit,
        Self::Keys,
        Self::Settings,
        Self::Mine,
        Self::Sessions,
    ];

    /// The path under which it is served.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/dashboard",
            Self::Credentials => "/dashboard/credentials",
            Self::Usage => "/dashboard/usage",
            Self::Users => "/dashboard/users",
            Self::Keys => "/dashboard/keys",
            Self::Settings => "/dashboard/settings",
            Self::Limits => "/dashboard/limits",
            Self::Tokens => "/dashboard/tokens",
            Self::Alerts => "/dashboard/alerts",
            Self::Audit => "/dashboard/audit",
            Self::Sessions => "/dashboard/sessions",
            Self::Mine => "/dashboard/mine",
        }
    }

    /// Its name in the navigation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Credentials => "Credentials",
            Self::Usage => "Usage",
            Self::Users => "Users",
            Self::Keys => "Keys",
            Self::Settings => "Settings",
            Self::Limits => "Limits",
            Self::Tokens => "Tokens",
            Self::Alerts => "Alerts",
            Self::Audit => "Audit",
            Self::Sessions => "Sessions and display",
            Self::Mine => "My usage",
        }
    }

    /// The letter that leads to it, behind a `g`.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Credentials => "c",
            Self::Usage => "u",
            Self::Limits => "l",
            Self::Tokens => "t",
            Self::Users => "p",
            Self::Alerts => "i",
            Self::Audit => "a",
            Self::Keys => "k",
            Self::Settings => "s",
            Self::Mine => "m",
            Self::Sessions => "d",
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
    live_page(viewer, here, title, "", beside, body)
}

/// A page whose parts are fetched again when one of these kinds of things has moved, named by words with a space between.
pub(crate) fn live_page(
    viewer: &Viewer,
    here: Option<Place>,
    title: &str,
    live: &str,
    beside: &Markup,
    body: &Markup,
) -> String {
    let places = Place::ALL.into_iter().filter(|place| place.is_for(viewer.role));
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[viewer.display.theme.map(Theme::as_str)] {
            head { (head(title)) script src=(asset::script().path()) type="module" {} }
            body data-letters=[viewer.display.without_letters.then_some("off")] data-find=[(viewer.role != Role::Gateway).then_some("/dashboard/find")] {
                a.skip href="#main" { "Skip to content" }
                div.shell {
                    header.side {
                        a.brand href=(Place::first_of(viewer.role).path()) { "strongroom" }
                        nav aria-label="Main" {
                            ul {
                                @for place in places {
                                    li { a href=(place.path()) data-letter=(place.letter()) aria-current=[(here == Some(place)).then_some("page")] { (place.name()) } }
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
                    main id="main" data-live=[(!live.is_empty()).then_some(live)] {
                        div.head id="head" { h1 { (text::name(title)) } (beside) }
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
            let viewer = Viewer {
                who: "user:1".into(),
                role,
                form_token: "f".into(),
                is_shared: false,
                display: Display::default(),
            };
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
    fn what_a_display_is_reads_back_and_anything_else_is_the_default() {
        for theme in [None, Some(Theme::Light), Some(Theme::Dark)] {
            for without_letters in [false, true] {
                let display = Display { theme, without_letters };
                assert_eq!(Display::from_text(&display.to_text()), display);
            }
        }
        assert_eq!(Display::from_text("\"><b>"), Display::default());
        let letters: std::collections::BTreeSet<_> = Place::ALL.iter().map(|place| place.letter()).collect();
        assert_eq!(letters.len(), Place::ALL.len());
    }

    #[test]
    fn titles_and_names_are_text() {
        let who = "local:<script>alert(1)</script>".to_owned();
        let display = Display::default();
        let viewer = Viewer { who, role: Role::Admin, form_token: "\"><b>".into(), is_shared: true, display };
        let page = page(&viewer, Some(Place::Overview), "</title><script>", &html! {}, &html! {});
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "the script of all pages, by its address: {page}");
    }
}
