//! Limits on programs: for all callers together, for each user, and for each caller.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::mcp::access::Principal;
use crate::settings::{GatewayLimits, GatewaySettings, Sandbox};
use crate::stdio::{Concealed, Support, sandbox_support};

/// Slots for programs.
pub(crate) struct Slots {
    limits: Mutex<GatewayLimits>,
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
            limits: Mutex::new(settings.limits),
            used: Mutex::default(),
            support: OnceCell::new(),
            concealed,
        }
    }

    /// Changes the limits, and conceals more paths from programs that start from here on. Programs above the limits keep
    /// running.
    pub(crate) fn set_limits(&self, settings: &GatewaySettings) {
        *self.limits.lock() = settings.limits;
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
        let limits = self.limits.lock();
        let mut used = self.used.lock();
        let all: usize = used.values().sum();
        let of_user = used
            .iter()
            .filter(|(other, _)| other.user == principal.user);
        let of_user: usize = of_user.map(|(_, count)| count).sum();
        let own = used.get(principal).copied().unwrap_or_default();
        if all >= limits.processes
            || of_user >= limits.processes_per_user()
            || own >= limits.processes_per_caller
        {
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
