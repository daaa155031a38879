//! The same question as a command and as a call of the API.

use maud::{Markup, html};
use strongroom::usage::{Dim, Grain};
use strongroom_model::Millis;

use super::Asked;
use super::asked::name_of;
use crate::figure;
use crate::range::Slots;
use crate::text::{self, in_query};

/// A word of a command line, as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=/@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A question to the API: the name of the option, of the parameter, and the value.
type Part = (&'static str, &'static str, String);

/// The parts of the question; `None` where the API knows no such filter.
fn parts(asked: &Asked, slots: Slots) -> Option<Vec<Part>> {
    let by = match &asked.by {
        Dim::Nothing => String::new(),
        Dim::Actor => "token".to_owned(),
        by => name_of(by),
    };
    let slot = if slots.grain == Grain::Hour { "hour" } else { "day" };
    let mut parts = vec![("--by", "groupBy", slot.to_owned())];
    // By the hour, only what is kept by the hour is told apart.
    let is_kept = slots.grain != Grain::Hour || matches!(asked.by, Dim::Provider | Dim::Model | Dim::Source);
    if !by.is_empty() && is_kept {
        parts.push(("--split", "splitBy", by));
    }
    parts.push(("--from", "from", figure::day(slots.from)));
    parts.push(("--to", "to", figure::day(Millis(slots.to.0 - 1))));
    for (name, value) in &asked.filters {
        let (option, parameter) = match *name {
            "provider" => ("--provider", "provider"),
            "model" => ("--model", "model"),
            "credential" => ("--credential", "credential"),
            "user" => ("--user", "user"),
            "tag" => ("--tag", "tag"),
            "actor" => ("--token", "token"),
            _ => return None,
        };
        let value = match *name {
            "actor" => value.strip_prefix("token:")?,
            _ => value.as_str(),
        };
        parts.push((option, parameter, value.to_owned()));
    }
    Some(parts)
}

/// What stands below the explorer.
pub(super) fn elsewhere(asked: &Asked, slots: Slots) -> Markup {
    let Some(parts) = parts(asked, slots) else { return html! {} };
    let mut command = "strongroom usage".to_owned();
    let mut address = "$STRONGROOM_URL/api/admin/usage".to_owned();
    for (number, (option, parameter, value)) in parts.iter().enumerate() {
        command.push_str(&format!(" {option} {}", quoted(value)));
        address.push_str(&format!("{}{parameter}={}", if number == 0 { '?' } else { '&' }, in_query(value)));
    }
    html! {
        section.card.c12 id="elsewhere" {
            h2 { "The same elsewhere" }
            p.sub { "As a command, and as a call of the API." @if slots.grain == Grain::Hour { " Both tell whole days." } }
            p { code data-copy { (text::visible(&command)) } }
            p { code data-copy { "curl -H \"Authorization: Bearer $STRONGROOM_TOKEN\" \"" (address) "\"" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measure;

    #[test]
    fn a_question_is_copied_with_its_filters_and_no_shell_reads_more_into_them() {
        let slots = Slots { from: Millis(0), to: Millis(2 * 86_400_000), grain: Grain::Day };
        let asked = Asked::new(Measure::Spend, Dim::Model)
            .only("credential", "it's; rm -rf $HOME")
            .only("actor", "token:abc");
        let shown = elsewhere(&asked, slots).into_string();
        let command = "strongroom usage --by day --split model --from 1970-01-01 --to 1970-01-02 --credential 'it'\\''s; rm -rf $HOME' --token abc";
        assert!(shown.contains(&maud::html! { (command) }.into_string()), "{shown}");
        assert!(shown.contains("groupBy=day&amp;splitBy=model&amp;from=1970-01-01"), "{shown}");
        assert!(shown.contains("credential=it%27s%3B%20rm"), "{shown}");
        let local = Asked::new(Measure::Spend, Dim::Model).only("actor", "local:me");
        assert_eq!(elsewhere(&local, slots).into_string(), "", "neither knows such a filter");
    }
}
