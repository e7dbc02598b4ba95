//! Authentication with tokens of configured issuers (RFC 7519, with the rules of RFC 8725).
//!
//! [`token`] parses a token strictly. Its issuer is found by the exact `iss`, its signature is verified with that
//! issuer's keys only ([`key_source`], [`key_set`]), and then its claims are checked ([`claims`]). Start with
//! [`JwtVerifier::verify`]. The time is always an argument.

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
    /// The claim `scope`, limited to the issuer's `scopes`; without the claim, the issuer's `scopes`.
    pub(crate) scopes: ScopeSet,
    /// Whether an unknown user is created.
    pub(crate) create_users: bool,
    /// The claim `exp`. The token is accepted for another 60 seconds.
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
