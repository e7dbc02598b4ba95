//! Sign-in by tokens of configured issuers (RFC 7519, held to RFC 8725).
//!
//! A token is taken apart strictly ([`token`]), its issuer found by the exact `iss`, its signature
//! checked with that issuer's keys only ([`key_source`], [`key_set`]), and then its claims
//! ([`claims`]). Start with [`JwtVerifier::verify`]. The clock is an argument everywhere.

mod algorithm;
mod claims;
mod config;
mod error;
mod identity;
mod json;
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

/// What a token that was accepted says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedToken {
    /// The name under `[auth.issuers]`.
    pub(crate) issuer_name: String,
    /// The claim `iss`.
    pub(crate) issuer: String,
    /// The claim `sub`.
    pub(crate) subject: String,
    /// The user that (iss, sub) stands for.
    pub(crate) user_id: UserId,
    /// The claim `scope` within the issuer's `scopes`; without the claim, the issuer's `scopes`.
    pub(crate) scopes: ScopeSet,
    /// Whether a user who is not known yet is to be created.
    pub(crate) create_users: bool,
    /// The claim `exp`. The token is accepted for 60 seconds longer.
    pub(crate) expires_at: Timestamp,
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
    /// Key files are read once, so that a bad one is found at start; key URLs at their first use.
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

    /// What `token` says, if one of the issuers has signed it and it is valid at `now`.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, JwtError> {
        let parts = Parts::decode(token)?;
        let token = Token::read(&parts)?;
        let issuer = self
            .issuers
            .get(&token.claims.issuer()?)
            .ok_or(JwtError::UnknownIssuer)?;
        token.check_type(&issuer.config.token_types)?;
        if !issuer.config.algorithms.contains(&token.algorithm) {
            return Err(JwtError::Algorithm);
        }
        let keys = issuer
            .keys
            .with_key(token.key_id.as_deref(), token.algorithm, now)
            .await?;
        keys.find(token.key_id.as_deref(), token.algorithm)?
            .verify(token.algorithm, token.signed, token.signature)?;
        issuer.judge(&token, now)
    }
}

impl Issuer {
    fn judge(&self, token: &Token<'_>, now: Timestamp) -> Result<VerifiedToken, JwtError> {
        let config = &self.config;
        let claims = &token.claims;
        let expires_at = claims.check_times(now, config.max_lifetime_seconds)?;
        claims.check_audience(&config.audience)?;
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
            scopes: claims.scopes(config.scopes)?,
            create_users: config.create_users,
            expires_at,
        })
    }
}
