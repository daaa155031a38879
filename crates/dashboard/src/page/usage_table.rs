//! Sums of usage as rows: calls, tokens, spend.

use maud::{Markup, html};
use strongroom::usage::{Figures, GroupSums};

use crate::figure;

/// Spend, and how many calls are in none of it.
pub(super) fn spend(sums: &Figures) -> Markup {
    html! {
        (figure::exact_dollars(sums.cost_nano_usd))
        @if sums.unpriced > 0 { span.soft { " + " (figure::count(sums.unpriced)) " unpriced" } }
    }
}

/// Rows of sums below the name of what they are told apart by, the dearest first.
pub(super) fn table(by: &str, rows: &[GroupSums], named: impl Fn(&str) -> Markup) -> Markup {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| {
        b.figures.cost_nano_usd.cmp(&a.figures.cost_nano_usd).then_with(|| a.group_key.cmp(&b.group_key))
    });
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
                    @for GroupSums { group_key, figures, .. } in rows {
                        tr {
                            th scope="row" { (named(group_key)) }
                            td.n { (figure::count(figures.client_requests)) }
                            td.n { (figure::count(figures.errors_client.saturating_add(figures.errors_provider))) }
                            td.n { (figure::count(figures.input_tokens)) }
                            td.n { (figure::count(figures.output_tokens)) }
                            td.n { (spend(figures)) }
                        }
                    }
                }
            }
        }
    }
}
