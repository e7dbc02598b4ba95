//! The number of calls that wait for a person. It is counted when the metrics are read.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use toolvault_vault::Vault;

#[derive(Default)]
pub(crate) struct PendingApprovals(Gauge);

impl PendingApprovals {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Calls of all users that wait for a person";
        registry.register("approvals_pending", help, self.0.clone());
    }

    /// Counts again. If the database does not answer, the last count stays.
    pub(crate) async fn refresh(&self, vault: &Vault) {
        match vault.pending_approvals().await {
            Ok(count) => _ = self.0.set(count),
            Err(error) => {
                tracing::debug!(error = %error, "calls that wait for a person were not counted");
            }
        }
    }
}
