//! Tokens for servers: of people, which the vault keeps, and of the servers' own clients, which are kept in memory.

mod credentials;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use toolvault_core::entropy::Entropy;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::{SECOND, Timestamp};
use toolvault_vault::{
    Caller, Clock, ConnectionStamp, Lease, NewTokens, OpenConnection, RefreshEnd, RefreshLease,
    Vault,
};

pub(crate) use self::credentials::CONFIGURED;
use super::refusal::{Refusal, UpstreamError};
use super::server::{MachineToken, Server};
use crate::oauth::token::{Grant, TokenRequest, Tokens};
use crate::oauth::{OAuthError, assertion};
use crate::settings;

/// How long a caller waits for someone else's renewal: a little longer than it may take.
const LONGEST_WAIT: Duration = Duration::from_secs(35);
/// How often the vault is asked meanwhile, in case a change was not heard of.
const ROUND: Duration = Duration::from_secs(1);
/// How long before its end a token is renewed at most, in microseconds.
const MARGIN: i64 = 30 * SECOND;

/// What is needed to get tokens.
pub(crate) struct Accounts {
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    tasks: TaskTracker,
}

/// When a token should be renewed that began and ends then: 30 seconds before its end, or a tenth of its life if that is
/// less.
pub(crate) fn renewed_from(began: Timestamp, end: Timestamp) -> Timestamp {
    end.plus(-MARGIN.min(end.since(began).max(0) / 10))
}

impl Accounts {
    pub(crate) fn new(
        vault: Vault,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            vault,
            clock,
            entropy,
            tasks,
        }
    }

    /// Renews the tokens of the caller's connection to a server, of which these are the last that the caller knows. `None`
    /// if the person must sign in again. Goes on if the caller leaves: a refresh token that was used is of no use again.
    pub(crate) async fn renew(
        self: &Arc<Self>,
        server: &Arc<Server>,
        caller: &Caller,
        known: ConnectionStamp,
    ) -> Result<Option<OpenConnection>, Refusal> {
        let (accounts, server, caller) = (Arc::clone(self), Arc::clone(server), caller.clone());
        let renewing = async move { accounts.try_renew(&server, &caller, known).await };
        let renewed = self.tasks.spawn(renewing).await;
        renewed.unwrap_or(Err(UpstreamError::Silent.into()))
    }

    async fn try_renew(
        &self,
        server: &Server,
        caller: &Caller,
        known: ConnectionStamp,
    ) -> Result<Option<OpenConnection>, Refusal> {
        let (vault, name) = (&self.vault, server.name.as_str());
        let mut changes = vault.changes();
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            match vault.lease_refresh(caller, name, known).await? {
                RefreshLease::Leased(lease) => return self.refresh(server, caller, *lease).await,
                RefreshLease::CannotRefresh => return Ok(None),
                RefreshLease::Changed => {
                    let open = vault.connection_tokens(caller, name).await?;
                    return Ok(open.filter(|open| open.stamp != known));
                }
                RefreshLease::Busy if Instant::now() >= deadline => {
                    return Err(UpstreamError::Silent.into());
                }
                RefreshLease::Busy => {
                    // Which change it was does not matter: the vault is asked again.
                    let _ = timeout(ROUND, changes.recv()).await;
                }
            }
        }
    }

    async fn refresh(
        &self,
        server: &Server,
        caller: &Caller,
        lease: Lease,
    ) -> Result<Option<OpenConnection>, Refusal> {
        let refreshed = self.refreshed(server, &lease).await;
        let end = match refreshed {
            Ok(tokens) => {
                let renewed = self.vault.renew(caller, lease, new_tokens(tokens)).await?;
                if renewed.is_some() {
                    return Ok(renewed);
                }
                // The person signed in again, or out, meanwhile.
                let name = server.name.as_str();
                return Ok(self.vault.connection_tokens(caller, name).await?);
            }
            Err(OAuthError::Grant) => RefreshEnd::Refused,
            // A client that registered itself cannot be mended otherwise.
            Err(OAuthError::Client) if !server.is_own_client(&lease.client.id) => {
                RefreshEnd::Refused
            }
            Err(error) => {
                self.vault
                    .end_refresh(caller, lease, RefreshEnd::Failed)
                    .await?;
                return Err(UpstreamError::NoToken(error).into());
            }
        };
        self.vault.end_refresh(caller, lease, end).await?;
        Ok(None)
    }

    async fn refreshed(&self, server: &Server, lease: &Lease) -> Result<Tokens, OAuthError> {
        let refused = OAuthError::Malformed("the refresh token is not text");
        let refresh_token = lease.refresh_token.expose_text().ok_or(refused)?;
        let site = server.site()?;
        let issuer = server.issuer(&site, &lease.connection.issuer).await?;
        let client = self.credentials(server, &issuer, &lease.client)?;
        let request = TokenRequest {
            grant: Grant::Refresh(refresh_token),
            client: client.identity(),
            resource: &lease.connection.resource,
            scopes: &lease.connection.scopes,
        };
        let refreshed = request.send(&site, &issuer, self.clock.now()).await;
        if let Err(OAuthError::Http { .. } | OAuthError::Status { .. }) = refreshed {
            server.forget_issuer();
        }
        refreshed
    }

    /// The token of the server's own client, and not the one with the number `refused`. One request for it runs at a time.
    pub(crate) async fn machine_token(
        &self,
        server: &Server,
        refused: Option<i64>,
    ) -> Result<Arc<MachineToken>, Refusal> {
        let mut held = server.machine.lock().await;
        let now = self.clock.now();
        if let Some(token) = held.as_ref()
            && token
                .expires_at
                .is_none_or(|end| now < renewed_from(token.issued_at, end))
            && refused != Some(token.number)
        {
            return Ok(Arc::clone(token));
        }
        let (id, number) = if let Some(before) = held.as_ref() {
            (before.id, before.number + 1)
        } else {
            let id = SecretId::generate(self.entropy.as_ref(), now);
            (id.map_err(toolvault_vault::Error::from)?, 1)
        };
        let issued = self.issued(server).await;
        let tokens = issued.map_err(UpstreamError::NoToken)?;
        let token = Arc::new(MachineToken {
            value: tokens.access_token,
            id,
            number,
            issued_at: now,
            expires_at: tokens.expires_at,
        });
        *held = Some(Arc::clone(&token));
        Ok(token)
    }

    async fn issued(&self, server: &Server) -> Result<Tokens, OAuthError> {
        let site = server.site()?;
        let found = server.discover(&site).await?;
        let settings = server.oauth();
        let id = settings.client_id.as_deref().ok_or(OAuthError::NoClient)?;
        let client = self.own_credentials(server, &found.issuer, id)?;
        let now = self.clock.now();
        let assertion = match (settings.grant, &settings.private_key_file) {
            (settings::Grant::JwtBearer, Some(file)) => {
                let issuer = &found.issuer.identifier;
                Some(assertion::sign(
                    file,
                    id,
                    issuer,
                    now,
                    self.entropy.as_ref(),
                )?)
            }
            _ => None,
        };
        let scopes = found.scopes();
        let request = TokenRequest {
            grant: match &assertion {
                Some(assertion) => Grant::Assertion(assertion),
                None => Grant::Client,
            },
            client: client.identity(),
            resource: &found.resource,
            scopes: &scopes,
        };
        request.send(&site, &found.issuer, now).await
    }
}

pub(crate) fn new_tokens(tokens: Tokens) -> NewTokens {
    NewTokens {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        expires_at: tokens.expires_at,
        scopes: tokens.scopes,
    }
}
