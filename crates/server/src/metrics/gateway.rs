//! The gateway's own figures, asked for whenever somebody reads them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use toolvault_gateway::mcp::{Durations, Figures, Gateway};

/// Reads the figures of the gateway.
pub(super) struct GatewayFigures(pub(super) Gateway);

impl fmt::Debug for GatewayFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GatewayFigures")
            .finish_non_exhaustive()
    }
}

impl Collector for GatewayFigures {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        write(&self.0.figures(), encoder)
    }
}

fn write(figures: &Figures, mut encoder: DescriptorEncoder) -> fmt::Result {
    for (name, help, value) in [
        ("mcp_sessions", "Sessions of agents", figures.sessions),
        (
            "mcp_processes",
            "Programs that serve tools",
            figures.processes,
        ),
    ] {
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)?;
    }
    let help = "Messages of tool servers in which a value was found and replaced";
    let metric = encoder.encode_descriptor("mcp_redactions", help, None, MetricType::Counter)?;
    ConstCounter::new(figures.redactions).encode(metric)?;
    let help = "Tool calls through the gateway";
    let mut calls = encoder.encode_descriptor("mcp_tool_calls", help, None, MetricType::Counter)?;
    for &(outcome, count) in &figures.calls {
        let labels = [("outcome", outcome)];
        ConstCounter::new(count).encode(calls.encode_family(&labels)?)?;
    }
    write_durations(&figures.durations, encoder)
}

fn write_durations(durations: &Durations, mut encoder: DescriptorEncoder) -> fmt::Result {
    let help = "Time until a tool call was answered";
    let name = "mcp_tool_call_duration_seconds";
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    let under: u64 = durations.buckets.iter().map(|(_, count)| count).sum();
    // The format wants a last bucket without an upper bound.
    let over = (f64::INFINITY, durations.count.saturating_sub(under));
    let buckets: Vec<(f64, u64)> = durations.buckets.iter().copied().chain([over]).collect();
    metric.encode_histogram::<NoLabelSet>(durations.sum, durations.count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[derive(Debug)]
    struct Fixed(Figures);

    impl Collector for Fixed {
        fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
            write(&self.0, encoder)
        }
    }

    #[test]
    fn figures_become_open_metrics() {
        let mut registry = Registry::with_prefix("toolvault");
        registry.register_collector(Box::new(Fixed(Figures {
            sessions: 2,
            processes: 1,
            calls: vec![("answered", 7), ("refused", 3)],
            redactions: 4,
            durations: Durations {
                sum: 12.5,
                count: 10,
                buckets: vec![(0.1, 4), (1.0, 5)],
            },
        })));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "# TYPE toolvault_mcp_sessions gauge",
            "toolvault_mcp_sessions 2",
            "toolvault_mcp_processes 1",
            "toolvault_mcp_redactions_total 4",
            "toolvault_mcp_tool_calls_total{outcome=\"answered\"} 7",
            "toolvault_mcp_tool_calls_total{outcome=\"refused\"} 3",
            "toolvault_mcp_tool_call_duration_seconds_sum 12.5",
            "toolvault_mcp_tool_call_duration_seconds_count 10",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"0.1\"} 4",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"1.0\"} 9",
            "toolvault_mcp_tool_call_duration_seconds_bucket{le=\"+Inf\"} 10",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
