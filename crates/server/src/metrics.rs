//! Metrics for Prometheus (`OpenMetrics` text), without the name of any user, secret or tool.

mod approvals;
mod rotation;

use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use toolvault_gateway::mcp::Gateway;

use self::approvals::PendingApprovals;
use self::rotation::RotationDue;
use crate::jobs::Jobs;
use crate::settings::TraceSettings;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The counters of one server.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    sign_in_failures: Family<ReasonLabels, Counter>,
    resolutions: Family<OutcomeLabels, Counter>,
    pub(crate) rotation_due: RotationDue,
    pub(crate) pending_approvals: PendingApprovals,
}

impl Metrics {
    pub(crate) fn new(gateway: &Gateway, jobs: &Jobs, traces: Option<&TraceSettings>) -> Self {
        let mut registry = Registry::with_prefix("toolvault");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let durations = Family::new_with_constructor(duration_histogram as fn() -> Histogram);
        let help = "Time to answer a request";
        registry.register("http_request_duration_seconds", help, durations.clone());
        let sign_in_failures = Family::default();
        let help = "Credentials that were refused";
        registry.register("sign_in_failures", help, sign_in_failures.clone());
        let resolutions = Family::default();
        registry.register(
            "resolutions",
            "Tool calls completed or refused",
            resolutions.clone(),
        );
        let rotation_due = RotationDue::default();
        rotation_due.register(&mut registry);
        let pending_approvals = PendingApprovals::default();
        pending_approvals.register(&mut registry);
        gateway.register_metrics(&mut registry);
        jobs.register(&mut registry);
        if let Some(traces) = traces {
            traces.counts.register(&mut registry);
        }
        Self {
            registry: Mutex::new(registry),
            requests,
            durations,
            sign_in_failures,
            resolutions,
            rotation_due,
            pending_approvals,
        }
    }

    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, duration: Duration) {
        let route = route.to_owned();
        let labels = RequestLabels {
            method: method_label(method),
            route: route.clone(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route })
            .observe(duration.as_secs_f64());
    }

    pub(crate) fn sign_in_failed(&self, reason: &'static str) {
        self.sign_in_failures
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    pub(crate) fn resolved(&self, is_completed: bool) {
        let outcome = if is_completed { "completed" } else { "refused" };
        self.resolutions
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// All metrics as text.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.lock();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// Buckets from 100 µs to about 13 s.
fn duration_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 18))
}

/// A client can send any word as a method, and each would create a time series.
fn method_label(method: &str) -> String {
    match method {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" => method,
        _ => "other",
    }
    .to_owned()
}
