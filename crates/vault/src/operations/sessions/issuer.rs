//! Sessions that begin with a sign-in at an issuer. The server talks to the issuer; this keeps what belongs together.

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::digest::hexadecimal;
use toolvault_core::identity::SignInId;
use toolvault_core::sign_in::{self, Flow, Holder};
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::end::End;
use super::{SessionLimits, SignedIn};
use crate::caller::Token;
use crate::error::{Denial, Error};
use crate::vault::Vault;

/// How long a person may be at the issuer, in microseconds.
const FLOW_LASTS: i64 = 10 * 60 * SECOND;

impl Vault {
    /// A sign-in at the issuer that the configuration names `issuer`, and the same sealed for the page.
    pub fn begin_flow(&self, issuer: &str, redirect_url: String) -> Result<(Flow, Vec<u8>), Error> {
        let (entropy, now) = (self.shared.entropy.as_ref(), self.shared.clock.now());
        let random = || {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes).map(|()| hexadecimal(&bytes))
        };
        let flow = Flow {
            id: SignInId::generate(entropy, now)?,
            issuer: issuer.to_owned(),
            redirect_url,
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            until: now.plus(FLOW_LASTS),
        };
        let sealed = sign_in::seal(&flow, &self.shared.keyring, entropy)?;
        Ok((flow, sealed))
    }

    /// A sign-in that [`begin_flow`](Self::begin_flow) sealed, if it has not expired.
    pub fn open_flow(&self, sealed: &[u8]) -> Result<Flow, Error> {
        let flow: Flow =
            sign_in::open(sealed, &self.shared.keyring).map_err(|_| Error::Unauthenticated)?;
        if self.shared.clock.now() < flow.until {
            Ok(flow)
        } else {
            Err(Error::Unauthenticated)
        }
    }

    /// Begins a session for the person to whom the issuer gave `token` in this sign-in, which cannot be used again.
    ///
    /// The session ends by its own limits. When the token expires does not matter: it only says who signed in.
    pub async fn begin_session_at_issuer(
        &self,
        flow: &Flow,
        token: Token,
        limits: SessionLimits,
    ) -> Result<SignedIn, Error> {
        let holder = Holder::Issuer {
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
            user: token.user,
        };
        let token = Token {
            expires_at: Timestamp::from_microseconds(i64::MAX),
            ..token
        };
        let caller = self.authenticate_token(token).await;
        let caller = caller.map_err(|error| match error {
            Error::Unauthenticated => Denial::NoUser.into(),
            error => error,
        })?;
        let generation = self.generation(caller.user).await?;
        let end = End {
            id: flow.id,
            until: flow.until,
            record: self.record(&caller, Action::SessionStarted, Decision::Allowed),
            user: caller.user,
        };
        self.writer.change(end).await?;
        self.begun(caller, holder, generation, limits).await
    }
}
