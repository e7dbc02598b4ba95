//! The number of secrets that are due for rotation. It is counted when the metrics are read, at most once a minute.

use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::Vault;

/// How long a count is used.
const KEPT: i64 = 60 * SECOND;

#[derive(Default)]
pub(crate) struct RotationDue {
    count: Gauge,
    counted_at: Mutex<Option<Timestamp>>,
}

impl RotationDue {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Secrets whose value is due for rotation";
        registry.register("secrets_rotation_due", help, self.count.clone());
    }

    /// Counts again if the last count is too old. If the database does not answer, the last count stays.
    pub(crate) async fn refresh(&self, vault: &Vault, now: Timestamp) {
        if !self.is_old(now) {
            return;
        }
        match vault.rotation_due().await {
            Ok(count) => {
                self.count.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            Err(error) => {
                tracing::debug!(error = %error, "secrets due for rotation were not counted");
            }
        }
    }

    /// Whether to count now; true only for the first of several concurrent readers.
    fn is_old(&self, now: Timestamp) -> bool {
        let mut counted_at = self.counted_at.lock();
        let is_old = counted_at.is_none_or(|at| now < at || at.plus(KEPT) <= now);
        if is_old {
            *counted_at = Some(now);
        }
        is_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_counted_at_first_and_then_once_a_minute() {
        let due = RotationDue::default();
        let at = |seconds: i64| Timestamp::from_microseconds(seconds * SECOND);
        for (now, is_old) in [
            (100, true),
            (100, false),
            (159, false),
            (160, true),
            (161, false),
            // The clock was set back.
            (90, true),
        ] {
            assert_eq!(due.is_old(at(now)), is_old, "{now}");
        }
    }
}
