//! The question that a query about usage asks, and the rows of its answer.

use std::collections::HashMap;

use strongroom::usage::UsageService;
use strongroom::usage::hours::{HourDim, HourSums, HoursQuery, Latency};
use strongroom::usage::sums::{Dim, GroupSums, SumsRequest};
use strongroom_client::wire::usage::{ShowUsage, Usage, UsageLatency, UsageRow};
use strongroom_model::{Millis, Problem};

use super::DAY_MS;

/// Names of dimensions; those of tags are `tag:` and the key.
const DIMS: [(&str, Dim); 9] = [
    ("credential", Dim::Credential),
    ("version", Dim::Version),
    ("provider", Dim::Provider),
    ("model", Dim::Model),
    ("token", Dim::Token),
    ("user", Dim::User),
    ("source", Dim::Source),
    ("operation", Dim::Operation),
    ("day", Dim::Day),
];

/// The longest key of a tag.
const MAX_TAG_KEY_BYTES: usize = 32;

/// The dimension of this name.
pub(in crate::api) fn dim(field: &'static str, name: &str) -> Result<Dim, Problem> {
    if let Some(key) =
        name.strip_prefix("tag:").filter(|key| !key.is_empty() && key.len() <= MAX_TAG_KEY_BYTES)
    {
        return Ok(Dim::Tag(key.to_owned()));
    }
    let found = DIMS.into_iter().find(|(known, _)| *known == name);
    found.map(|(_, dim)| dim).ok_or_else(|| {
        let known: Vec<_> = DIMS.iter().map(|(known, _)| *known).collect();
        Problem::invalid(
            field,
            format!("{field} must be one of {}, or tag: and the key of a tag", known.join(", ")),
        )
    })
}

/// The dimension of hours of this name.
fn hour_dim(name: &str) -> Option<HourDim> {
    const HOUR_DIMS: [(&str, HourDim); 6] = [
        ("hour", HourDim::Hour),
        ("day", HourDim::Day),
        ("status", HourDim::Status),
        ("provider", HourDim::Provider),
        ("model", HourDim::Model),
        ("source", HourDim::Source),
    ];
    HOUR_DIMS.into_iter().find(|(known, _)| *known == name).map(|(_, dim)| dim)
}

/// Tells whether only hours know a dimension.
fn is_of_hours(name: &str) -> bool {
    matches!(name, "hour" | "status")
}

/// The sums that a question is about.
#[derive(Debug, Clone)]
enum Sums {
    /// Of days; and of the hours of them, for how long answers took, where these are told apart by the same.
    Days(Box<SumsRequest>, Option<HoursQuery>),
    /// Of hours alone.
    Hours(HoursQuery),
}

/// Whose usage is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Of {
    Everybody,
    /// The caller's own.
    Caller,
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub(in crate::api) struct Question {
    sums: Sums,
    from: Millis,
    to: Millis,
    group_by: String,
    split_by: Option<String>,
}

impl Question {
    /// Reads a query; `usual` is what groups are told apart by when it says nothing.
    pub(in crate::api) fn of(query: &ShowUsage, usual: &str, now: Millis) -> Result<Self, Problem> {
        let group_by = query.group_by.clone().unwrap_or_else(|| usual.to_owned());
        let split_by = query.split_by.clone();
        let (from, to) = (super::from(query.from.as_deref(), now)?, super::until(query.to.as_deref(), now)?);
        if split_by.as_ref() == Some(&group_by) {
            return Err(Problem::invalid("splitBy", "splitBy must be another dimension than groupBy"));
        }
        let hours = hours(query, (&group_by, split_by.as_deref()), from, to)?;
        let names = [Some(group_by.as_str()), split_by.as_deref()];
        let of_hours = names.into_iter().flatten().find(|name| is_of_hours(name)).map(str::to_owned);
        if let Some(name) = of_hours {
            let Some(hours) = hours else {
                let field = if name == group_by { "groupBy" } else { "splitBy" };
                let message = format!(
                    "with {name} go provider, model, source and day, and conditions on provider, model and source"
                );
                return Err(Problem::invalid(field, message));
            };
            return Ok(Self { sums: Sums::Hours(hours), from, to, group_by, split_by });
        }
        let mut request = SumsRequest::new(dim("groupBy", &group_by)?, from, to);
        request.query.split = split_by.as_deref().map(|name| dim("splitBy", name)).transpose()?;
        request.credential.clone_from(&query.credential);
        let filter = &mut request.query.filter;
        filter.provider.clone_from(&query.provider);
        filter.model.clone_from(&query.model);
        filter.token.clone_from(&query.token);
        filter.user = query.user;
        filter.source = query.source.as_deref().map(source).transpose()?.map(ToOwned::to_owned);
        filter.tag = query.tag.as_deref().map(tag).transpose()?;
        Ok(Self { sums: Sums::Days(Box::new(request), hours), from, to, group_by, split_by })
    }

