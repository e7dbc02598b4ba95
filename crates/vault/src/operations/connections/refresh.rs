//! New tokens: from a sign-in, and for a refresh token. One caller at a time uses a refresh token, also if several
//! servers share the database: most issuers accept each only once (RFC 9700, section 4.14), and end the connection if
//! it comes a second time.

mod changes;

use toolvault_core::audit::record::{Action, Decision};
use toolvault_core::confidential::Confidential;
use toolvault_core::sign_in::ConnectionFlow;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use self::changes::{EndLease, Renew, TakeLease};
use super::change::Connect;
use super::{ConnectionStamp, OpenConnection, may_manage, may_use};
use crate::caller::Caller;
use crate::connection::{Client, Connection, Tokens};
use crate::error::Error;
use crate::vault::Vault;

/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 16 << 10;

/// What an authorization server issued.
#[expect(missing_debug_implementations, reason = "it holds tokens")]
pub struct NewTokens {
    /// The access token, at most 16 KiB.
    pub access_token: Confidential,
    /// The refresh token, at most 16 KiB. A renewal without one keeps the former (RFC 6749, section 6).
    pub refresh_token: Option<Confidential>,
    /// When the access token expires, if the issuer said so.
    pub expires_at: Option<Timestamp>,
    /// What they permit.
    pub scopes: Vec<String>,
}

/// The right to use a refresh token alone, for 30 seconds.
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub struct Lease {
    id: Uuid,
    stamp: ConnectionStamp,
    /// The connection to renew.
    pub connection: Connection,
    /// Its refresh token.
    pub refresh_token: Confidential,
    /// The client that it was issued to.
    pub client: Client,
}

/// Whether the caller may use the refresh token.
#[expect(missing_debug_implementations, reason = "it holds a token")]
pub enum RefreshLease {
    /// They may. [`renew`](Vault::renew) or [`end_refresh`](Vault::end_refresh) must follow.
    Leased(Box<Lease>),
    /// Someone else uses it now. The connection then changes, or the lease ends within 30 seconds.
    Busy,
    /// The connection has changed: it has other tokens, is of another sign-in, or the user must sign in again.
    Changed,
    /// There is no refresh token.
    CannotRefresh,
}

/// How a refresh ended that led to no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshEnd {
    /// The issuer does not accept the refresh token (`invalid_grant`): the user must sign in again.
    Refused,
    /// Something else failed: it may be tried again.
    Failed,
}

impl Vault {
    /// Stores what a sign-in led to, in place of the user's former connection to the server. The sign-in is used up.
    /// Needs `manage`.
    ///
    /// A connection counts as one secret in the user's quota, and the lengths of its tokens as bytes.
    pub async fn connect(
        &self,
        caller: &Caller,
        flow: &ConnectionFlow,
        client: Client,
        tokens: NewTokens,
    ) -> Result<Connection, Error> {
        let request = &flow.request;
        self.note_refusal(caller, may_manage(caller, &request.server))
            .await?;
        if flow.user != caller.user || self.shared.clock.now() >= flow.until {
            return Err(super::flow::over());
        }
        require_short(&tokens)?;
        let entry = self.caller_entry(caller).await?;
        let info = Connection {
            server: request.server.clone(),
            issuer: request.issuer.clone(),
            resource: request.resource.clone(),
            client_id: client.id.clone(),
            scopes: tokens.scopes,
            connected_at: Timestamp::default(),
            renewed_at: Timestamp::default(),
            expires_at: tokens.expires_at,
            last_used_at: None,
            can_refresh: tokens.refresh_token.is_some(),
            needs_sign_in: false,
            version: 1,
        };
        let connect = Connect {
            user: caller.user,
            flow: (flow.id, flow.until),
            limits: entry.user.limits(self.shared.settings.limits),
            info,
            tokens: Tokens {
                access_token: tokens.access_token,
                refresh_token: tokens.refresh_token,
                client,
            },
            record: self.record(caller, Action::ConnectionCreated, Decision::Allowed),
        };
        self.change(caller, connect).await
    }

    /// Asks for the right to use the refresh token of a connection with this stamp. Needs `use`, and a key with tool
    /// patterns must reach some tool of the server. The audit trail has accepted the record of the use.
    pub async fn lease_refresh(
        &self,
        caller: &Caller,
        server: &str,
        stamp: ConnectionStamp,
    ) -> Result<RefreshLease, Error> {
        self.note_refusal(caller, may_use(caller, server)).await?;
        let mut id = [0; 16];
        self.shared.entropy.fill(&mut id)?;
        let lease = TakeLease {
            user: caller.user,
            server: server.to_owned(),
            stamp,
            id: Uuid::from_bytes(id),
            record: self.record(caller, Action::ConnectionUsed, Decision::Allowed),
        };
        self.change(caller, lease).await
    }

    /// Stores the tokens that a refresh led to, and ends the lease. `None` if the connection has changed meanwhile, so
    /// that they are of no use. Needs what the lease needs.
    pub async fn renew(
        &self,
        caller: &Caller,
        lease: Lease,
        tokens: NewTokens,
    ) -> Result<Option<OpenConnection>, Error> {
        let allowed = may_use(caller, &lease.connection.server);
        self.note_refusal(caller, allowed).await?;
        require_short(&tokens)?;
        let renew = Renew {
            user: caller.user,
            lease,
            tokens: Some(tokens),
            record: self.record(caller, Action::ConnectionRenewed, Decision::Allowed),
        };
        self.change(caller, renew).await
    }

    /// Ends a lease without new tokens. Needs what the lease needs.
    pub async fn end_refresh(
        &self,
        caller: &Caller,
        lease: Lease,
        end: RefreshEnd,
    ) -> Result<(), Error> {
        let allowed = may_use(caller, &lease.connection.server);
        self.note_refusal(caller, allowed).await?;
        let end = EndLease {
            user: caller.user,
            lease,
            end,
            record: self.record(caller, Action::ConnectionEnded, Decision::Allowed),
        };
        self.change(caller, end).await
    }
}

fn require_short(tokens: &NewTokens) -> Result<(), Error> {
    let all = [Some(&tokens.access_token), tokens.refresh_token.as_ref()];
    let mut all = all.into_iter().flatten();
    if all.all(|token| token.expose().len() <= LONGEST_TOKEN) {
        return Ok(());
    }
    let message = "The authorization server issued a token of more than 16 KiB.";
    Err(Error::invalid("token_too_long", &["body"], message))
}
