//! What is counted, for Prometheus. No user, secret or tool is named.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use toolvault_core::audit::record::Decision;

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The counters of one gateway.
pub(crate) struct Metrics {
    calls: Family<Outcome, Counter>,
    durations: Histogram,
    redactions: Counter,
    repeated: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            calls: Family::default(),
            durations: Histogram::new(BOUNDS),
            redactions: Counter::default(),
            repeated: Counter::default(),
        };
        // Both are shown from the start.
        for outcome in ["allowed", "denied"] {
            drop(metrics.calls.get_or_create(&Outcome { outcome }));
        }
        metrics
    }
}

impl Metrics {
    pub(crate) fn called(&self, decision: Decision, duration: Duration) {
        let outcome = match decision {
            Decision::Allowed => "allowed",
            Decision::Denied => "denied",
        };
        self.calls.get_or_create(&Outcome { outcome }).inc();
        self.durations.observe(duration.as_secs_f64());
    }

    /// A message in which a value was found.
    pub(crate) fn redacted(&self) {
        self.redactions.inc();
    }

    /// Values that a caller sent themselves.
    pub(crate) fn repeated(&self, values: usize) {
        self.repeated.inc_by(values as u64);
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "mcp_tool_calls",
            "Tool calls through the gateway",
            self.calls.clone(),
        );
        registry.register(
            "mcp_tool_call_duration_seconds",
            "Time until a tool call was answered",
            self.durations.clone(),
        );
        registry.register(
            "mcp_redactions",
            "Messages of tool servers in which a value was found and replaced",
            self.redactions.clone(),
        );
        registry.register(
            "mcp_repeated_values",
            "Values of secrets found in what agents sent to tool servers",
            self.repeated.clone(),
        );
    }
}

/// A number that is asked for when metrics are read.
pub(crate) struct Count<T> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) of: Arc<T>,
    pub(crate) read: fn(&T) -> usize,
}

impl<T> fmt::Debug for Count<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Count").field(&self.name).finish()
    }
}

impl<T: Send + Sync + 'static> Collector for Count<T> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let count = i64::try_from((self.read)(&self.of)).unwrap_or(i64::MAX);
        let metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        ConstGauge::new(count).encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn metrics_become_open_metrics() {
        let mut registry = Registry::with_prefix("toolvault");
        let metrics = Metrics::default();
        metrics.register(&mut registry);
        registry.register_collector(Box::new(Count {
            name: "mcp_sessions",
            help: "Sessions of agents",
            of: Arc::new(2),
            read: |count: &usize| *count,
        }));
        for seconds in [0.5, 0.06, 400.0] {
            metrics.called(Decision::Allowed, Duration::from_secs_f64(seconds));
        }
        metrics.redacted();
        metrics.repeated(2);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "# TYPE toolvault_mcp_sessions gauge",
            "toolvault_mcp_sessions 2",
            "toolvault_mcp_redactions_total 1",
            "toolvault_mcp_repeated_values_total 2",
            "toolvault_mcp_tool_calls_total{outcome=\"allowed\"} 3",
            "toolvault_mcp_tool_calls_total{outcome=\"denied\"} 0",
            "toolvault_mcp_tool_call_duration_seconds_sum 400.56",
            "toolvault_mcp_tool_call_duration_seconds_count 3",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"0.1\"} 1",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"1.0\"} 2",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
