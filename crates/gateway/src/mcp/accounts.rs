//! Tokens for servers: of people, which the vault keeps, and of the servers' own clients, which are kept in memory.

mod credentials;

use std::ops::ControlFlow;
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
use crate::http::HttpError;
use crate::oauth::issuer::{self, Issuer};
use crate::oauth::token::{Grant, TokenRequest, Tokens};
use crate::oauth::{OAuthError, Site, assertion};
use crate::settings;

/// How long a caller waits for someone else's renewal: a little longer than a lease lasts.
const LONGEST_WAIT: Duration = Duration::from_secs(35);
/// How long the description of the authorization server may take: with 20 seconds for the tokens, less than the 30 of a
/// lease. After the lease, another server could send the same refresh token, and most issuers then end everything.
const LONGEST_READING: Duration = Duration::from_secs(8);
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
        let mut reads_anew = false;
        loop {
            match vault.lease_refresh(caller, name, known).await? {
                RefreshLease::Leased(lease) => {
                    let refreshed = self.refresh(server, caller, *lease, reads_anew).await?;
                    if let ControlFlow::Break(open) = refreshed {
                        return Ok(open);
                    }
                    reads_anew = true;
                }
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

    /// `None` if the person must sign in again. Goes on if the client was refused where an earlier description led: the
    /// endpoint may have moved, so a new one is read before the connection ends.
    async fn refresh(
        &self,
        server: &Server,
        caller: &Caller,
        lease: Lease,
        reads_anew: bool,
    ) -> Result<ControlFlow<Option<OpenConnection>>, Refusal> {
        let issuer = &lease.connection.issuer;
        let known = (!reads_anew).then(|| server.known_issuer(issuer, self.clock.now()));
        let known = known.flatten();
        let is_known = known.is_some();
        let refreshed = self.refreshed(server, &lease, known).await;
        if refreshed.is_err() {
            server.forget_issuer();
        }
        let end = match refreshed {
            Ok(tokens) => {
                let renewed = self.vault.renew(caller, lease, new_tokens(tokens)).await?;
                if renewed.is_some() {
                    return Ok(ControlFlow::Break(renewed));
                }
                // The person signed in again, or out, meanwhile.
                let name = server.name.as_str();
                let open = self.vault.connection_tokens(caller, name).await?;
                return Ok(ControlFlow::Break(open));
            }
            Err(OAuthError::Client) if is_known => {
                let end = RefreshEnd::Failed;
                self.vault.end_refresh(caller, lease, end).await?;
                return Ok(ControlFlow::Continue(()));
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
        Ok(ControlFlow::Break(None))
    }

    /// `known` is the last description of the authorization server, if that may be used.
    async fn refreshed(
        &self,
        server: &Server,
        lease: &Lease,
        known: Option<Issuer>,
    ) -> Result<Tokens, OAuthError> {
        let refused = OAuthError::Malformed("the refresh token is not text");
        let refresh_token = lease.refresh_token.expose_text().ok_or(refused)?;
        let site = server.site()?;
        let issuer = match known {
            Some(known) => known,
            None => self.described(server, &site, lease).await?,
        };
        let client = self.credentials(server, &issuer, &lease.client)?;
        let request = TokenRequest {
            grant: Grant::Refresh(refresh_token),
            client: client.identity(),
            resource: &lease.connection.resource,
            scopes: &lease.connection.scopes,
        };
        request.send(&site, &issuer, self.clock.now()).await
    }

    /// What the authorization server says about itself now.
    async fn described(
        &self,
        server: &Server,
        site: &Site,
        lease: &Lease,
    ) -> Result<Issuer, OAuthError> {
        let issuer = &lease.connection.issuer;
        let reading = server.read_issuer(site, issuer, self.clock.now());
        let read = timeout(LONGEST_READING, reading).await;
        read.unwrap_or(Err(OAuthError::Http {
            what: issuer::WHAT,
            source: HttpError::Timeout,
        }))
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
        let found = server.discover(&site, self.clock.now()).await?;
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
