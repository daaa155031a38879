//! The fields of all forms: what each is called, how it is typed, and whether it may be shown again.

use maud::{Markup, html};

use crate::text;

/// How a field is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text.
    Text,
    /// Several words, for which there is room.
    Long,
    /// A secret: typed again and never sent back.
    Secret,
    /// A whole number.
    Number,
    /// A day, UTC.
    Day,
    /// One of these values, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// Yes, or nothing.
    Check,
    /// For the program alone.
    Hidden,
}

/// A field of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
}

const fn required(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, is_required: true }
}

const fn optional(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, is_required: false }
}

const ROLES: &[(&str, &str)] = &[
    ("gateway", "gateway: uses keys, reads none"),
    ("reader", "reader: reads keys, changes nothing"),
    ("auditor", "auditor: sees everything but keys"),
    ("admin", "admin: everything"),
];
const UNITS: &[(&str, &str)] = &[("usd", "US dollars"), ("requests", "requests"), ("tokens", "tokens")];
const WINDOWS: &[(&str, &str)] = &[
    ("month", "a month"),
    ("day", "a day"),
    ("hour", "an hour"),
    ("minute", "a minute"),
    ("prepaid", "in all, once"),
];

const RULES: &[(&str, &str)] = &[
    ("", "all rules"),
    ("limit_threshold", "limit_threshold"),
    ("limit_forecast", "limit_forecast"),
    ("limit_burn", "limit_burn"),
    ("spend_spike", "spend_spike"),
    ("denials", "denials"),
    ("error_share", "error_share"),
    ("credential_unhealthy", "credential_unhealthy"),
    ("no_credential", "no_credential"),
    ("expires", "expires"),
    ("rotation_due", "rotation_due"),
    ("unused_key", "unused_key"),
    ("leak", "leak"),
    ("canary_refused", "canary_refused"),
    ("rotation_failed", "rotation_failed"),
    ("integrity", "integrity"),
    ("audit_broken", "audit_broken"),
    ("clock_skew", "clock_skew"),
    ("backup_old", "backup_old"),
    ("db_slow", "db_slow"),
    ("node_lost", "node_lost"),
    ("authority_changed", "authority_changed"),
    ("reveal_new_address", "reveal_new_address"),
    ("delivery_dead", "delivery_dead"),
    ("weekly_digest", "weekly_digest"),
];
const UP_TO: &[(&str, &str)] = &[
    ("", "all levels"),
    ("info", "info"),
    ("warn", "warn and less"),
    ("high", "high and less"),
    ("critical", "critical and less"),
];
const FROM: &[(&str, &str)] =
    &[("", "all levels"), ("warn", "warn and more"), ("high", "high and more"), ("critical", "critical")];
/// Hours.
const DURATIONS: &[(&str, &str)] = &[
    ("1", "an hour"),
    ("4", "4 hours"),
    ("24", "a day"),
    ("168", "a week"),
    ("720", "30 days"),
    ("2160", "90 days"),
];
const CHANNELS: &[(&str, &str)] = &[
    ("slack", "Slack"),
    ("discord", "Discord"),
    ("teams", "Microsoft Teams"),
    ("webhook", "webhook (Standard Webhooks)"),
    ("pagerduty", "PagerDuty"),
    ("mail", "mail"),
];

const BULK: &[(&str, &str)] = &[
    ("freeze", "freeze"),
    ("unfreeze", "unfreeze"),
    ("deactivate", "deactivate"),
    ("activate", "activate"),
    ("limit", "set a limit on each"),
];

