//! Reading what people type into forms: an error names the field, and nothing that was typed is repeated in it.

use std::collections::BTreeMap;

use strongroom_model::limit::Unit;
use strongroom_model::tag::TagSet;
use strongroom_model::{Millis, Problem, UserId};

use super::posted::Form;

/// Nine decimals.
const NANO: i64 = 1_000_000_000;

/// A whole number that may be left out. Commas and spaces are for the eye.
pub(super) fn number(form: &Form, field: &'static str) -> Result<Option<i64>, Problem> {
    let text: String = form.text(field).chars().filter(|it| !matches!(it, ',' | '_' | ' ')).collect();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text
        .parse()
        .map_err(|_| Problem::invalid(field, format!("{} must be a whole number", words(field))))?;
    Ok(Some(number))
}

fn words(field: &str) -> String {
    field.replace('_', " ")
}

/// The beginning of a day (UTC) that may be left out.
pub(super) fn day(form: &Form, field: &'static str) -> Result<Option<Millis>, Problem> {
    let text = form.text(field).trim();
    if text.is_empty() { Ok(None) } else { day_of(text, field).map(Some) }
}

/// The beginning of a day (UTC).
pub(super) fn day_of(text: &str, field: &'static str) -> Result<Millis, Problem> {
    let wrong = || Problem::invalid(field, format!("{} must be a day, such as 2026-01-31", words(field)));
    let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_day {
        return Err(wrong());
    }
    Millis::parse(&format!("{text}T00:00:00Z")).map_err(|_| wrong())
}

/// A user's number that may be left out.
pub(super) fn user(form: &Form) -> Result<Option<UserId>, Problem> {
    Ok(number(form, "user")?.map(UserId))
}

/// Dollars with up to nine decimals, as billionths.
pub(super) fn dollars(text: &str, field: &'static str) -> Result<i64, Problem> {
    let wrong = || {
        Problem::invalid(
            field,
            format!("{} must be US dollars with at most nine decimals, such as 25 or 0.5", words(field)),
        )
    };
    let text: String = text.trim().trim_start_matches('$').chars().filter(|it| *it != ',').collect();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let dollars: i64 = whole.parse().map_err(|_| wrong())?;
    let nano: i64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    dollars.checked_mul(NANO).and_then(|dollars| dollars.checked_add(nano)).ok_or_else(wrong)
}

/// An amount in a unit: dollars, or a whole number.
pub(super) fn amount(form: &Form, unit: Unit) -> Result<i64, Problem> {
    match unit {
        Unit::NanoUsd => dollars(form.text("amount"), "amount"),
        Unit::Requests | Unit::Tokens => {
            number(form, "amount")?.ok_or_else(|| Problem::invalid("amount", "amount must be a whole number"))
        }
    }
}

/// The unit that is chosen in a form.
pub(super) fn unit(form: &Form) -> Result<Unit, Problem> {
    match form.text("unit") {
        "usd" => Ok(Unit::NanoUsd),
        other => Unit::parse(other),
    }
}

/// Names with commas between them.
pub(super) fn names(form: &Form, field: &str) -> Vec<String> {
    form.text(field).split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Tags as `project=search, env=prod`.
pub(super) fn tags(form: &Form) -> Result<TagSet, Problem> {
    let wrong = || Problem::invalid("tags", "tags must be keys and values, such as project=search, env=prod");
    let mut pairs = BTreeMap::new();
    for name in names(form, "tags") {
        let (key, value) = name.split_once('=').ok_or_else(wrong)?;
        if pairs.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(Problem::invalid("tags", "tags must name each key once"));
        }
    }
    TagSet::given(&pairs)
}

/// A text that may be left out.
pub(super) fn optional(form: &Form, field: &str) -> Option<String> {
    Some(form.text(field).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Checks that somebody who removes something has typed its name.
pub(super) fn confirmed(form: &Form, name: &str) -> Result<(), Problem> {
    if form.text("confirm").trim() == name {
        return Ok(());
    }
    Err(Problem::invalid("confirm", format!("to confirm, type the name exactly as it is: {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_read_or_named() {
        let form = |value: &str| Form::of(&[("amount", value), ("expires", value), ("user", value)]);
        assert_eq!(number(&form("1,000 000"), "amount").unwrap(), Some(1_000_000));
        assert_eq!(number(&form(" "), "amount").unwrap(), None);
        assert_eq!(number(&form("1.5"), "amount").unwrap_err().field.as_deref(), Some("amount"));
        assert_eq!(day(&form("2026-01-31"), "expires").unwrap(), Some(Millis(1_769_817_600_000)));
        for odd in ["2026-02-30", "31.1.2026", "2026-1-1", "<b>", "9999999999"] {
            let problem = day(&form(odd), "expires").unwrap_err();
            assert!(!problem.message.contains(odd), "{}", problem.message);
        }
        assert_eq!(amount(&form("$1,234.5"), Unit::NanoUsd).unwrap(), 1_234_500_000_000);
        assert_eq!(amount(&form("12"), Unit::Tokens).unwrap(), 12);
        for odd in ["", "-1", "1e3", "0.0000000001", "9223372037", ".5"] {
            assert!(amount(&form(odd), Unit::NanoUsd).is_err(), "{odd}");
        }
        let tags = |text: &str| tags(&Form::of(&[("tags", text)]));
        assert_eq!(tags(" project = search,env=prod ,").unwrap().pairs().len(), 2);
        assert!(tags("").unwrap().pairs().is_empty());
        for odd in ["project", "project=a,project=b", "a b=c", "=x", "x="] {
            assert_eq!(tags(odd).unwrap_err().field.as_deref(), Some("tags"), "{odd}");
        }
        assert!(amount(&form(""), Unit::Tokens).is_err() && user(&form("x")).is_err());
    }
}
