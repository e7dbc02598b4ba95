//! Counts of alarms.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Alarms, as the metrics show them. All are 0 in a server that sends none.
#[derive(Debug, Default)]
pub struct Alarms {
    sent: Counter,
    failed: Counter,
    dropped: Counter,
    waiting: Gauge,
}

impl Alarms {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Alarms that the receiver or the command took";
        registry.register("alarms_sent", help, self.sent.clone());
        let help = "Attempts to send an alarm that failed; each is tried again";
        registry.register("alarms_failed", help, self.failed.clone());
        let help =
            "Alarms that were not sent within three days, and records that were pruned unread";
        registry.register("alarms_dropped", help, self.dropped.clone());
        let help = "Alarms that this server has to send";
        registry.register("alarms_waiting", help, self.waiting.clone());
    }

    /// Notes that an alarm was taken.
    pub fn sent(&self) {
        self.sent.inc();
    }

    /// Notes that an attempt failed.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// Notes that so many are not sent any more.
    pub fn dropped(&self, count: u64) {
        self.dropped.inc_by(count);
    }

    /// Notes how many wait.
    pub fn waits(&self, count: usize) {
        self.waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