    /// Tells whether only hours can answer it, which know nobody's own.
    pub(in crate::api) const fn is_of_hours(&self) -> bool {
        matches!(self.sums, Sums::Hours(_))
    }

    /// The same for as many days before: of a range that has not ended, for those of it that have begun.
    pub(in crate::api) fn previous(&self, now: Millis) -> Self {
        let end = self.to.0.min(now.0 - now.0.rem_euclid(DAY_MS) + DAY_MS);
        let length = (end - self.from.0).max(DAY_MS);
        let (from, to) = (Millis(self.from.0 - length), self.from);
        let mut before = Self { from, to, ..self.clone() };
        match &mut before.sums {
            Sums::Days(request, hours) => {
                (request.query.from, request.query.to) = (from, to);
                if let Some(hours) = hours {
                    (hours.from, hours.to) = (from, to);
                }
            }
            Sums::Hours(hours) => (hours.from, hours.to) = (from, to),
        }
        before
    }

    /// The rows of the answer.
    pub(in crate::api) async fn ask(&self, usage: &UsageService, of: Of) -> Result<Vec<UsageRow>, Problem> {
        let (request, hours) = match &self.sums {
            Sums::Hours(hours) => {
                let sums = usage.hours(hours).await?;
                return Ok(sums.into_iter().map(|sums| self.row_of_hours(sums)).collect());
            }
            Sums::Days(request, hours) => (SumsRequest::clone(request), hours),
        };
        if of == Of::Caller {
            let groups = usage.own_groups(request).await?;
            return Ok(groups.into_iter().map(|group| self.row(group)).collect());
        }
        let groups = usage.groups(request).await?;
        let mut rows: Vec<_> = groups.into_iter().map(|group| self.row(group)).collect();
        if let Some(hours) = hours {
            let latencies: HashMap<_, _> = usage
                .hours(hours)
                .await?
                .into_iter()
                .map(|sums| self.row_of_hours(sums))
                .map(|row| ((row.key, row.split_key), row.latency))
                .collect();
            for row in &mut rows {
                row.latency = latencies.get(&(row.key.clone(), row.split_key.clone())).cloned().flatten();
            }
        }
        Ok(rows)
    }

    /// The answer with these rows.
    pub(in crate::api) fn answer(&self, rows: Vec<UsageRow>) -> Usage {
        let (from, to) = self.days();
        let (group_by, split_by) = (self.group_by.clone(), self.split_by.clone());
        Usage { group_by, split_by, from, to, rows, previous: None, forecast: None }
    }

    /// The first and the last day.
    pub(in crate::api) fn days(&self) -> (String, String) {
        (super::day(self.from), super::day(Millis(self.to.0 - 1)))
    }

    fn row_of_hours(&self, sums: HourSums) -> UsageRow {
        let latency = Latency::of(&sums);
        let HourSums { group_key, split_key, figures, .. } = sums;
        let latency = UsageLatency {
            first_byte_p50_ms: latency.first_byte_p50_ms,
            first_byte_p95_ms: latency.first_byte_p95_ms,
            total_p50_ms: latency.total_p50_ms,
            total_p95_ms: latency.total_p95_ms,
            output_tokens_per_second: latency.output_tokens_per_second,
        };
        UsageRow { latency: Some(latency), ..self.row(GroupSums { group_key, split_key, figures }) }
    }

    fn row(&self, sums: GroupSums) -> UsageRow {
        let GroupSums { group_key, split_key, figures } = sums;
        UsageRow {
            key: key(&self.group_by, group_key),
            split_key: self.split_by.as_ref().map(|split| key(split, split_key)),
            requests: figures.client_requests,
            key_uses: figures.requests,
            errors: figures.errors_client.saturating_add(figures.errors_provider),
            client_errors: figures.errors_client,
            provider_errors: figures.errors_provider,
            input_tokens: figures.input_tokens,
            cached_input_tokens: figures.cached_input_tokens,
            cache_write_tokens: figures.cache_write_tokens,
            output_tokens: figures.output_tokens,
            reasoning_tokens: figures.reasoning_tokens,
            cost_nano_usd: figures.cost_nano_usd,
            unpriced: figures.unpriced,
            mean_first_byte_ms: mean(figures.first_byte_ms_sum, figures.first_byte_count),
            mean_total_ms: mean(figures.total_ms_sum, figures.total_count),
            latency: None,
        }
    }
}

