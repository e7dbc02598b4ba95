//! Limits on programs: for all callers together, and for each.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::mcp::access::Principal;
use crate::settings::{GatewaySettings, Sandbox};
use crate::stdio::{Concealed, Support, sandbox_support};

/// Slots for programs.
pub(crate) struct Slots {
    /// For all callers together, and for each.
    limits: Mutex<(usize, usize)>,
    used: Mutex<HashMap<Principal, usize>>,
    support: OnceCell<Support>,
    /// What no program may read, as it was when the server started.
    concealed: Arc<Concealed>,
}

/// The right to run one program.
pub(super) struct Slot {
    slots: Arc<Slots>,
    principal: Principal,
}

impl Slots {
    pub(crate) fn new(settings: &GatewaySettings) -> Self {
        let concealed = Arc::<Concealed>::default();
        concealed.add(&settings.concealed);
        Self {
            limits: Mutex::new(limits(settings)),
            used: Mutex::default(),
            support: OnceCell::new(),
            concealed,
        }
    }

    /// Changes the limits, and conceals more paths from programs that start from here on. Programs above the limits keep
    /// running.
    pub(crate) fn set_limits(&self, settings: &GatewaySettings) {
        *self.limits.lock() = limits(settings);
        self.concealed.add(&settings.concealed);
    }

    pub(super) fn concealed(&self) -> &Arc<Concealed> {
        &self.concealed
    }

    /// How many programs run.
    pub(crate) fn used(&self) -> usize {
        self.used.lock().values().sum()
    }

    pub(super) fn take(self: &Arc<Self>, principal: &Principal) -> Option<Slot> {
        let (most, most_per_caller) = *self.limits.lock();
        let mut used = self.used.lock();
        let all: usize = used.values().sum();
        let own = used.get(principal).copied().unwrap_or_default();
        if all >= most || own >= most_per_caller {
            return None;
        }
        used.insert(principal.clone(), own + 1);
        Some(Slot {
            slots: Arc::clone(self),
            principal: principal.clone(),
        })
    }

    /// The sandbox mechanism of this system, probed once.
    pub(super) async fn support(&self, sandbox: Sandbox) -> Support {
        if sandbox == Sandbox::Off {
            return Support::None;
        }
        let find = || async {
            let tried = tokio::task::spawn_blocking(sandbox_support).await;
            let support = tried.unwrap_or(Support::None);
            if support == Support::None {
                tracing::warn!(
                    "this system has neither user namespaces nor Landlock: tool servers can read what our user can"
                );
            }
            support
        };
        *self.support.get_or_init(find).await
    }
}

fn limits(settings: &GatewaySettings) -> (usize, usize) {
    let limits = &settings.limits;
    (limits.processes, limits.processes_per_caller)
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut used = self.slots.used.lock();
        let left = used
            .get(&self.principal)
            .map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            used.remove(&self.principal);
        } else {
            used.insert(self.principal.clone(), left);
        }
    }
}
