//! Sums of usage as rows: calls, tokens, spend.

use maud::{Markup, html};
use strongroom::usage::Sums;

use crate::figure;

/// Spend, and how many calls are in none of it.
pub(super) fn spend(sums: &Sums) -> Markup {
    html! {
        (figure::exact_dollars(sums.cost_nano_usd))
        @if sums.unpriced > 0 { span.soft { " + " (figure::count(sums.unpriced)) " unpriced" } }
    }
}

/// All of some sums in one.
pub(super) fn total(rows: &[Sums]) -> Sums {
    let mut total = Sums {
        group_key: String::new(),
        client_requests: 0,
        requests: 0,
        errors: 0,
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        reasoning_tokens: 0,
        cost_nano_usd: 0,
        unpriced: 0,
    };
    for row in rows {
        total.client_requests = total.client_requests.saturating_add(row.client_requests);
        total.requests = total.requests.saturating_add(row.requests);
        total.errors = total.errors.saturating_add(row.errors);
        total.input_tokens = total.input_tokens.saturating_add(row.input_tokens);
        total.cached_input_tokens = total.cached_input_tokens.saturating_add(row.cached_input_tokens);
        total.output_tokens = total.output_tokens.saturating_add(row.output_tokens);
        total.reasoning_tokens = total.reasoning_tokens.saturating_add(row.reasoning_tokens);
        total.cost_nano_usd = total.cost_nano_usd.saturating_add(row.cost_nano_usd);
        total.unpriced = total.unpriced.saturating_add(row.unpriced);
    }
    total
}

/// Rows of sums below the name of what they are told apart by, the dearest first.
pub(super) fn table(by: &str, rows: &[Sums], named: impl Fn(&str) -> Markup) -> Markup {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| b.cost_nano_usd.cmp(&a.cost_nano_usd).then_with(|| a.group_key.cmp(&b.group_key)));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Usage by {}", by.to_lowercase())) {
            table {
                thead { tr {
                    th scope="col" { (by) }
                    th.n scope="col" { "Calls" }
                    th.n scope="col" { "Failed" }
                    th.n scope="col" { "Input tokens" }
                    th.n scope="col" { "Output tokens" }
                    th.n scope="col" { "Spend" }
                } }
                tbody {
                    @for sums in rows {
                        tr {
                            th scope="row" { (named(&sums.group_key)) }
                            td.n { (figure::count(sums.client_requests)) }
                            td.n { (figure::count(sums.errors)) }
                            td.n { (figure::count(sums.input_tokens)) }
                            td.n { (figure::count(sums.output_tokens)) }
                            td.n { (spend(sums)) }
                        }
                    }
                }
            }
        }
    }
}
