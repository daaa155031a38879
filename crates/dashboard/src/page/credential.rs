//! One credential: can it be trusted, and who uses it?

mod action;
mod health;
mod tab;

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::credential::Comparison;
use strongroom::health::{Cooldown, SeenTransition};
use strongroom::leak::Access;
use strongroom::limit::Standing;
use strongroom::usage::SeriesReport;
use strongroom_model::audit::Entry;
use strongroom_model::version::Version;
use strongroom_model::{CredentialId, Millis};

use crate::frame::{self, Place, Viewer};
use crate::range::{Range, Slots};
use crate::{chip, figure, text};

/// The path of a credential's page.
#[must_use]
pub fn path(id: CredentialId) -> String {
    format!("{}/{id}", Place::Credentials.path())
}

/// The parts of the page, of which one is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What was done with it.
    #[default]
    Usage,
    /// Its versions, side by side.
    Versions,
    /// The limits that bind it.
    Limits,
    /// Who reaches it, and why.
    Access,
    /// What its provider said of it.
    Health,
    /// What was done to it.
    Audit,
}

impl Tab {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Usage, Self::Versions, Self::Limits, Self::Access, Self::Health, Self::Audit];

    /// The name in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Versions => "versions",
            Self::Limits => "limits",
            Self::Access => "access",
            Self::Health => "health",
            Self::Audit => "audit",
        }
    }

    /// The tab of this name; the first one for any other.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.as_str() == name).unwrap_or_default()
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::Versions => "Versions",
            Self::Limits => "Limits",
            Self::Access => "Access",
            Self::Health => "Health",
            Self::Audit => "Audit",
        }
    }
}

/// Sums of its use, split in the ways that are shown.
#[derive(Debug)]
pub struct UsageTab {
    /// By model.
    pub by_model: SeriesReport,
    /// By whoever used it; `None` by the hour, which is kept in one.
    pub by_actor: Option<SeriesReport>,
    /// The range, as it was asked for.
    pub range: Range,
    /// Its slots.
    pub slots: Slots,
    /// The reason why it is another one than was asked for.
    pub problem: Option<String>,
}

/// The contents of the tab that is shown.
#[derive(Debug)]
pub enum Inside<'a> {
    /// What was done with it.
    Usage(&'a UsageTab),
    /// All versions, the newest first, sums of each, and two of them compared.
    Versions(&'a [Version], &'a SeriesReport, Option<&'a Comparison>),
    /// The limits that bind it.
    Limits(&'a [&'a Standing]),
    /// Who reaches it.
    Access(&'a Access),
    /// What became of its health, the newest change first, and its versions.
    Health(&'a [SeenTransition], &'a [Version]),
    /// The last entries of the trail about it.
    Audit(&'a [Entry]),
}

impl Inside<'_> {
    const fn tab(&self) -> Tab {
        match self {
            Self::Usage(_) => Tab::Usage,
            Self::Versions(..) => Tab::Versions,
            Self::Limits(_) => Tab::Limits,
            Self::Access(_) => Tab::Access,
            Self::Health(..) => Tab::Health,
            Self::Audit(_) => Tab::Audit,
        }
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct CredentialPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The credential.
    pub credential: &'a Credential,
    /// What its provider says of its key, as whichever server has heard it.
    pub cooldown: Option<Cooldown>,
    /// The tab that is shown.
    pub inside: Inside<'a>,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the forms of this page.
    pub once: &'a str,
    /// The name of a change whose form is open from the start.
    pub open: &'a str,
}

impl CredentialPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let one = self.credential;
        let state = chip::of_credential(one, self.cooldown, self.now);
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            (self.facts())
            nav.tabs aria-label="Parts" { ul { @for tab in Tab::ALL {
                li { a href={ (path(one.id)) "?tab=" (tab.as_str()) } aria-current=[(tab == self.inside.tab()).then_some("page")] { (tab.words()) } }
            } } }
            @match &self.inside {
                Inside::Usage(usage) => (self.usage(usage)),
                Inside::Versions(versions, used, compared) => (self.versions(versions, used, *compared)),
                Inside::Limits(limits) => (self.limits(limits)),
                Inside::Access(access) => (self.access(access)),
                Inside::Health(changes, versions) => (self.health(changes, versions)),
                Inside::Audit(entries) => (self.audit(entries)),
            }
            (self.more_actions())
        };
        let beside = html! { div.row { (state) (self.actions()) } };
        frame::live_page(
            self.viewer,
            Some(Place::Credentials),
            &one.name,
            "credentials usage limits",
            &beside,
            &body,
        )
    }

    fn facts(&self) -> Markup {
        let one = self.credential;
        html! {
            section.card id="facts" {
                h2 { "Facts" }
                dl.facts.columns {
                    div { dt { "Provider" } dd { (text::name(one.provider.as_str())) } }
                    div { dt { "Address" } dd { @match &one.endpoint { Some(endpoint) => (text::name(endpoint)), None => "the provider's own" } } }
                    div { dt { "Version in use" } dd { (one.version_number) ", since " (figure::instant(one.version_since)) } }
                    @if let Some(staged) = one.staged { div { dt { "Staged" } dd { "version " (staged.number) ", " (staged.percent) " % of calls" } } }
                    div { dt { "Reach" } dd { @if one.is_global { "everybody" } @else if let Some(user) = one.user { "user " (user) } @else { "nobody" } } }
                    div { dt { "Priority" } dd { (one.priority) } }
                    div { dt { "Uses" } dd { (figure::count(one.usage_count)) ", " (figure::count(one.current_month_usage)) " this month" } }
                    div { dt { "Last used" } dd { (figure::instant_or_dash(one.last_used)) } }
                    div { dt { "Expires" } dd { (figure::instant_or_dash(one.expires_at)) } }
                    div { dt { "Rotation due" } dd { (figure::instant_or_dash(one.rotation_due())) } }
                    @if let Some(at) = one.frozen_at { div { dt { "Frozen" } dd { "since " (figure::instant(at)) } } }
                    div { dt { "Booked to" } dd { (tags(one)) } }
                    @if let Some(cooldown) = self.cooldown { div { dt { "Its provider says" } dd { (health::says(cooldown)) } } }
                }
            }
        }
    }
}

/// The tags that uses of a credential are booked to.
pub(super) fn tags(one: &Credential) -> Markup {
    let pairs = one.tags.pairs();
    html! {
        @if pairs.is_empty() { "–" }
        @for (number, (key, value)) in pairs.iter().enumerate() {
            @if number > 0 { ", " }
            (text::name(&format!("{key}={value}")))
        }
    }
}