/// Every field there is.
const FIELDS: &[Field] = &[
    required("name", "Name", Kind::Text),
    required("provider", "Provider", Kind::Text),
    required("api_key", "Key", Kind::Secret),
    optional("api_secret", "Second secret, where the provider has one", Kind::Secret),
    optional("endpoint", "Address, where it is not the provider's own", Kind::Text),
    optional("expires", "Expires at the beginning of (UTC)", Kind::Day),
    optional("rotate_after_days", "Days after which its key is due to be replaced", Kind::Number),
    optional("tags", "Booked to, as project=search, env=prod", Kind::Text),
    optional("rate_limit", "Requests a month, at the most", Kind::Number),
    optional("user", "User, by number", Kind::Number),
    optional("priority", "Priority: the lowest is tried first", Kind::Number),
    optional("minter", "Credential whose key makes new ones, by its name", Kind::Text),
    optional("project", "In the provider's project, where it has such", Kind::Text),
    required("percent", "Of a hundred calls so many", Kind::Number),
    optional("skip_test", "Do not ask the provider before", Kind::Check),
    required("reason", "Why", Kind::Long),
    optional("ticket", "Ticket", Kind::Text),
    required("role", "Role", Kind::Choice(ROLES)),
    optional("credentials", "Only these credentials, with commas between", Kind::Text),
    optional("providers", "Only these providers, with commas between", Kind::Text),
    required("amount", "Amount", Kind::Text),
    required("unit", "Unit", Kind::Choice(UNITS)),
    required("window", "For", Kind::Choice(WINDOWS)),
    optional("limit_amount", "Spends at the most (US dollars)", Kind::Text),
    optional("credential", "Credential, by its name", Kind::Text),
    optional("token", "Token, by its public id", Kind::Text),
    optional("model", "Model", Kind::Text),
    optional("input_tokens", "Tokens of the prompt", Kind::Number),
    optional("output_tokens", "Tokens of the answer at the most", Kind::Number),
    required("confirm", "Its name, to confirm", Kind::Text),
    required("bulk", "Do this", Kind::Choice(BULK)),
    optional("bulk_amount", "Amount of a limit", Kind::Text),
    required("count", "How many they are, to confirm", Kind::Number),
    optional("rule", "Rule", Kind::Choice(RULES)),
    optional("up_to", "Up to the level", Kind::Choice(UP_TO)),
    optional("from_level", "From the level on", Kind::Choice(FROM)),
    required("duration", "For", Kind::Choice(DURATIONS)),
    optional("note", "Note for others", Kind::Long),
    required("kind", "Kind", Kind::Choice(CHANNELS)),
    optional("address", "Address: a URL; of mail the server's, smtp://USER:PASSWORD@HOST:PORT", Kind::Secret),
    optional("channel_secret", "Secret: PagerDuty's routing key; of a webhook one is made", Kind::Secret),
    optional("mail_from", "Mail is from", Kind::Text),
    optional("mail_to", "Mail is for, with commas between", Kind::Text),
    optional("at", "Percentages, with commas between", Kind::Text),
    optional("days", "Days to look back", Kind::Number),
    optional("figures", "Figures, such as usd=50 times=5", Kind::Text),
    optional("is_off", "Tell nobody", Kind::Check),
    optional("only_provider", "Only of this provider", Kind::Text),
    optional("channels", "To these channels, with commas between", Kind::Text),
    optional("quiet", "Quiet hours in UTC, such as 22:00-07:00", Kind::Text),
    optional("goes_on", "Ask the routes behind it as well", Kind::Check),
    optional("subject_kind", "", Kind::Hidden),
    optional("subject_id", "", Kind::Hidden),
    optional("place", "", Kind::Hidden),
    optional("ids", "", Kind::Hidden),
    optional("once", "", Kind::Hidden),
    optional("revision", "", Kind::Hidden),
    optional("version", "", Kind::Hidden),
    optional("state", "", Kind::Hidden),
    optional("next", "", Kind::Hidden),
    optional("variable", "", Kind::Hidden),
];

/// The field of this name. One that is not in the list would be lost on its way back to whoever typed it.
pub(crate) fn find(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// A field with a value in it.
pub(crate) fn filled(field: &Field, value: &str) -> Markup {
    let Field { name, label, kind, is_required } = *field;
    match kind {
        Kind::Hidden => html! { input type="hidden" name=(name) value=(value); },
        Kind::Check => html! {
            label.check { input type="checkbox" name=(name) value="yes" checked[value == "yes"]; " " (label) }
        },
        Kind::Choice(choices) => html! {
            label.field { span { (label) } select name=(name) required[is_required] {
                @for (choice, words) in choices { option value=(choice) selected[*choice == value] { (words) } }
            } }
        },
        Kind::Text | Kind::Long => html! {
            label.field { span { (label) } input name=(name) value=(text::visible(value)) required[is_required] autocomplete="off" autocapitalize="off" spellcheck=(if kind == Kind::Long { "true" } else { "false" }); }
        },
        Kind::Number => html! {
            label.field { span { (label) } input name=(name) value=(text::visible(value)) inputmode="numeric" required[is_required] autocomplete="off"; }
        },
        Kind::Day => html! {
            label.field { span { (label) } input type="date" name=(name) value=(text::visible(value)) required[is_required]; }
        },
        // Never filled: a page that held a key would be a page to steal it from.
        Kind::Secret => html! {
            label.field { span { (label) } input type="password" name=(name) required[is_required] autocomplete="off" spellcheck="false"; }
        },
    }
}

/// An empty field.
pub(crate) fn empty(name: &str) -> Markup {
    with(name, "")
}

/// A field with this value in it.
pub(crate) fn with(name: &str, value: &str) -> Markup {
    html! { @if let Some(field) = find(name) { (filled(field, value)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_filled_in_and_what_is_filled_in_is_text() {
        for field in FIELDS {
            let shown = filled(field, "\"><b>planted").into_string();
            assert!(!shown.contains("<b>"), "{shown}");
            if field.kind == Kind::Secret {
                assert!(!shown.contains("planted") && shown.contains("password"), "{shown}");
            }
        }
    }

    #[test]
    fn every_rule_can_be_chosen() {
        let names: Vec<_> = RULES.iter().skip(1).map(|(name, _)| *name).collect();
        assert_eq!(names, strongroom_model::alert::Rule::ALL.map(strongroom_model::alert::Rule::as_str));
    }

    #[test]
    fn no_two_fields_have_one_name() {
        let names: std::collections::BTreeSet<_> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), FIELDS.len());
    }
}
