//! What a person allowed of a call, against what its secrets ask for.

use toolvault_core::policy::Need;

use super::decide::Decided;
use crate::error::{Error, NeededApproval};

/// What a person allowed of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    /// The most that was allowed; `None` for nothing.
    pub given: Option<Need>,
    /// What the configuration asks for, whatever the policies do.
    pub asked: Option<Need>,
    /// Whether the tool says that it only reads, and is pinned so.
    pub only_reads: bool,
}

impl Approved {
    /// Refuses a call if what was allowed is less than what the configuration or the policy of a secret asks for.
    pub(super) fn require(self, decided: &[Decided]) -> Result<(), Error> {
        let (mut asked, mut asking) = (self.asked, None);
        for argument in decided {
            let Some((secret, _)) = argument.applied() else {
                continue;
            };
            let approval = secret.policy.approval;
            let need = approval.and_then(|approval| approval.need(self.only_reads));
            if need > asked {
                (asked, asking) = (need, Some(secret));
            }
        }
        match asked {
            Some(need) if asked > self.given => {
                Err(Error::ApprovalNeeded(Box::new(NeededApproval {
                    need,
                    secret_name: asking.map(|secret| secret.name.to_string()),
                })))
            }
            _ => Ok(()),
        }
    }
}
