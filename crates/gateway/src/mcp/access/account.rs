//! A caller's account at a server: the token of a sign-in there, or of the server's own client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::HeaderValue;
use parking_lot::Mutex;
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{AppliedValue, Caller, ConnectionStamp, OpenConnection, Vault};

use super::Access;
use crate::mcp::accounts::{Accounts, renewed_from};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::server::{MachineToken, Server};
use crate::oauth::token::bearer;
use crate::settings::Grant;

/// How long after a renewal because of a refusal the next refusal leads to none: a server could refuse every token.
const REFUSALS_COUNT_AGAIN: Duration = Duration::from_secs(30);
/// How long after a failure no other attempt is made as long as the token is good.
const FAILURE_HOLDS_FOR: Duration = Duration::from_secs(5);

/// A caller's account at one server.
pub(crate) struct Account {
    accounts: Arc<Accounts>,
    /// The sign-in that its tokens come from: with another one it is another account. `None` for the server's client.
    signed_in: Option<Timestamp>,
    token: Mutex<Arc<Token>>,
    renewals: tokio::sync::Mutex<Renewals>,
}

/// What was found of a caller's account.
pub(super) enum Found {
    Account(Arc<Account>),
    /// The caller has none.
    Nothing,
    /// The caller has one, whose tokens are for another server.
    Elsewhere(ConnectionStamp),
}

/// A token as it is sent.
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    /// Two tokens of an account have different numbers.
    number: i64,
    /// When it should be renewed, and when it ends.
    life: Option<(Timestamp, Timestamp)>,
}

/// When a token was last renewed because the server refused it, and when a renewal last failed.
#[derive(Default)]
struct Renewals {
    refused: Option<Instant>,
    failed: Option<Instant>,
}

impl Account {
    /// The account that `caller` has at the server of `access`, with a token that is good.
    pub(super) async fn find(
        accounts: &Arc<Accounts>,
        access: &Access,
        caller: &Caller,
    ) -> Result<Found, Refusal> {
        let server = &access.server;
        let Some(grant) = server.grant() else {
            return Ok(Found::Nothing);
        };
        let (token, signed_in) = if grant == Grant::AuthorizationCode {
            let name = server.name.as_str();
            let Some(open) = accounts.vault.connection_tokens(caller, name).await? else {
                return Ok(Found::Nothing);
            };
            if !is_for(server, &open) {
                return Ok(Found::Elsewhere(open.stamp));
            }
            let signed_in = open.stamp.connected_at;
            (known(access, open)?, Some(signed_in))
        } else {
            let token = accounts.machine_token(server, None).await?;
            (known_machine(access, &token)?, None)
        };
        let account = Arc::new(Self {
            accounts: Arc::clone(accounts),
            signed_in,
            token: Mutex::new(token),
            renewals: tokio::sync::Mutex::default(),
        });
        account.keep_fresh(access, caller).await?;
        Ok(Found::Account(account))
    }

    /// The token to send.
    pub(crate) fn token(&self) -> Arc<Token> {
        Arc::clone(&self.token.lock())
    }

    /// Whether it belongs to the server's own client.
    pub(crate) fn is_machine(&self) -> bool {
        self.signed_in.is_none()
    }

    /// Whether the caller would get the same account now. Takes over a token that another caller or server renewed.
    pub(super) async fn is_current(
        &self,
        access: &Access,
        vault: &Vault,
        caller: &Caller,
    ) -> Result<bool, Refusal> {
        if self.is_machine() {
            return Ok(true);
        }
        let name = access.server.name.as_str();
        match vault.connection_stamp(caller, name).await? {
            None => Ok(false),
            Some(stamp) if self.holds(stamp) => Ok(true),
            Some(_) => {
                let open = vault.connection_tokens(caller, name).await?;
                self.take_over(access, open)
            }
        }
    }

    /// Whether its token is the one with this stamp.
    fn holds(&self, stamp: ConnectionStamp) -> bool {
        self.signed_in == Some(stamp.connected_at) && self.token().number == stamp.version
    }

