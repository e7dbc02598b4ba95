//! A caller's account at a server: the token of a sign-in there, or of the server's own client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::HeaderValue;
use parking_lot::Mutex;
use toolvault_core::identity::SecretId;
use toolvault_core::timestamp::Timestamp;
use toolvault_vault::{AppliedValue, Caller, ConnectionStamp, OpenConnection, Vault};

use super::values::Values;
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
    server: Arc<Server>,
    /// The sign-in that its tokens come from: with another one it is another account. `None` for the server's client.
    signed_in: Option<(SecretId, Timestamp)>,
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
    /// The account that `caller` has at the server, with a token that is good. `values` are searched for its tokens.
    pub(super) async fn find(
        accounts: &Arc<Accounts>,
        server: &Arc<Server>,
        values: &Values,
        caller: &Caller,
    ) -> Result<Found, Refusal> {
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
            let signed_in = open.stamp.sign_in;
            (known(server, values, open)?, Some(signed_in))
        } else {
            let token = accounts.machine_token(server, None).await?;
            (known_machine(server, values, &token)?, None)
        };
        let account = Arc::new(Self {
            accounts: Arc::clone(accounts),
            server: Arc::clone(server),
            signed_in,
            token: Mutex::new(token),
            renewals: tokio::sync::Mutex::default(),
        });
        account.keep_fresh(values, caller).await?;
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
        values: &Values,
        vault: &Vault,
        caller: &Caller,
    ) -> Result<bool, Refusal> {
        if self.is_machine() {
            return Ok(true);
        }
        let name = self.server.name.as_str();
        match vault.connection_stamp(caller, name).await? {
            None => Ok(false),
            Some(stamp) if self.holds(stamp) => Ok(true),
            Some(_) => {
                let open = vault.connection_tokens(caller, name).await?;
                self.take_over(values, open)
            }
        }
    }

    /// Whether its token is the one with this stamp.
    fn holds(&self, stamp: ConnectionStamp) -> bool {
        self.signed_in == Some(stamp.sign_in) && self.token().number == stamp.version
    }

    /// Renews the token if its end is near. One that cannot be renewed stays: its server says what it wants.
    pub(super) async fn keep_fresh(&self, values: &Values, caller: &Caller) -> Result<(), Refusal> {
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
        match self.renew(values, caller, &token).await {
            Ok(_) => Ok(()),
            Err(refusal) if is_good => {
                refusal.log(Some(self.server.name.as_str()));
                renewals.failed = Some(Instant::now());
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The server refused this token. Returns whether there is another one.
    pub(crate) async fn refused(
        &self,
        values: &Values,
        caller: &Caller,
        token: &Token,
    ) -> Result<bool, Refusal> {
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
        self.renew(values, caller, token).await
    }

    /// Gets another token than this one. Returns whether there is one.
    async fn renew(
        &self,
        values: &Values,
        caller: &Caller,
        token: &Token,
    ) -> Result<bool, Refusal> {
        let server = &self.server;
        let Some(sign_in) = self.signed_in else {
            let new = self
                .accounts
                .machine_token(server, Some(token.number))
                .await?;
            *self.token.lock() = known_machine(server, values, &new)?;
            return Ok(true);
        };
        let known = ConnectionStamp {
            sign_in,
            version: token.number,
        };
        let renewed = self.accounts.renew(server, caller, known).await?;
        self.take_over(values, renewed)
    }

    /// Uses a token if it is of the same sign-in.
    fn take_over(&self, values: &Values, open: Option<OpenConnection>) -> Result<bool, Refusal> {
        let Some(open) = open else {
            return Ok(false);
        };
        if self.signed_in != Some(open.stamp.sign_in) || !is_for(&self.server, &open) {
            return Ok(false);
        }
        *self.token.lock() = known(&self.server, values, open)?;
        Ok(true)
    }
}

/// Whether a connection's tokens are for the server as it is configured now.
fn is_for(server: &Server, open: &OpenConnection) -> bool {
    let info = &open.connection;
    server.takes_tokens_of(&info.issuer, &info.resource)
}

/// The token, for which answers are searched from here on.
fn known(server: &Server, values: &Values, open: OpenConnection) -> Result<Arc<Token>, Refusal> {
    let info = &open.connection;
    let life = info
        .expires_at
        .map(|end| (renewed_from(info.renewed_at, end), end));
    let value = AppliedValue {
        secret_id: open.id,
        secret_name: server.name.to_string(),
        version: info.version,
        redact: true,
        value: open.access_token,
    };
    token(values, value, life)
}

fn known_machine(
    server: &Server,
    values: &Values,
    new: &MachineToken,
) -> Result<Arc<Token>, Refusal> {
    let life = new
        .expires_at
        .map(|end| (renewed_from(new.issued_at, end), end));
    let value = AppliedValue {
        secret_id: new.id,
        secret_name: server.name.to_string(),
        version: new.number,
        redact: true,
        value: new.value.clone(),
    };
    token(values, value, life)
}

fn token(
    values: &Values,
    value: AppliedValue,
    life: Option<(Timestamp, Timestamp)>,
) -> Result<Arc<Token>, Refusal> {
    let token = Token {
        header: bearer(&value.value).ok_or(UpstreamError::CredentialRefused)?,
        number: value.version,
        life,
    };
    values.add(vec![value]);
    Ok(Arc::new(token))
}
