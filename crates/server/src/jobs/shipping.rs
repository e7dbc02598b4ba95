//! Counts of the shipping of audit records.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use toolvault_core::timestamp::Timestamp;

/// The shipping of audit records, as the metrics show it. All are 0 in a server that does not ship.
#[derive(Debug, Default)]
pub struct Shipping {
    waiting: Gauge,
    oldest: Gauge,
    shipped: Counter,
    rejected: Counter,
}

impl Shipping {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Audit records that this server has to ship";
        registry.register("audit_unshipped_records", help, self.waiting.clone());
        let help = "When the oldest audit record was made that this server has to ship, in seconds since 1970; 0 if it \
                    has none to ship";
        registry.register("audit_oldest_unshipped_seconds", help, self.oldest.clone());
        let help = "Audit records that the receiver acknowledged";
        registry.register("audit_shipped_records", help, self.shipped.clone());
        let help = "Audit records that the receiver acknowledged and rejected";
        registry.register("audit_rejected_records", help, self.rejected.clone());
    }

    /// Notes how many records wait, and the time of the oldest.
    pub fn waits(&self, records: i64, oldest: Option<Timestamp>) {
        self.waiting.set(records);
        self.oldest.set(oldest.map_or(0, Timestamp::seconds));
    }

    /// Notes that the receiver acknowledged records, and rejected some of them.
    pub fn acknowledged(&self, records: u64, rejected: u64) {
        self.shipped.inc_by(records);
        self.rejected.inc_by(rejected);
    }
}