/// The hours that a query can be answered from, if they know all that it names.
fn hours(
    query: &ShowUsage,
    (group_by, split_by): (&str, Option<&str>),
    from: Millis,
    to: Millis,
) -> Result<Option<HoursQuery>, Problem> {
    let is_narrow =
        query.credential.is_some() || query.token.is_some() || query.user.is_some() || query.tag.is_some();
    let split = split_by.map(hour_dim);
    let (Some(by), false) = (hour_dim(group_by), is_narrow || split == Some(None)) else { return Ok(None) };
    Ok(Some(HoursQuery {
        by,
        split: split.flatten(),
        provider: query.provider.clone(),
        model: query.model.clone(),
        source: query.source.as_deref().map(source).transpose()?.map(ToOwned::to_owned),
        from,
        to,
    }))
}

fn source(text: &str) -> Result<&'static str, Problem> {
    ["database", "environment"]
        .into_iter()
        .find(|known| *known == text)
        .ok_or_else(|| Problem::invalid("source", "source must be database or environment"))
}

fn tag(text: &str) -> Result<(String, String), Problem> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| Problem::invalid("tag", "tag must be a key and a value, such as project=search"))
}

/// A group's name as the wire has it.
fn key(dim: &str, text: String) -> String {
    match (dim, text.parse()) {
        ("day", Ok(start)) => super::day(Millis(start)),
        ("hour", Ok(start)) => Millis(start).to_string(),
        _ => text,
    }
}

fn mean(sum: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-31T23:59:59.999Z
    const NOW: Millis = Millis(1_769_903_999_999);

    fn question(query: ShowUsage) -> Result<Question, Problem> {
        Question::of(&query, "credential", NOW)
    }

    #[test]
    fn a_question_names_the_field_that_is_wrong() {
        let text = |text: &str| Some(text.to_owned());
        for (query, field) in [
            (ShowUsage { group_by: text("planet"), ..ShowUsage::default() }, "groupBy"),
            (ShowUsage { group_by: text("tag:"), ..ShowUsage::default() }, "groupBy"),
            (ShowUsage { split_by: text("planet"), ..ShowUsage::default() }, "splitBy"),
            (ShowUsage { split_by: text("credential"), ..ShowUsage::default() }, "splitBy"),
            (ShowUsage { source: text("moon"), ..ShowUsage::default() }, "source"),
            (ShowUsage { tag: text("project"), ..ShowUsage::default() }, "tag"),
            (ShowUsage { group_by: text("hour"), token: text("x"), ..ShowUsage::default() }, "groupBy"),
            (ShowUsage { split_by: text("status"), ..ShowUsage::default() }, "splitBy"),
            (ShowUsage { from: text("yesterday"), ..ShowUsage::default() }, "from"),
        ] {
            assert_eq!(question(query).unwrap_err().field.as_deref(), Some(field));
        }
        let tagged = question(ShowUsage { group_by: text("tag:project"), ..ShowUsage::default() }).unwrap();
        let Sums::Days(request, None) = tagged.sums else { panic!("{tagged:?}") };
        assert_eq!(request.query.by, Dim::Tag("project".to_owned()));
        let split = ShowUsage {
            group_by: text("hour"),
            split_by: text("status"),
            provider: text("groq"),
            ..ShowUsage::default()
        };
        let Sums::Hours(hours) = question(split).unwrap().sums else { panic!("of hours") };
        assert_eq!((hours.split, hours.provider), (Some(HourDim::Status), text("groq")));
    }

    #[test]
    fn the_days_before_are_as_many_as_have_begun() {
        let whole_month =
            question(ShowUsage { to: Some("2026-02-28".to_owned()), ..ShowUsage::default() }).unwrap();
        assert_eq!(whole_month.previous(NOW).days(), ("2025-12-01".to_owned(), "2025-12-31".to_owned()));
        let three = ShowUsage {
            from: Some("2026-01-10".to_owned()),
            to: Some("2026-01-12".to_owned()),
            ..ShowUsage::default()
        };
        assert_eq!(
            question(three).unwrap().previous(NOW).days(),
            ("2026-01-07".to_owned(), "2026-01-09".to_owned())
        );
    }
}
