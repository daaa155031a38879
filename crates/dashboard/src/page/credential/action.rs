//! What can be done to a credential, each in a form that says what will happen and what the way back is.

use maud::{Markup, html};

use super::{CredentialPage, path};
use crate::figure;
use crate::form::{self, Change, ONCE_FIELD, field};

impl CredentialPage<'_> {
    fn to(&self, verb: &str) -> String {
        format!("{}/{verb}", path(self.credential.id))
    }

    /// A change whose form is open where its name is asked for.
    fn offered(&self, name: &str, change: &Change<'_>, fields: &Markup) -> Markup {
        form::offered(self.viewer, change, fields, self.open == name)
    }

    fn once(&self) -> Markup {
        field::with(ONCE_FIELD, self.once)
    }

    /// Beside the title: what is wanted in a hurry.
    pub(super) fn actions(&self) -> Markup {
        let one = self.credential;
        if !self.viewer.is_admin() {
            return html! {};
        }
        let frozen = one.frozen_at.is_some();
        let action = self.to(if frozen { "unfreeze" } else { "freeze" });
        let freeze = if frozen {
            Change {
                action: &action,
                verb: "Unfreeze",
                object: &one.name,
                consequence: "Its key is handed out and used again from the next call on.",
                is_dangerous: false,
            }
        } else {
            Change {
                action: &action,
                verb: "Freeze",
                object: &one.name,
                consequence: "Every call with its key is refused from the next one on, on every server. Nothing is deleted; you can unfreeze it here.",
                is_dangerous: true,
            }
        };
        let test = self.to("test");
        let test = Change {
            action: &test,
            verb: "Test",
            object: &one.name,
            consequence: "Its key is opened, and its provider is asked about it with a call that spends nothing. No use is counted.",
            is_dangerous: false,
        };
        html! {
            (self.offered("test", &test, &html! {}))
            (self.offered("freeze", &freeze, &html! {}))
            a.button href=(self.to("reveal")) { "Show the key" }
        }
    }

    /// Below everything: what is wanted with time.
    pub(super) fn more_actions(&self) -> Markup {
        if !self.viewer.is_admin() {
            return html! {};
        }
        html! {
            section.card {
                h2 { "Change it" }
                div.row.changes {
                    (self.stage_actions())
                    (self.rotate())
                    (self.facts_form())
                    (self.tags_form())
                    (self.minter())
                    (self.dates())
                    (self.activity())
                    (self.delete())
                }
            }
        }
    }

    fn stage_actions(&self) -> Markup {
        let one = self.credential;
        let Some(staged) = one.staged else {
            let action = self.to("stage");
            let stage = Change {
                action: &action,
                verb: "Stage a new key",
                object: &one.name,
                consequence: "The key is sealed and waits. Nobody is served from it until you send calls to it or promote it.",
                is_dangerous: false,
            };
            let fields = html! { (self.once()) (field::empty("api_key")) (field::empty("api_secret")) };
            return self.offered("stage", &stage, &fields);
        };
        let (canary, promote, abort) = (self.to("canary"), self.to("promote"), self.to("abort"));
        let number = format!("version {}", staged.number);
        let canary = Change {
            action: &canary,
            verb: "Send calls to it",
            object: &number,
            consequence: "So many of a hundred calls through the gateway use the staged key. It is taken back by itself when its provider refuses too many. 0 sends none.",
            is_dangerous: false,
        };
        let promote = Change {
            action: &promote,
            verb: "Promote",
            object: &number,
            consequence: "The staged key comes into use at once. Calls under way end with the old one, which stays sealed: you can roll back.",
            is_dangerous: false,
        };
        let abort = Change {
            action: &abort,
            verb: "Abort",
            object: &number,
            consequence: "The staged key is taken back. The one in use stays in use.",
            is_dangerous: true,
        };
        html! {
            (form::change_with(self.viewer, &canary, &html! { (field::with("percent", &staged.percent.max(5).to_string())) (field::empty("skip_test")) }))
            (form::change_with(self.viewer, &promote, &field::empty("skip_test")))
            (form::change(self.viewer, &abort))
        }
    }

    fn rotate(&self) -> Markup {
        let one = self.credential;
        if one.minter.is_none() || one.staged.is_some() {
            return html! {};
        }
        let action = self.to("rotate");
        let rotate = Change {
            action: &action,
            verb: "Rotate",
            object: &one.name,
            consequence: "The provider makes a new key, which is asked about and comes into use. The old one is revoked a day after no call uses it any more.",
            is_dangerous: false,
        };
        self.offered("rotate", &rotate, &self.once())
    }

    fn facts_form(&self) -> Markup {
        let one = self.credential;
        let action = self.to("facts");
        let change = Change {
            action: &action,
            verb: "Change its facts",
            object: &one.name,
            consequence: "Programs that ask by its name have to be told a new one. With another address its key is sealed again, bound to that.",
            is_dangerous: false,
        };
        let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
        let fields = html! {
            (self.revision())
            (field::with("name", &one.name))
            (field::with("endpoint", one.endpoint.as_deref().unwrap_or_default()))
            (field::with("priority", &one.priority.to_string()))
            (field::with("rate_limit", &number(one.rate_limit)))
            (field::with("user", &number(one.user.filter(|_| !one.is_global).map(|user| user.0))))
        };
        form::change_with(self.viewer, &change, &fields)
    }

    fn tags_form(&self) -> Markup {
        let one = self.credential;
        let action = self.to("tags");
        let change = Change {
            action: &action,
            verb: "Change its tags",
            object: &one.name,
            consequence: "Uses of its key are booked to them from now on, where the call and its token say nothing else. They confer nothing. Empty is none.",
            is_dangerous: false,
        };
        let pairs = one.tags.pairs().iter().map(|(key, value)| format!("{key}={value}"));
        let fields = html! { (self.revision()) (field::with("tags", &pairs.collect::<Vec<_>>().join(", "))) };
        self.offered("tags", &change, &fields)
    }

    fn minter(&self) -> Markup {
        let one = self.credential;
        let action = self.to("minter");
        let change = Change {
            action: &action,
            verb: "Set how it rotates",
            object: &one.name,
            consequence: "Where a provider makes keys by its API, a credential with a key for that makes the new ones. Empty is none.",
            is_dangerous: false,
        };
        let project = one.minter.as_ref().and_then(|minter| minter.project.as_deref()).unwrap_or_default();
        let fields = html! { (self.revision()) (field::empty("minter")) (field::with("project", project)) };
        form::change_with(self.viewer, &change, &fields)
    }

    fn dates(&self) -> Markup {
        let one = self.credential;
        let action = self.to("dates");
        let change = Change {
            action: &action,
            verb: "Change its dates",
            object: &one.name,
            consequence: "From the first on its key is not handed out any more. The second only reminds. Empty is none.",
            is_dangerous: false,
        };
        let expires = one.expires_at.map(figure::day).unwrap_or_default();
        let days = one.rotate_after_days.map(|days| days.to_string()).unwrap_or_default();
        let fields = html! { (self.revision()) (field::with("expires", &expires)) (field::with("rotate_after_days", &days)) };
        form::change_with(self.viewer, &change, &fields)
    }

    fn activity(&self) -> Markup {
        let one = self.credential;
        let (action, state) = (self.to("activity"), if one.is_active { "no" } else { "yes" });
        let (verb, consequence) = if one.is_active {
            (
                "Deactivate",
                "It is not handed out or used until you activate it again; another credential of its provider stands in where there is one.",
            )
        } else {
            ("Activate", "It is handed out and used from the next call on.")
        };
        let change =
            Change { action: &action, verb, object: &one.name, consequence, is_dangerous: one.is_active };
        form::change_with(self.viewer, &change, &html! { (self.revision()) (field::with("state", state)) })
    }

    fn delete(&self) -> Markup {
        let one = self.credential;
        let action = self.to("delete");
        let change = Change {
            action: &action,
            verb: "Delete",
            object: &one.name,
            consequence: "Nobody is served from it any more. Until its recovery time is over, `strongroom credential undelete` brings it back; reports keep its name.",
            is_dangerous: true,
        };
        form::change_with(self.viewer, &change, &field::empty("confirm"))
    }

    /// So that a page that is old changes nothing that it does not show.
    fn revision(&self) -> Markup {
        field::with("revision", &self.credential.revision.to_string())
    }
}
