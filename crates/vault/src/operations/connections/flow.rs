//! A sign-in at an authorization server, sealed for whoever began it: nothing is stored until it is completed.

use toolvault_core::digest::{from_hexadecimal, hexadecimal};
use toolvault_core::identity::SignInId;
use toolvault_core::sign_in::{self, ConnectionFlow, ConnectionRequest};
use toolvault_core::timestamp::SECOND;

use super::may_manage;
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::Vault;

/// How long a person may take, in microseconds.
const FLOW_LASTS: i64 = 600 * SECOND;

impl Vault {
    /// Seals a sign-in that begins now, for the caller's user. Needs `manage`.
    pub async fn seal_connection_flow(
        &self,
        caller: &Caller,
        request: ConnectionRequest,
    ) -> Result<String, Error> {
        let allowed = may_manage(caller, &request.server);
        self.note_refusal(caller, allowed).await?;
        let (entropy, now) = (self.shared.entropy.as_ref(), self.shared.clock.now());
        let flow = ConnectionFlow {
            id: SignInId::generate(entropy, now)?,
            user: caller.user,
            until: now.plus(FLOW_LASTS),
            request,
        };
        let sealed = sign_in::seal(&flow, &self.shared.keyring, entropy)?;
        Ok(hexadecimal(&sealed))
    }

    /// Opens a sign-in at this server that the caller's user began in the last ten minutes and did not complete. Needs
    /// `manage`.
    pub async fn open_connection_flow(
        &self,
        caller: &Caller,
        server: &str,
        sealed: &str,
    ) -> Result<ConnectionFlow, Error> {
        self.note_refusal(caller, may_manage(caller, server))
            .await?;
        let sealed = from_hexadecimal(sealed).ok_or_else(over)?;
        let flow: ConnectionFlow =
            sign_in::open(&sealed, &self.shared.keyring).map_err(|_| over())?;
        let is_own = flow.user == caller.user && flow.request.server == server;
        if !is_own || self.shared.clock.now() >= flow.until || self.is_ended(flow.id).await? {
            return Err(over());
        }
        Ok(flow)
    }
}

/// The error for a sign-in that cannot be completed.
pub(super) fn over() -> Error {
    Error::invalid(
        "sign_in_over",
        &["body", "flow"],
        "This sign-in is over: it was completed, took more than 10 minutes, or is not yours. Begin again.",
    )
}
