//! Metrics, in the Prometheus text format (OpenMetrics 1.0).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use strongroom::Strongroom;
use strongroom_model::Provider;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    provider: Cow<'static, str>,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Denial {
    code: &'static str,
}

/// Counts of requests, by route and never by path.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    refused: Counter,
    calls: Family<Call, Counter>,
    denied: Family<Denial, Counter>,
    seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("strongroom");
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests by route and status", requests.clone());
        let refused = Counter::default();
        registry.register("authentication_failures", "Requests without a valid token", refused.clone());
        let seconds =
            Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);
        registry.register("http_request_duration_seconds", "Time to the head of the answer", seconds.clone());
        let calls = Family::default();
        registry.register(
            "gateway_attempts",
            "Attempts at calls to providers, by status; 0 without an answer",
            calls.clone(),
        );
        let denied = Family::default();
        registry.register(
            "gateway_denials",
            "Calls that strongroom did not let through, by code",
            denied.clone(),
        );
        Self { registry, requests, refused, calls, denied, seconds }
    }
}

impl Metrics {
    /// Counts a request. `route` is the template, so that no name and no id becomes a label.
    pub fn count(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Request { method, route, status }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a request that showed no valid token.
    pub fn count_refused(&self) {
        self.refused.inc();
    }

    /// Counts an attempt at a call to a provider, by the status of its answer; 0 when there was none.
    pub fn count_call(&self, provider: &Provider, status: u16) {
        self.calls.get_or_create(&Call { provider: provider.clone().into(), status }).inc();
    }

    /// Counts a call that was not let through.
    pub fn count_denied(&self, code: &'static str) {
        self.denied.get_or_create(&Denial { code }).inc();
    }

    /// Everything that is counted, as text. Which providers are called is told to those only who may know.
    #[must_use]
    pub fn render(
        &self,
        room: &Strongroom,
        alerts: &[(String, String, i64)],
        names_providers: bool,
    ) -> String {
        let signals = room.counters();
        let mut text = String::new();
        for (name, help, label, count) in [
            ("secrets_read", "Keys handed out", "{source=\"database\"}", signals.reads_from_database.get()),
            (
                "secrets_read",
                "Keys handed out",
                "{source=\"environment\"}",
                signals.reads_from_environment.get(),
            ),
            ("limit_refusals", "Uses refused by a limit", "", signals.limit_refusals.get()),
            (
                "integrity_failures",
                "Stored texts or rows that did not verify",
                "",
                signals.integrity_failures.get(),
            ),
            ("audit_entries", "Audit entries written", "", signals.audit_entries.get()),
            (
                "task_restarts",
                "Background tasks that panicked and were started again",
                "",
                signals.task_restarts.get(),
            ),
            (
                "usage_records_set_aside",
                "Usage records that the database refused; their charges are kept",
                "",
                signals.records_set_aside.get(),
            ),
            (
                "incidents_set_aside",
                "Alerts that could not be written down with the use that they are about; a job looks again",
                "",
                signals.incidents_set_aside.get(),
            ),
            (
                "failed_batches",
                "Batches of ended calls that could not be written down and were tried again",
                "",
                signals.failed_batches.get(),
            ),
        ] {
            if !text.contains(&format!("# HELP strongroom_{name} ")) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "# HELP strongroom_{name} {help}.\n# TYPE strongroom_{name} counter");
            }
            let _ = writeln!(text, "strongroom_{name}_total{label} {count}");
        }
        text.push_str(
            "# HELP strongroom_unhealthy_credentials Credentials that others are tried before, by reason.\n",
        );
        text.push_str("# TYPE strongroom_unhealthy_credentials gauge\n");
        for (reason, count) in room.health_counts() {
            let _ =
                writeln!(text, "strongroom_unhealthy_credentials{{reason=\"{}\"}} {count}", reason.as_str());
        }
        text.push_str("# HELP strongroom_alerts Alerts that are not over, by rule and level.\n");
        text.push_str("# TYPE strongroom_alerts gauge\n");
        for (rule, level, count) in alerts {
            let _ = writeln!(text, "strongroom_alerts{{rule=\"{rule}\",level=\"{level}\"}} {count}");
        }
        // `encode` ends with the end-of-file mark.
        match encode(&mut text, &self.registry) {
            Ok(()) if names_providers => text,
            Ok(()) => without_providers(&text),
            Err(_) => String::new(),
        }
    }
}

/// The same, with the attempts of all providers together.
fn without_providers(text: &str) -> String {
    const ATTEMPTS: &str = "strongroom_gateway_attempts_total{";
    let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with(ATTEMPTS)) {
        if let Some((_, rest)) = line.split_once("status=\"")
            && let Some((status, rest)) = rest.split_once('"')
            && let Some((_, count)) = rest.rsplit_once(' ')
        {
            *by_status.entry(status).or_default() += count.parse::<u64>().unwrap_or(0);
        }
    }
    let mut kept = String::with_capacity(text.len());
    let mut is_told = false;
    for line in text.lines() {
        if !line.starts_with(ATTEMPTS) {
            kept.push_str(line);
            kept.push('\n');
        } else if !is_told {
            is_told = true;
            for (status, count) in &by_status {
                let _ = writeln!(kept, "{ATTEMPTS}status=\"{status}\"}} {count}");
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_of_all_providers_are_told_together_and_the_rest_as_it_is() {
        let metrics = Metrics::default();
        metrics.count_refused();
        for (provider, status) in [("openai", 200), ("groq", 200), ("vllm", 0), ("groq", 503)] {
            metrics.count_call(&Provider::parse(provider).unwrap(), status);
        }
        let mut all = String::new();
        encode(&mut all, &metrics.registry).unwrap();
        let told = without_providers(&all);
        for name in ["openai", "groq", "vllm", "provider"] {
            assert!(all.contains(name) && !told.contains(&format!("{name}\"")), "{told}");
        }
        for line in [
            "strongroom_gateway_attempts_total{status=\"200\"} 2",
            "strongroom_gateway_attempts_total{status=\"0\"} 1",
            "strongroom_authentication_failures_total 1",
            "# EOF",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} in {told}");
        }
    }
}
