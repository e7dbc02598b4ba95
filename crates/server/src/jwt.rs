//! Authentication with tokens of configured issuers (RFC 7519, with the rules of RFC 8725).
//!
//! [`token`] parses a token strictly. Its issuer is found by the exact `iss`, its signature is verified with that
//! issuer's keys only ([`key_source`], [`key_set`]), and then its claims are checked ([`claims`]). Start with
//! [`JwtVerifier::verify`]. ID tokens, which say who signed in, are accepted only by [`JwtVerifier::verify_sign_in`]. The
//! time is always an argument.

mod algorithm;
mod claims;
mod config;
mod error;
mod identity;
mod key;
mod key_file;
mod key_set;
mod key_source;
mod key_url;
mod token;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use toolvault_core::identity::UserId;
use toolvault_core::scope::ScopeSet;
use toolvault_core::timestamp::Timestamp;

pub use self::algorithm::Algorithm;
pub use self::config::{IssuerConfig, IssuerConfigError};
pub(crate) use self::error::JwtError;

use self::config::validate_issuers;
use self::key_source::KeySource;
use self::token::{Parts, Token};

/// The content of an accepted token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedToken {
    /// The name under `[auth.issuers]`.
    pub(crate) issuer_name: String,
    /// The claim `iss`.
    pub(crate) issuer: String,
    /// The claim `sub`.
    pub(crate) subject: String,
    /// The user that (iss, sub) identifies.
    pub(crate) user_id: UserId,
    /// The claim `scope`, limited to the issuer's `scopes`; without the claim, the issuer's `scopes`. Of a person who
    /// signed in, the issuer's `sign_in_scopes`.
    pub(crate) scopes: ScopeSet,
    /// Whether an unknown user is created.
    pub(crate) create_users: bool,
    /// The claim `exp`. The token is accepted for another 60 seconds.
    pub(crate) expires_at: Timestamp,
}

impl From<VerifiedToken> for toolvault_vault::Token {
    fn from(verified: VerifiedToken) -> Self {
        Self {
            issuer: verified.issuer,
            subject: verified.subject,
            user: verified.user_id,
            scopes: verified.scopes,
            create_user: verified.create_users,
            expires_at: verified.expires_at,
        }
    }
}

/// What an ID token must agree with.
#[derive(Clone, Copy)]
pub(crate) struct ExpectedSignIn<'a> {
    /// The issuer, `iss`.
    pub(crate) issuer: &'a str,
    /// What this sign-in began with.
    pub(crate) nonce: &'a str,
    /// The access token that the issuer gave beside it.
    pub(crate) access_token: Option<&'a str>,
}

/// The configured issuers and their keys.
#[derive(Debug)]
pub(crate) struct JwtVerifier {
    issuers: HashMap<String, Issuer>,
}

#[derive(Debug)]
struct Issuer {
    config: IssuerConfig,
    keys: KeySource,
}

impl JwtVerifier {
    /// A verifier for `issuers`, after [`validate_issuers`].
    ///
    /// It reads key files once, so that a bad file is found at start. It fetches key URLs at their first use.
    pub(crate) fn new(issuers: Vec<IssuerConfig>) -> Result<Self, IssuerConfigError> {
        validate_issuers(&issuers)?;
        let issuers = issuers
            .into_iter()
            .map(|config| {
                let keys = KeySource::new(&config)?;
                Ok((config.issuer.clone(), Issuer { config, keys }))
            })
            .collect::<Result<_, IssuerConfigError>>()?;
        Ok(Self { issuers })
    }

    /// The content of `token`, if one of the issuers signed it and it is valid at `now`.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, JwtError> {
        let parts = Parts::decode(token)?;
        let token = Token::read(&parts)?;
        let issuer = self.issuer(&token)?;
        token.check_type(&issuer.config.token_types)?;
        issuer.check_signature(&token, now).await?;
        token.claims.check_audience(&issuer.config.audience)?;
        let scopes = token.claims.scopes(issuer.config.scopes)?;
        issuer.judge(&token, scopes, now)
    }

    /// The content of the ID token that an issuer gave to its client for a person who signed in, if it is the expected
    /// one and valid at `now`.
    pub(crate) async fn verify_sign_in(
        &self,
        token: &str,
        expected: ExpectedSignIn<'_>,
        now: Timestamp,
    ) -> Result<VerifiedToken, JwtError> {
        let parts = Parts::decode(token)?;
        let token = Token::read(&parts)?;
        let found = self.issuer(&token)?;
        let scopes = found.config.scopes_of_people();
        let (Some(client_id), Some(scopes)) = (&found.config.client_id, scopes) else {
            return Err(JwtError::UnknownIssuer);
        };
        if found.config.issuer != expected.issuer {
            return Err(JwtError::UnknownIssuer);
        }
        token.check_id_token_type()?;
        found.check_signature(&token, now).await?;
        token.claims.check_sign_in(client_id, expected.nonce)?;
        token
            .claims
            .check_access_token(expected.access_token, token.algorithm)?;
        found.judge(&token, scopes, now)
    }

    /// The scopes of people who sign in at the issuer with this `iss`; `None` if they cannot.
    pub(crate) fn scopes_of_people(&self, issuer: &str) -> Option<ScopeSet> {
        self.issuers.get(issuer)?.config.scopes_of_people()
    }

    fn issuer(&self, token: &Token<'_>) -> Result<&Issuer, JwtError> {
        self.issuers
            .get(&token.claims.issuer()?)
            .ok_or(JwtError::UnknownIssuer)
    }
}

impl Issuer {
    async fn check_signature(&self, token: &Token<'_>, now: Timestamp) -> Result<(), JwtError> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(JwtError::Algorithm);
        }
        let id = token.key_id.as_deref();
        let keys = self.keys.with_key(id, token.algorithm, now).await?;
        keys.find(id, token.algorithm)?
            .verify(token.algorithm, token.signed, token.signature)
    }

    fn judge(
        &self,
        token: &Token<'_>,
        scopes: ScopeSet,
        now: Timestamp,
    ) -> Result<VerifiedToken, JwtError> {
        let config = &self.config;
        let claims = &token.claims;
        let expires_at = claims.check_times(now, config.max_lifetime_seconds)?;
        let subject = claims.subject()?;
        let user_id = if config.subject_is_user_id {
            identity::user_in_subject(&subject).ok_or(JwtError::Claim("sub"))?
        } else {
            identity::user_of(&config.issuer, &subject)
        };
        Ok(VerifiedToken {
            issuer_name: config.name.clone(),
            issuer: config.issuer.clone(),
            subject,
            user_id,
            scopes,
            create_users: config.create_users,
            expires_at,
        })
    }
}