    /// Renews the token if its end is near. One that cannot be renewed stays: its server says what it wants.
    pub(super) async fn keep_fresh(&self, access: &Access, caller: &Caller) -> Result<(), Refusal> {
        let token = self.token();
        let now = self.accounts.clock.now();
        let Some((_, end)) = token.life.filter(|(soon, _)| now >= *soon) else {
            return Ok(());
        };
        let mut renewals = self.renewals.lock().await;
        let holds = |at: Instant| at.elapsed() < FAILURE_HOLDS_FOR;
        let is_good = now < end;
        if self.token().number != token.number || is_good && renewals.failed.is_some_and(holds) {
            return Ok(());
        }
        match self.renew(access, caller, &token).await {
            Ok(_) => Ok(()),
            Err(refusal) if is_good => {
                refusal.log(Some(access.server.name.as_str()));
                renewals.failed = Some(Instant::now());
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The server refused this token. Returns whether there is another one.
    pub(crate) async fn refused(&self, access: &Access, token: &Token) -> Result<bool, Refusal> {
        let mut renewals = self.renewals.lock().await;
        let now = self.token();
        if now.number != token.number {
            return Ok(true);
        }
        let counts = |at: &Instant| at.elapsed() < REFUSALS_COUNT_AGAIN;
        if renewals.refused.as_ref().is_some_and(counts) {
            return Ok(false);
        }
        renewals.refused = Some(Instant::now());
        self.renew(access, &access.caller(), token).await
    }

    /// Gets another token than this one. Returns whether there is one.
    async fn renew(
        &self,
        access: &Access,
        caller: &Caller,
        token: &Token,
    ) -> Result<bool, Refusal> {
        let server = &access.server;
        let Some(connected_at) = self.signed_in else {
            let new = self
                .accounts
                .machine_token(server, Some(token.number))
                .await?;
            *self.token.lock() = known_machine(access, &new)?;
            return Ok(true);
        };
        let known = ConnectionStamp {
            connected_at,
            version: token.number,
        };
        let renewed = self.accounts.renew(server, caller, known).await?;
        self.take_over(access, renewed)
    }

    /// Uses a token if it is of the same sign-in.
    fn take_over(&self, access: &Access, open: Option<OpenConnection>) -> Result<bool, Refusal> {
        let Some(open) = open else {
            return Ok(false);
        };
        if self.signed_in != Some(open.stamp.connected_at) || !is_for(&access.server, &open) {
            return Ok(false);
        }
        *self.token.lock() = known(access, open)?;
        Ok(true)
    }
}

/// Whether a connection's tokens are for the server as it is configured now.
fn is_for(server: &Server, open: &OpenConnection) -> bool {
    let info = &open.connection;
    server.takes_tokens_of(&info.issuer, &info.resource)
}

/// The token, for which answers are searched from here on.
fn known(access: &Access, open: OpenConnection) -> Result<Arc<Token>, Refusal> {
    let info = &open.connection;
    let life = info
        .expires_at
        .map(|end| (renewed_from(info.renewed_at, end), end));
    token(access, open.access_token, open.id, info.version, life)
}

fn known_machine(access: &Access, new: &MachineToken) -> Result<Arc<Token>, Refusal> {
    let life = new
        .expires_at
        .map(|end| (renewed_from(new.issued_at, end), end));
    token(access, new.value.clone(), new.id, new.number, life)
}

fn token(
    access: &Access,
    value: Confidential,
    id: SecretId,
    number: i64,
    life: Option<(Timestamp, Timestamp)>,
) -> Result<Arc<Token>, Refusal> {
    let header = bearer(&value).ok_or(UpstreamError::CredentialRefused)?;
    access.values.add(vec![AppliedValue {
        secret_id: id,
        secret_name: access.server.name.to_string(),
        version: number,
        redact: true,
        value,
    }]);
    Ok(Arc::new(Token {
        header,
        number,
        life,
    }))
}
